"""Whether this service can do its work now, and if not, why."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text

from postflow.errors import StoreError
from postflow.store.database import Store


class Readiness:
    """Asks the parts that work depends on."""

    def __init__(self, store: Store, *, is_tracking: Callable[[], bool]) -> None:
        self._store = store
        self._is_tracking = is_tracking

    def list_reasons(self) -> list[str]:
        """Return why the service is not ready; nothing when it is."""
        reasons = []
        try:
            with self._store.reading() as session:
                session.connection().execute(text("SELECT 1 FROM uploads LIMIT 1"))
        except StoreError as error:
            reasons.append(str(error))
        if not self._is_tracking():
            reasons.append("The tracker does not run; look into the log and start again.")
        return reasons
