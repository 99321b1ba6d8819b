"""PostgreSQL for a drill: a cluster of its own where the programs are, else a server it finds.

A server does not run as root, so root starts it as another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from postflow.cli.machine import find_free_ports
from postflow.errors import StoreUnavailableError
from postflow.settings.config_file import CONFIG_VARIABLE
from tools.drill.databases import Database
from tools.drill.space import Space

SERVER_VARIABLE = "POSTFLOW_TEST_POSTGRES_URL"
_FOUND = "postgresql+psycopg://postgres@localhost:5432/postgres"
_PLACES = ("/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt")
_MEGABYTES = 192
_SMALL_LOG = ("max_wal_size=24MB", "min_wal_size=4MB")  # else the log alone would fill the space


def open_postgres(server: str | None) -> Database | None:
    """Return a cluster of our own, else a database on `server` or a local one, else None."""
    programs = _find_programs()
    if programs is not None:
        return OwnCluster(programs)
    with suppress(psycopg.OperationalError):
        return FoundServer(make_url(server or _FOUND))
    return None


class OwnCluster:
    """A server of the drill's own, in a folder of limited size: it can be stopped and filled."""

    can_be_filled: bool

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._user = _unprivileged_user()
        self._folder = Path(tempfile.mkdtemp(prefix="postflow-drill-"))
        self._folder.chmod(0o755)
        self._space = Space(self._folder / "space", megabytes=_MEGABYTES)
        self.can_be_filled = self._space.is_limited
        self._data = self._space.folder / "data"
        self._log = self._folder / "log"
        self._log.mkdir()
        if self._user is not None:
            for path in (self._folder, self._space.folder, self._log):
                shutil.chown(path, self._user.pw_uid, self._user.pw_gid)
        (self._port,) = find_free_ports(1)
        self.url = f"postgresql+psycopg://postflow@127.0.0.1:{self._port}/postgres"
        try:
            self._make()
        except BaseException:
            self.end()
            raise

    def take_away(self) -> None:
        """Stop the server as a power cut would."""
        self._control("stop", "-m", "immediate")

    def give_back(self) -> None:
        """Start the server, if it does not run."""
        if self._run("pg_ctl", "status", "-D", str(self._data)) != 0:
            self._control("start", "-l", str(self._log / "server.log"))

    def fill(self) -> None:
        """Leave it no room, neither for tables nor for its log."""
        self._space.fill()

    def relieve(self) -> None:
        """Make room; a server that could not even write its log has ended and is started."""
        self._space.relieve()
        self.give_back()

    def end(self) -> None:
        """Stop the server and remove all it wrote."""
        with suppress(StoreUnavailableError):
            self._control("stop", "-m", "immediate")
        self._space.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self) -> None:
        words = ("-U", "postflow", "--auth=trust", "--encoding=UTF8", "--locale=C")
        if self._run("initdb", "-D", str(self._data), "--wal-segsize=1", *words) != 0:
            raise StoreUnavailableError(
                f"initdb could not make a cluster in {self._data}; its words are in "
                f"{self._log / 'commands.log'}."
            )
        settings = [
            *(f"port={self._port}", "listen_addresses='127.0.0.1'", *_SMALL_LOG),
            f"unix_socket_directories='{self._log}'",
        ]
        text = "".join(f"{line}\n" for line in settings)
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as config:
            config.write(text)
        self.give_back()

    def _control(self, verb: str, *options: str) -> None:
        if self._run("pg_ctl", verb, "-w", "-t", "60", "-D", str(self._data), *options) != 0:
            raise StoreUnavailableError(
                f"pg_ctl could not {verb} the drill's PostgreSQL; see {self._log}."
            )

    def _run(self, program: str, *arguments: str) -> int:
        with (self._log / "commands.log").open("ab") as log:
            done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs, and no shell
                [str(self._programs / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                # A server that carried the drill's config would count as a program left over.
                env={k: v for k, v in os.environ.items() if k != CONFIG_VARIABLE},
                check=False,
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                extra_groups=() if self._user else None,
            )
        return done.returncode


class FoundServer:
    """A database of the drill's own on somebody's server, which is neither stopped nor filled."""

    can_be_filled = False

    def __init__(self, server: URL) -> None:
        self._server = server
        self._name = f"postflow_drill_{uuid4().hex[:12]}"
        self._say("CREATE DATABASE {}")
        self.url = server.set(database=self._name).render_as_string(hide_password=False)

    def take_away(self) -> None:
        """End all connections and allow no new one: to clients it looks like a stopped server."""
        self._say("ALTER DATABASE {} ALLOW_CONNECTIONS false")
        self._say_literal("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname={}")

    def give_back(self) -> None:
        """Allow connections again."""
        self._say("ALTER DATABASE {} ALLOW_CONNECTIONS true")

    def fill(self) -> None:
        """Do nothing: the space of somebody's server is not ours to fill."""

    def relieve(self) -> None:
        """Do nothing, as `fill` does."""

    def end(self) -> None:
        """Remove the database."""
        self._say("DROP DATABASE IF EXISTS {} WITH (FORCE)")

    def _say(self, statement: str) -> None:
        self._execute(sql.SQL(statement).format(sql.Identifier(self._name)))

    def _say_literal(self, statement: str) -> None:
        self._execute(sql.SQL(statement).format(sql.Literal(self._name)))

    def _execute(self, statement: sql.Composed) -> None:
        plain = self._server.set(drivername="postgresql")
        address = plain.render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)


def _find_programs() -> Path | None:
    """Return the folder that has PostgreSQL's server programs, the newest first."""
    found = shutil.which("pg_ctl")
    folders: Sequence[Path] = [
        *([Path(found).resolve().parent, Path(found).parent] if found else ()),
        *(path for place in _PLACES for path in sorted(Path(place).glob("*/bin"), reverse=True)),
    ]
    needed = ("initdb", "pg_ctl", "postgres")
    return next((f for f in folders if all((f / name).exists() for name in needed)), None)


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Return whom a server is started as; None means ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise StoreUnavailableError(
        "PostgreSQL does not run as root, and there is neither a user postgres nor nobody; "
        "run the drill as another user."
    )
