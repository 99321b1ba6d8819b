"""PostFlow's settings: what they are (`sections`) and where they come from (`load`)."""

from postflow.settings.load import load_settings
from postflow.settings.sections import Settings

__all__ = ["Settings", "load_settings"]
