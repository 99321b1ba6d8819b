"""The keys at the foot of the view, in the reader's language."""

from __future__ import annotations

from dataclasses import replace

from textual.dom import DOMNode

from postflow.messages import translate


def translate_keys(node: DOMNode) -> None:
    """Say what the keys of a screen or widget do; their classes were made before anybody read."""
    keys = node._bindings.key_to_bindings  # noqa: SLF001 - Textual offers no other way
    for key, bindings in keys.items():
        keys[key] = [replace(each, description=translate(each.description)) for each in bindings]
