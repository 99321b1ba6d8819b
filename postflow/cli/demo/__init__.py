"""`postflow demo`: six stories played on the real programs and a simulated Frame.io."""

from postflow.cli.demo.command import register

__all__ = ["register"]
