"""The full-screen view for terminals; `postflow dashboard` runs it."""
