"""What people read, in their language; programs, logs and stored data always get the English."""

from postflow.messages.catalogue import load_catalogue
from postflow.messages.language import chosen_language

__all__ = ["chosen_language", "load_catalogue", "translate"]


def translate(sentence: str) -> str:
    """Return a finished English sentence in the reader's language, or as it is without a line."""
    if chosen_language() == "en":
        return sentence
    return load_catalogue().translate(sentence)
