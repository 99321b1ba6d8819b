"""Every schema the store has had, newest last."""
