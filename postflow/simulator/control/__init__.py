"""Control routes under `/_sim/`, which the real Frame.io does not have."""
