"""The keys of the view: said in the reader's language, and never taken for others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.dom import DOMNode
from textual.keys import Keys

from postflow.messages import translate

_LAST = 0x24F  # the last Latin letter of those that keyboards have
_OPENERS = "[O\x1b"  # what follows Escape in the sequences of arrow and function keys


def translate_keys(node: DOMNode) -> None:
    """Say what the keys of a screen or widget do; their classes were made before anybody read."""
    keys = node._bindings.key_to_bindings  # noqa: SLF001 - Textual offers no other way
    for key, bindings in keys.items():
        keys[key] = [replace(each, description=translate(each.description)) for each in bindings]


def keep_escape() -> None:
    """Let Escape be Escape in this program, also where the next key comes with it.

    Terminals send Alt and a key as Escape and that key, which Textual takes for the key alone:
    Escape and Enter, pressed quickly or held up by a slow line, would decide. Alt means nothing
    here, so what comes with Escape is left out.
    """
    known: Any = ANSI_SEQUENCES_KEYS  # Textual offers no other way
    for number in range(_LAST + 1):
        if chr(number) not in _OPENERS:
            known[f"\x1b{chr(number)}"] = (Keys.Escape,)
