"""Alembic migrations; `postflow migrate` runs them."""
