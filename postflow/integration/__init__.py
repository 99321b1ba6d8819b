"""PostFlow inside other people's scripts; `postflow` itself shows the public names."""
