"""Turns recorded events into verdicts and wakes what waits for them."""
