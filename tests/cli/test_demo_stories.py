"""What the demo's reviewers write is read as the demo promises, known before anything is started."""

from __future__ import annotations

import pytest

from postflow.cli.demo.stories import STORIES, Story
from postflow.domain.comments import analyze_comment
from postflow.domain.standing import DecisionSource

BY_COMMENTS = [story for story in STORIES if story.source is DecisionSource.COMMENTS]


@pytest.mark.parametrize("story", BY_COMMENTS, ids=lambda story: story.name)
def test_last_words_decide_a_story(story: Story) -> None:
    """The last comment of a story is read as the verdict that the story ends with."""
    last = [*story.steps, *story.next_version][-1]
    analysis = analyze_comment(str(last.get("edit") or last["comment"]))
    assert analysis.verdict.value == story.ends.value
