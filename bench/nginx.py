"""A local nginx that keeps what is PUT to it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 60.0

NGINX = """
daemon off; master_process on; worker_processes auto; pid {folder}/pid;
error_log {folder}/error.log warn; events {{ worker_connections 256; }}
http {{
    access_log off; client_max_body_size 0; client_body_temp_path {folder}/unfinished;
    server {{ listen 127.0.0.1:{port}; root {folder}/kept;
              location / {{ dav_methods PUT; create_full_put_path on; }} }}
}}
"""


def find_nginx() -> str | None:
    """Find nginx where Debian puts it, too."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def serving(nginx: str, folder: Path) -> Iterator[str]:
    """Run nginx on a free port until the block ends."""
    for name in ("kept", "unfinished"):
        (folder / name).mkdir()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    configuration = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""  # else its workers could not write here
    configuration.write_text(user + NGINX.format(folder=folder, port=port))
    process = subprocess.Popen([nginx, "-c", str(configuration), "-e", str(folder / "error.log")])  # noqa: S603
    try:
        wait_until_open(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(PATIENCE)


def wait_until_open(port: int) -> None:
    """Wait until somebody listens."""
    ends_at = time.monotonic() + 10
    while time.monotonic() < ends_at:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit("nginx did not start; its error log says why.")
