"""Thinks and decides; imports only the standard library and touches nothing."""
