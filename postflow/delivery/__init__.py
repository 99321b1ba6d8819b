"""From an approved version to delivered files: once, and only of what was approved."""
