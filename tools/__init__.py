"""Tools for developers; nothing here is shipped or imported by PostFlow."""
