"""The running service tells people, and shows on the private face what it told."""

from __future__ import annotations

import pytest

from postflow.domain.announcements import Announcement
from postflow.store.announcements import announce
from tests.factories import NOW, make_upload
from tests.flows.prefect_server import eventually
from tests.receivers import receiving_notices
from tests.webhook_api.conftest import StartService

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def test_service_tells_what_was_announced(start_service: StartService) -> None:
    """From the announcement's commit to the receiver, without Prefect and without Frame.io."""
    with receiving_notices() as receiver:
        service = start_service(notices={"urls": [receiver.address]})
        with service.store.writing() as session:
            upload = make_upload(session)
            announce(session, Announcement.FAILED, upload, now=NOW, payload={"reason": "no room"})
        eventually(lambda: receiver.received or None, doing="the receiver is told")
        assert receiver.titles == ["clip.mp4: failed"]
        eventually(
            lambda: (
                [each["status"] for each in service.private.get("/api/notices").json()] == ["sent"]
            ),
            doing="the notice is on record as sent",
        )
        assert service.private.get("/api/notices?problems=true").json() == []
        assert service.private.get("/api/stats").json()["notices_unconfirmed"] == 0
