"""The `postflow` command."""
