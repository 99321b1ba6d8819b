"""However deliveries are shuffled and repeated, the same events make the same status."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from postflow.domain.review import Event, review_thread

AUTHORS = st.sampled_from(["Ana", "Bo", "Ed"])
TIMES = st.integers(min_value=0, max_value=6)
TEXTS = st.sampled_from(["Approved.", "Rejected.", "Received, thank you."])


def _comment(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "type": st.just(f"comment.{kind}"),
            "comment_id": st.sampled_from(["c1", "c2", "c3", "c4"]),
            "author": AUTHORS,
            "text": TEXTS,
            "t": TIMES,
        },
        optional={"role": st.sampled_from(["client", "reviewer", "editor"])},
    )


STATUS = st.fixed_dictionaries(
    {
        "type": st.just("metadata.value.updated"),
        "field": st.sampled_from(["Status", "Rating"]),
        "value": st.sampled_from(["Approved", "Needs Review", "In Progress", "Rejected"]),
        "author": AUTHORS,
        "t": TIMES,
    }
)
VERSION = st.fixed_dictionaries(
    {
        "type": st.just("file.versioned"),
        "version": st.integers(min_value=1, max_value=3),
        "author": AUTHORS,
        "t": TIMES,
    }
)
EVENTS = st.lists(
    st.one_of(_comment("created"), _comment("updated"), _comment("deleted"), STATUS, VERSION),
    max_size=10,
)


@given(events=EVENTS, data=st.data())
@settings(max_examples=150, deadline=None)
def test_order_and_repetition_change_nothing(events: list[Event], data: st.DataObject) -> None:
    """Any permutation of the deliveries, any of them repeated, gives the same outcome."""
    repeated = data.draw(st.lists(st.sampled_from(events), max_size=5)) if events else []
    delivered = data.draw(st.permutations([*events, *repeated]))
    expected, found = review_thread(events), review_thread(delivered)
    assert (found.status, found.deciding) == (expected.status, expected.deciding)


def test_one_status_by_two_people_at_once() -> None:
    """Two people who set the same Status at one instant are named alike in either order."""
    statuses = [
        {
            "type": "metadata.value.updated",
            "field": "Status",
            "value": "Approved",
            "t": 1,
            "author": a,
        }
        for a in ("Ana", "Bo")
    ]
    assert review_thread(statuses).deciding == review_thread(statuses[::-1]).deciding


@given(events=EVENTS)
@settings(max_examples=100, deadline=None)
def test_approval_has_a_reviewer_behind_it(events: list[Event]) -> None:
    """Whatever is thrown at it, an approval names a statement that counts and approves."""
    review = review_thread(events)
    if review.status == "approved":
        assert review.deciding is not None
        assert review.deciding.said == "approved"
        assert review.deciding.counts
        assert not review.open_rejections


@given(events=EVENTS)
@settings(max_examples=100, deadline=None)
def test_last_refusal_always_blocks(events: list[Event]) -> None:
    """After a refusal by a reviewer later than all else, nothing is approved."""
    refusal: Event = {
        "type": "comment.created",
        "comment_id": "last",
        "author": "Zoe",
        "text": "Rejected.",
        "t": 99,
    }
    assert review_thread([refusal, *events]).status == "rejected"
