"""`postflow doctor`: looks at everything that PostFlow depends on, and changes nothing."""

from postflow.cli.doctor.command import register

__all__ = ["register"]
