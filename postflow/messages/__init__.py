"""What people read, in their language; programs, logs and stored data always get the English."""

from datetime import datetime

from postflow.messages.catalogue import load_catalogue
from postflow.messages.language import LANGUAGE_VARIABLE, chosen_language

__all__ = [
    "LANGUAGE_VARIABLE",
    "chosen_language",
    "load_catalogue",
    "say_moment",
    "translate",
    "translate_reason",
]


def say_moment(moment: datetime) -> str:
    """Return a moment in this machine's time, as the reader writes one, without the year."""
    local = moment.astimezone()
    return f"{local:%d %b %H:%M:%S}" if chosen_language() == "en" else f"{local:%d/%m %H:%M:%S}"


def translate(sentence: str) -> str:
    """Return a finished English sentence in the reader's language, or as it is without a line."""
    if chosen_language() == "en":
        return sentence
    return load_catalogue().translate(sentence)


def translate_reason(reason: str) -> str:
    """Return the reason of a verdict in the reader's language; a person's own words stay."""
    return reason if chosen_language() == "en" else load_catalogue().translate_reason(reason)
