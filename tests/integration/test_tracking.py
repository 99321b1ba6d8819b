from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import httpx
import pytest

from postflow import PostFlowIntegration
from postflow.errors import ConfigurationError
from tests.integration.conftest import (
    Frameio,
    Integrate,
    WriteConfig,
    wait_until,
)

OUR_THREADS = {"postflow-service", "postflow-watch", "postflow-changes"}


@pytest.fixture
def free_ports() -> tuple[int, int]:
    """Give two ports that are free at this moment."""
    with closing(socket.socket()) as one, closing(socket.socket()) as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Give a port on which another program listens, which answers with nothing of ours."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _running() -> set[str]:
    return OUR_THREADS & {thread.name for thread in threading.enumerate()}


def _get_ready(port: int) -> int:
    return httpx.get(f"http://127.0.0.1:{port}/ready").status_code


def test_guide_config_alone_tracks(integrate: Integrate) -> None:
    """Without token and secret it starts; what Frame.io sends is refused until there is one."""
    postflow = integrate(
        webhook={"port": 0, "enabled": True, "auto_start": True, "intelligent_tracking": True}
    )

    postflow.start_tracking()

    url = postflow.get_webhook_url()
    assert url is not None
    assert httpx.post(url, json={}).status_code == 503


def test_approval_arrives_by_webhook(tracking: PostFlowIntegration, frameio: Frameio) -> None:
    """From a file at Frame.io to its approval, each step wakes the script."""
    file_id = frameio.put_file("clip.mp4")
    tracking.register_upload("clip", "clip.mp4", file_id)

    frameio.finish(file_id)
    assert tracking.wait_for_upload_ready("clip", timeout=20)
    assert tracking.is_upload_ready("clip")

    frameio.comment(file_id, "C'est validé, merci !")
    assert tracking.wait_for_approval("clip", timeout=20)

    found = tracking.get_upload_status("clip")
    assert found is not None
    assert tracking.is_upload_approved("clip")
    assert found["comments_count"] == 1
    assert "comment.created" in found["webhook_events_received"]
    stats = tracking.get_tracking_stats()
    assert stats["review_status_distribution"]["approved"] == 1
    assert (stats["active_tracks"], stats["comments_analyzed"]) == (0, 1)


def test_file_is_recognised_by_its_name(tracking: PostFlowIntegration, frameio: Frameio) -> None:
    """An upload without a file id finds its file once Frame.io reports it."""
    tracking.register_upload("clip", "ma_video.mp4")

    file_id = frameio.put_file("ma_video.mp4")
    frameio.finish(file_id)

    assert tracking.wait_for_upload_ready("clip", timeout=20)
    found = tracking.get_upload_status("clip")
    assert found is not None
    assert found["file_id"] == file_id


def test_stopping_leaves_nothing(integrate: Integrate, free_ports: tuple[int, int]) -> None:
    """After the end there is no thread of ours, and the ports are free again."""
    public, private = free_ports
    postflow = integrate(webhook={"port": public}, dashboard={"port": private})
    postflow.start_tracking()
    postflow.start_tracking()
    assert _get_ready(private) == 200

    postflow.stop_tracking()
    postflow.stop_tracking()

    assert _running() == set()
    for port in free_ports:
        socket.create_server(("127.0.0.1", port)).close()


def test_tracking_can_start_again(integrate: Integrate, free_ports: tuple[int, int]) -> None:
    """Stopping is not the end: the same integration tracks again."""
    postflow = integrate(webhook={"enabled": False}, dashboard={"port": free_ports[0]})

    for _ in range(2):
        postflow.start_tracking()
        assert _get_ready(free_ports[0]) == 200
        postflow.stop_tracking()


def test_tracking_starts_inside_an_event_loop(integrate: Integrate) -> None:
    """A notebook calls it like a script does."""
    postflow = integrate()

    async def cell() -> None:
        postflow.start_tracking()
        postflow.stop_tracking()

    asyncio.run(cell())

    assert _running() == set()


@pytest.mark.parametrize("section", ["webhook", "dashboard"])
def test_taken_port_is_told(integrate: Integrate, taken_port: int, section: str) -> None:
    """Another program's port is named, with the setting to change, and nothing is left behind."""
    other = "webhook" if section == "dashboard" else "dashboard"
    postflow = integrate(**{section: {"port": taken_port}, other: {"port": 0}})

    with pytest.raises(ConfigurationError, match=rf"{taken_port}.*{section}\.port"):
        postflow.start_tracking()

    assert _running() == set()


def test_misspelt_setting_is_told(write_config: WriteConfig) -> None:
    """A key that does not exist is refused with the nearest one."""
    config = write_config(webhook={"prot": 8080})

    with pytest.raises(ConfigurationError, match=r"webhook\.prot.*'port'"):
        PostFlowIntegration(config)


def test_second_one_joins_the_first(integrate: Integrate, free_ports: tuple[int, int]) -> None:
    """On one store one service tracks; who comes later shares it, and leaves it running."""
    ports: dict[str, dict[str, object]] = {
        "webhook": {"port": free_ports[0]},
        "dashboard": {"port": free_ports[1]},
    }
    first, second = integrate(**ports), integrate(**ports)
    first.start_tracking()

    second.start_tracking()
    assert second.get_webhook_url() == first.get_webhook_url()
    second.stop_tracking()

    assert _get_ready(free_ports[1]) == 200


def test_who_stays_takes_over(integrate: Integrate, free_ports: tuple[int, int]) -> None:
    """When the one that tracked ends, one that joined it tracks on."""
    ports: dict[str, dict[str, object]] = {
        "webhook": {"port": free_ports[0]},
        "dashboard": {"port": free_ports[1]},
    }
    first, second = integrate(**ports), integrate(**ports)
    first.start_tracking()
    second.start_tracking()

    first.stop_tracking()

    wait_until(lambda: "postflow-service" in _running())
    wait_until(lambda: _answers(free_ports[1]))


def _answers(port: int) -> bool:
    try:
        return _get_ready(port) == 200
    except httpx.HTTPError:
        return False


def test_service_of_another_store_is_a_stranger(
    integrate: Integrate, free_ports: tuple[int, int], tmp_path: object
) -> None:
    """A PostFlow that tracks another store does not track ours: its ports are taken ones."""
    ports: dict[str, dict[str, object]] = {
        "webhook": {"port": free_ports[0]},
        "dashboard": {"port": free_ports[1]},
    }
    first = integrate(**ports, database={"url": f"sqlite:///{tmp_path}/other.db"})
    first.start_tracking()

    with pytest.raises(ConfigurationError, match=str(free_ports[1])):
        integrate(**ports).start_tracking()


def test_running_command_is_joined(
    integrate: Integrate, write_config: WriteConfig, free_ports: tuple[int, int]
) -> None:
    """Beside `postflow serve` a script only joins."""
    ports: dict[str, dict[str, object]] = {
        "webhook": {"port": free_ports[0]},
        "dashboard": {"port": free_ports[1]},
    }
    config = write_config(**ports)
    with ExitStack() as stack:
        serving = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "postflow", "serve"],
                env={"POSTFLOW_CONFIG": str(config), "PATH": ""},
                stderr=subprocess.DEVNULL,
            )
        )
        stack.callback(serving.terminate)
        wait_until(lambda: _answers(free_ports[1]))
        postflow = integrate(**ports)

        postflow.start_tracking()

        assert _running() == {"postflow-watch"}
