"""The page of one upload: what is to be done, who stands where, and why nothing is delivered."""

from __future__ import annotations

from postflow.dashboard.model import load_story, say_stage
from tests.factories import EDITOR, make_settings
from tests.review.conftest import Review
from webhook_api.pages import render_page


def page(review: Review) -> str:
    """Return the page as HTML."""
    with review.store.reading() as session:
        story = load_story(session, "clip", settings=review.settings, now=review.clock())
    assert story is not None
    return render_page("upload.html", story=story)


def stage(review: Review) -> str:
    """Return where the upload is, in words."""
    with review.store.reading() as session:
        story = load_story(session, "clip", settings=review.settings, now=review.clock())
    assert story is not None
    return say_stage(story.upload)


def test_page_shows_the_change_list(review: Review) -> None:
    """Each change is shown with place, writer and whether it is done; words stay words."""
    review.say("c1", "Please remove the <b>logo</b> at 0:32.")
    shown = page(review)
    assert "To change" in shown
    assert "0:32" in shown
    assert "&lt;b&gt;logo" in shown
    assert "<b>logo" not in shown


def test_page_says_what_words_are_worth(review: Review) -> None:
    """An approval that does not count says why on the page."""
    review.say("c1", "Approved.", author=EDITOR)
    assert "uploaded this version, and editors never decide" in page(review)


def test_page_offers_to_release_a_hold(review: Review) -> None:
    """A held version shows its reason, and the button that releases it."""
    review.say("c1", "Please remove the logo.")
    review.clock.advance(30)
    review.set_status("Approved")
    shown = page(review)
    assert "Held: Cleo set the Status to approved" in shown
    assert ">Release</button>" in shown
    assert stage(review) == "held, to be released by a person"


def test_page_shows_the_quiet_period(review: Review) -> None:
    """While it has to stay quiet the page says until when."""
    review.start(make_settings(quiet_period=300))
    review.say("c1", "Approved.")
    assert "if nobody says anything more before" in page(review)
    assert stage(review) == "approved, if it stays quiet"
