"""The Prefect flows; they say the order of things and nothing else."""
