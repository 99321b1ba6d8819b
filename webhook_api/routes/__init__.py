"""The private face's routes, one module per kind of caller."""
