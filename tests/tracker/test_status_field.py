"""The Status field: who set it decides whether it counts, and doubt never approves."""

from __future__ import annotations

import asyncio

import pytest

from postflow.domain.people import Person
from tests.factories import CLIENT, EDITOR, REVIEWER, make_settings
from tests.tracker.conftest import Scene

OTHER_EDITOR = Person(id="user-2", email="kim@studio.example", name="Kim")


def begin(scene: Scene) -> None:
    """Track a file and read it once, so that later changes are changes."""
    scene.track()
    look(scene)
    scene.clock.advance(60)


def look(scene: Scene) -> None:
    """Read the file now, as a poll does."""
    asyncio.run(scene.settler.look_at("file-1"))


def hear(scene: Scene, *users: Person | None) -> None:
    """Let webhooks about metadata come from these people, and settle them together."""
    for user in users:
        scene.receive("metadata.value.updated", "file-1", user=user)
    asyncio.run(scene.settler.settle_events())


def status(scene: Scene) -> str:
    """Return the review status as it is now."""
    return scene.upload().review_status


def test_reviewer_approves_by_status(scene: Scene) -> None:
    """The one person whose change was reported is the setter, and the Status counts."""
    begin(scene)
    scene.frameio.set_status("Approved")
    hear(scene, CLIENT)
    assert status(scene) == "approved"
    assert scene.decisions()[-1].source == "status_field"


def test_status_back_takes_approval_away(scene: Scene) -> None:
    """Setting the Status back to Needs Review makes an approved version pending."""
    begin(scene)
    scene.frameio.write("c1", "Approved.")
    look(scene)
    scene.clock.advance(5)
    scene.frameio.set_status("Needs Review")
    hear(scene, REVIEWER)
    assert status(scene) == "pending"


def test_editor_cannot_approve_by_status(scene: Scene) -> None:
    """The uploader's own Approved is no approval."""
    begin(scene)
    scene.frameio.set_status("Approved")
    hear(scene, EDITOR)
    assert status(scene) == "pending"


def test_unknown_setter_never_approves(scene: Scene) -> None:
    """A poll that finds Approved cannot tell whose it is, so the version stays pending."""
    begin(scene)
    scene.frameio.set_status("Approved")
    look(scene)
    assert status(scene) == "pending"


def test_unknown_setter_takes_approval_away(scene: Scene) -> None:
    """Whoever it was that set In Progress: in doubt it is not approved any more."""
    begin(scene)
    scene.frameio.write("c1", "Approved.")
    look(scene)
    scene.clock.advance(5)
    scene.frameio.set_status("In Progress")
    look(scene)
    assert status(scene) == "pending"


def test_trusted_unknown_setter_approves(scene: Scene) -> None:
    """Only whoever asks for it by name gets approvals by somebody unknown."""
    scene.start(make_settings(trust_unknown_status=True))
    begin(scene)
    scene.frameio.set_status("Approved")
    look(scene)
    assert status(scene) == "approved"


def test_first_status_of_a_file_is_no_change(scene: Scene) -> None:
    """A Needs Review that stands there from the start does not undo an earlier approval."""
    scene.track()
    scene.frameio.write("c1", "Approved.")
    scene.clock.advance(5)
    scene.frameio.set_status("Needs Review")
    look(scene)
    assert status(scene) == "approved"


def test_late_webhook_names_the_setter(scene: Scene) -> None:
    """A poll just before the webhook loses nothing: the webhook says who it was."""
    begin(scene)
    scene.frameio.set_status("Approved")
    look(scene)
    assert status(scene) == "pending"
    scene.clock.advance(3)
    hear(scene, CLIENT)
    assert status(scene) == "approved"


def test_much_later_webhook_names_nobody(scene: Scene) -> None:
    """A change of another field an hour later says nothing about who had approved."""
    begin(scene)
    scene.frameio.set_status("Approved")
    look(scene)
    scene.clock.advance(3600)
    hear(scene, CLIENT)
    assert status(scene) == "pending"


def test_two_people_leave_the_setter_unknown(scene: Scene) -> None:
    """When an editor and a reviewer both changed something, nobody knows who approved."""
    begin(scene)
    scene.frameio.set_status("Approved")
    hear(scene, CLIENT, EDITOR)
    assert status(scene) == "pending"


def test_second_webhook_casts_doubt(scene: Scene) -> None:
    """An editor's webhook just behind the reviewer's takes the certainty back, for good."""
    begin(scene)
    scene.frameio.set_status("Approved")
    hear(scene, CLIENT)
    scene.clock.advance(1)
    hear(scene, EDITOR)
    hear(scene, CLIENT)
    assert status(scene) == "pending"


def test_old_webhook_does_not_name_new_setter(scene: Scene) -> None:
    """A replayed event of yesterday says nothing about a change of today."""
    begin(scene)
    scene.receive("metadata.value.updated", "file-1")
    scene.clock.advance(86_400)
    look(scene)
    scene.clock.advance(60)
    scene.frameio.set_status("Approved")
    hear(scene)
    assert status(scene) == "pending"


def test_audit_log_names_the_setter(scene: Scene) -> None:
    """Where the plan has an audit log, a poll alone learns who approved."""
    begin(scene)
    scene.frameio.set_status("Approved")
    scene.frameio.log_status(CLIENT)
    scene.clock.advance(20)
    look(scene)
    assert status(scene) == "approved"


def test_audit_log_is_believed_first(scene: Scene) -> None:
    """A reviewer's webhook about another field does not make the editor's Approved count."""
    begin(scene)
    scene.frameio.set_status("Approved")
    scene.frameio.log_status(EDITOR)
    hear(scene, CLIENT)
    assert status(scene) == "pending"


def test_audit_log_dates_the_change(scene: Scene) -> None:
    """A refusal written after the Status was set counts, though the webhook came after both."""
    begin(scene)
    scene.frameio.set_status("Approved")
    scene.frameio.log_status(CLIENT)
    scene.clock.advance(1)
    scene.frameio.write("c1", "Rejected.", author=REVIEWER)
    scene.clock.advance(1)
    hear(scene, CLIENT)
    assert status(scene) == "rejected"


def test_status_after_refusal_replaces_it(scene: Scene) -> None:
    """A Status set after a refusal speaks for the whole video."""
    begin(scene)
    scene.frameio.write("c1", "Rejected.", author=REVIEWER)
    scene.clock.advance(1)
    scene.frameio.set_status("Approved")
    scene.frameio.log_status(CLIENT)
    scene.clock.advance(1)
    hear(scene, CLIENT)
    assert status(scene) == "approved"


@pytest.mark.parametrize("source", ["webhook", "audit-log"])
def test_editor_by_address_cannot_approve(scene: Scene, source: str) -> None:
    """Webhooks name people by id alone; an editor listed by domain is not taken for a client."""
    scene.start(make_settings(editors=["@studio.example"]))
    begin(scene)
    scene.frameio.set_status("Approved")
    if source == "audit-log":
        scene.frameio.log_status(OTHER_EDITOR)
    hear(scene, OTHER_EDITOR)
    assert status(scene) == "pending"


def test_comment_teaches_an_address(scene: Scene) -> None:
    """Somebody who has commented is known by address, so their Status counts."""
    scene.start(make_settings(editors=["@studio.example"]))
    begin(scene)
    scene.frameio.write("c1", "Received, thank you.")
    look(scene)
    scene.clock.advance(60)
    scene.frameio.set_status("Approved")
    hear(scene, CLIENT)
    assert status(scene) == "approved"
