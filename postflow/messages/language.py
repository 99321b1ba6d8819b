"""Which language the reader wants: `POSTFLOW_LANG`, else what the locale's variables say."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from postflow.domain.judgement.wording import Language

LANGUAGE_VARIABLE = "POSTFLOW_LANG"
_VARIABLES = (LANGUAGE_VARIABLE, "LC_ALL", "LC_MESSAGES", "LANG")
"""The first that is not empty decides; the last three in the order of POSIX."""
_FRENCH = re.compile(r"(?i)fr(?![a-z])")


def chosen_language(environment: Mapping[str, str] | None = None) -> Language:
    """Return French if the environment asks for it (`fr`, `fr_CA.UTF-8`), else English."""
    variables = os.environ if environment is None else environment
    said = next((variables[name] for name in _VARIABLES if variables.get(name)), "")
    return "fr" if _FRENCH.match(said) else "en"
