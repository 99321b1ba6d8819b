"""Scenarios: reviewers that react by themselves, and files that say so wrongly."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from postflow.errors import ConfigurationError
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.scenario import load_scenario, read_duration
from tests.simulator.conftest import InProcess, simulated

FIVE_STORIES = """
transcode_delay: 1s
reviewers:
  julie: {name: Julie Martin, email: julie@client.com}
  marc: {name: Marc Duval, email: marc@client.com}
  passer-by: {name: Someone, email: someone@web.com, guest: true}
stories:
  - when: {file: "01*"}
    after: 1s
    as: julie
    comment: C'est validé, merci !
  - when: {file: "02*"}
    steps:
      - {after: 1s, as: julie, comment: "Non, la musique est trop forte"}
      - {after: 5s, as: julie, edit: "Actually the music is fine. Approved!"}
  - when: {file: "03*"}
    steps:
      - {after: 1s, as: marc, comment: "Logo trop petit", timestamp: 48}
      - {after: 1s, as: marc, comment: "Couper ce plan", timestamp: "00:00:03:00"}
  - when: {file: "04*"}
    steps:
      - {after: 1s, as: marc, comment: "ok for you?", label: question}
      - {after: 1s, as: julie, reply: "pas de problème, c'est bon pour moi", of: question}
  - when: {file: "05*"}
    steps:
      - {after: 2s, as: julie, status: Approved}
"""
NAMES = ["01_intro.mp4", "02_music.mp4", "03_logo.mp4", "04_team.mp4", "05_quiet.mp4"]


def write(folder: Path, text: str) -> Path:
    """Write a scenario file."""
    path = folder / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def config(folder: Path, text: str) -> SimulatorConfig:
    """Make a simulator play a scenario."""
    return SimulatorConfig(scenario=load_scenario(write(folder, text)))


async def upload(sim: InProcess, name: str) -> None:
    """Put a file there; its transcode starts."""
    await sim.control("POST", "/files", json={"file_name": name, "as": "postflow"})


async def advance(sim: InProcess, duration: str) -> None:
    """Let time pass."""
    await sim.control("POST", "/clock", json={"advance": duration})


async def remarks(sim: InProcess, name: str) -> list[tuple[str, str]]:
    """List who says what on a file, as it is now."""
    file = (await sim.control("GET", f"/files/{name}")).json()
    return [(each["owner"]["name"], each["text"]) for each in file["comments"]]


def test_five_stories_are_played(tmp_path: Path) -> None:
    """Each file gets its own story, in the voices of its reviewers."""

    async def story() -> None:
        async with simulated(config(tmp_path, FIVE_STORIES)) as sim:
            for name in NAMES:
                await upload(sim, name)
            await advance(sim, "1m")
            said = [await remarks(sim, name) for name in NAMES]
            quiet = (await sim.control("GET", f"/files/{NAMES[4]}")).json()
        assert said == [
            [("Julie Martin", "C'est validé, merci !")],
            [("Julie Martin", "Actually the music is fine. Approved!")],
            [("Marc Duval", "Logo trop petit"), ("Marc Duval", "Couper ce plan")],
            [
                ("Marc Duval", "ok for you?"),
                ("Julie Martin", "pas de problème, c'est bon pour moi"),
            ],
            [],
        ]
        assert quiet["status"] == "Approved"

    asyncio.run(story())


def test_steps_follow_one_another_in_time(tmp_path: Path) -> None:
    """A refusal stands until its edit is due, five seconds later."""

    async def story() -> None:
        async with simulated(config(tmp_path, FIVE_STORIES)) as sim:
            await upload(sim, "02_music.mp4")
            await advance(sim, "1500ms")
            assert await remarks(sim, "02_music.mp4") == []
            await advance(sim, "3s")
            assert (await remarks(sim, "02_music.mp4"))[0][1].startswith("Non")
            await advance(sim, "3s")
            assert (await remarks(sim, "02_music.mp4"))[0][1].endswith("Approved!")

    asyncio.run(story())


def test_reply_hangs_below_its_question(tmp_path: Path) -> None:
    """A reply goes to the comment with the label."""

    async def story() -> None:
        async with simulated(config(tmp_path, FIVE_STORIES)) as sim:
            await upload(sim, "04_team.mp4")
            await advance(sim, "1m")
            file = (await sim.control("GET", "/files/04_team.mp4")).json()
        question, reply = file["comments"]
        assert reply["parent_id"] == question["id"]

    asyncio.run(story())


def test_each_round_has_its_own_story(tmp_path: Path) -> None:
    """The first file that fits is refused, the second one approved, the third one left alone."""
    text = """
    stories:
      - {when: {file: "shot*", round: 1}, as: julie, comment: "Trop sombre"}
      - {when: {file: "shot*", round: 2}, as: julie, comment: "Validé"}
    """

    async def story() -> None:
        async with simulated(config(tmp_path, text)) as sim:
            for name in ("shot_v1.mp4", "shot_v2.mp4", "shot_v3.mp4"):
                await upload(sim, name)
                await advance(sim, "10s")
            said = [await remarks(sim, f"shot_v{number}.mp4") for number in (1, 2, 3)]
        assert said == [[("julie", "Trop sombre")], [("julie", "Validé")], []]

    asyncio.run(story())


def test_every_kind_of_step_can_be_played(tmp_path: Path) -> None:
    """Completing, deleting, clearing Status, versions, guests and removed files work in one story."""
    text = """
    reviewers:
      guest: {email: someone@web.com, guest: true}
    stories:
      - when: {file: "a.mp4", event: file.upload.completed}
        steps:
          - {as: guest, comment: "one", label: first}
          - {as: guest, comment: "two"}
          - {as: guest, complete: true, of: first}
          - {as: guest, delete: true}
          - {as: julie, status: Approved}
          - {as: julie, status: ""}
          - {as: postflow, version: b.mp4}
          - {as: postflow, remove_file: true}
    """

    async def story() -> None:
        async with simulated(config(tmp_path, text)) as sim:
            await upload(sim, "a.mp4")
            await advance(sim, "1s")
            types = [each.type for each in sim.world.state.history]
            assert sim.world.complaints == []
        assert types == [
            "file.created",
            "file.upload.completed",
            "comment.created",
            "comment.created",
            "comment.completed",
            "comment.deleted",
            "metadata.value.updated",
            "metadata.value.updated",
            "file.created",
            "file.upload.completed",
            "file.versioned",
            "file.deleted",
        ]

    asyncio.run(story())


def test_impossible_step_is_a_complaint(tmp_path: Path) -> None:
    """A step that cannot be done is kept as a sentence, and the story goes on."""
    text = """
    stories:
      - when: {}
        steps:
          - {as: julie, edit: "changed"}
          - {as: julie, comment: "still here"}
    """

    async def story() -> None:
        async with simulated(config(tmp_path, text)) as sim:
            await upload(sim, "a.mp4")
            await advance(sim, "5s")
            assert await remarks(sim, "a.mp4") == [("julie", "still here")]
            state = (await sim.control("GET", "/state")).json()
        assert state["complaints"] == ["a.mp4, step 1: julie has no comment to edit here"]

    asyncio.run(story())


def test_faults_come_with_the_scenario(tmp_path: Path) -> None:
    """A scenario may switch faults on before anything happens."""
    text = "faults: [{kind: answer, status: 500, path: '*/projects'}]"

    async def story() -> list[int]:
        async with simulated(config(tmp_path, text)) as sim:
            return [(await sim.call("GET", "/projects")).status_code for _ in range(2)]

    assert asyncio.run(story()) == [500, 200]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stories: [{when: {file: x}}]", "stories.0.steps.0"),
        ("stories: [{when: {evnt: x}, comment: y}]", "stories.0.when.evnt"),
        ("stories: [{when: {event: file.uploaded}, comment: y}]", "event must be one of"),
        ("stories: [{when: {}, comment: y, status: Approved}]", "exactly one of"),
        ("stories: [{when: {}, comment: y, after: soon}]", "a duration is a number"),
        ("storys: []", "storys"),
        ("[", "not YAML"),
    ],
)
def test_wrong_scenario_says_where(tmp_path: Path, text: str, sentence: str) -> None:
    """The error names the file and the place in it."""
    path = write(tmp_path, text)
    with pytest.raises(ConfigurationError, match=sentence) as raised:
        load_scenario(path)
    assert str(path) in str(raised.value)


def test_missing_scenario_is_named(tmp_path: Path) -> None:
    """A path that leads nowhere is a configuration error."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml cannot be read"):
        load_scenario(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("2s", 2), ("1.5", 1.5), (3, 3), ("2m", 120), ("1h", 3600)],
)
def test_durations_are_read(text: object, seconds: float) -> None:
    """A bare number is seconds."""
    assert read_duration(text) == timedelta(seconds=seconds)
