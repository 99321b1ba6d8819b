"""Prefect, as far as PostFlow needs it from outside a flow: wake, look, start, tell.

Besides `flows/` only this module and `run_states` know Prefect's client; they are imported lazily,
because importing Prefect takes more than a second.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import DeploymentStatus, State, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Scheduled

from postflow.domain.runs import ResumeAnswer, RunArtifact, RunState
from postflow.errors import FlowRunError, PrefectUnavailableError
from postflow.run_states import read_state, read_states

LONGEST_START = timedelta(minutes=5)
"""A run that is pending for longer lost its process before that could say anything."""
_ENDS = {
    "Completed": StateType.COMPLETED,
    "Rejected": StateType.COMPLETED,
    "Cancelled": StateType.CANCELLED,
    "Failed": StateType.FAILED,
}
"""The names of the states in which our flow ends; anything else is an error's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploymentService:
    """Whether runs of a deployment would be taken."""

    is_polled: bool
    """A runner or worker asks for them; Prefect notices its end after about a minute."""
    last_polled: datetime | None


class PrefectFlowRuns:
    """A Prefect server behind one API address, for example `http://127.0.0.1:4200/api`."""

    def __init__(self, api_url: str, *, longest_start: timedelta = LONGEST_START) -> None:
        self.api_url = api_url.rstrip("/")
        self._kept: PrefectClient | None = None
        self._longest_start = longest_start

    @asynccontextmanager
    async def kept_open(self) -> AsyncIterator[None]:
        """Use one client for the whole block: a new one per question costs more than the question.

        Asks nobody by itself; inside the block every question belongs to this event loop.
        """
        async with PrefectClient(self.api_url) as prefect:
            self._kept = prefect
            try:
                yield
            finally:
                self._kept = None

    async def fetch_states(self, flow_run_ids: Sequence[str]) -> dict[str, RunState]:
        """Return each run's state; runs that Prefect does not know are missing, not an error."""
        states = dict.fromkeys(flow_run_ids, RunState.MISSING)
        wanted = [each for each in states if _is_uuid(each)]
        if not wanted:
            return states
        async with self._talk("reading flow runs") as prefect:
            return states | await read_states(prefect, wanted, longest_start=self._longest_start)

    async def fetch_outcome(self, flow_run_id: str) -> tuple[RunState, str]:
        """Return one run's state and the sentence that Prefect keeps with it."""
        async with self._talk(f"reading flow run {flow_run_id}") as prefect:
            run = await prefect.read_flow_run(UUID(flow_run_id))
        if run.state is None:
            return RunState.STARTING, ""
        state = run.state.model_dump(mode="json", include={"type", "timestamp"})
        return read_state(state, longest_start=self._longest_start), run.state.message or ""

    async def find_deployment(self, name: str) -> str:
        """Return the id of `flow/deployment`; raises FlowRunError when there is none."""
        async with self._talk(f"looking for deployment {name}") as prefect:
            return str((await prefect.read_deployment_by_name(name)).id)

    async def fetch_service(self, name: str) -> DeploymentService:
        """Return whether anybody would run `flow/deployment`; raises FlowRunError without it."""
        async with self._talk(f"looking for deployment {name}") as prefect:
            found = await prefect.read_deployment_by_name(name)
        return DeploymentService(
            is_polled=found.status is DeploymentStatus.READY, last_polled=found.last_polled
        )

    async def fetch_versions(self) -> tuple[str, str]:
        """Return the versions of Prefect: the server's, and the one of this program."""
        async with self._talk("asking for its version") as prefect:
            return str(await prefect.api_version()), prefect.client_version()

    async def resume(self, flow_run_id: str) -> ResumeAnswer:
        """Ask for a suspended run to be started again.

        Prefect answers 200 even when it refuses, so the answer is read and not only its code.
        """
        async with self._talk(f"resuming flow run {flow_run_id}") as prefect:
            result = await prefect.resume_flow_run(UUID(flow_run_id))
        accepted = result.status == SetStateStatus.ACCEPT
        said = getattr(result.details, "reason", None) or result.status.value.lower()
        return ResumeAnswer(accepted=accepted, said=said)

    async def restart(self, flow_run_id: str) -> None:
        """Force the run back to Scheduled, so that whoever serves its deployment runs it again."""
        async with self._talk(f"restarting flow run {flow_run_id}") as prefect:
            await prefect.set_flow_run_state(UUID(flow_run_id), Scheduled(), force=True)

    async def end(self, flow_run_id: str, end: str) -> None:
        """Force the run into its last state, `Name: sentence` as its flow has recorded it."""
        name, _, sentence = end.partition(": ")
        state: State[Any] = State(type=StateType.FAILED, message=end)
        if name in _ENDS:
            state = State(type=_ENDS[name], name=name, message=sentence)
        async with self._talk(f"ending flow run {flow_run_id}") as prefect:
            await prefect.set_flow_run_state(UUID(flow_run_id), state, force=True)

    async def start(
        self,
        deployment: str,
        *,
        parameters: Mapping[str, Any],
        idempotency_key: str | None = None,
        name: str | None = None,
        tags: Iterable[str] = (),
    ) -> str:
        """Create a run of `flow/deployment` and return its id; the same key gives the same run."""
        async with self._talk(f"starting {deployment}") as prefect:
            found = await prefect.read_deployment_by_name(deployment)
            run = await prefect.create_flow_run_from_deployment(
                found.id,
                parameters=dict(parameters),
                idempotency_key=idempotency_key,
                name=name,
                tags=list(tags),
            )
        return str(run.id)

    async def tag(self, flow_run_id: str, tags: Iterable[str]) -> None:
        """Give the run exactly these tags."""
        async with self._talk(f"tagging flow run {flow_run_id}") as prefect:
            await prefect.update_flow_run(UUID(flow_run_id), tags=list(tags))

    async def emit(
        self,
        *,
        event_id: str,
        name: str,
        upload_id: str,
        payload: Mapping[str, object],
        occurred: datetime,
        flow_run_id: str | None,
    ) -> None:
        """Emit a Prefect event about an upload, so that automations can react to it.

        Without `upload_id` it is about PostFlow itself.
        """
        related = (
            [
                {
                    "prefect.resource.id": f"prefect.flow-run.{flow_run_id}",
                    "prefect.resource.role": "flow-run",
                }
            ]
            if flow_run_id
            else []
        )
        event = {
            "id": event_id,
            "event": name,
            "occurred": occurred.isoformat(),
            "resource": {
                "prefect.resource.id": f"postflow.upload.{upload_id}"
                if upload_id
                else "postflow.service",
                "prefect.resource.name": str(payload.get("filename", upload_id or "PostFlow")),
            },
            "related": related,
            "payload": dict(payload),
        }
        async with self._talk(f"emitting {name}") as prefect:
            await prefect.request("POST", "/events", json=[event])

    async def publish(self, artifact: RunArtifact) -> None:
        """Attach an artifact to a flow run from outside, for example while it is suspended.

        Not by the client's `create_artifact`: it emits an event through a worker that knows only
        PREFECT_API_URL, and starts a Prefect server of its own where that is not set.
        """
        body = ArtifactCreate(
            key=artifact.key,
            type=artifact.kind,
            description=artifact.description,
            data=artifact.data,
            flow_run_id=UUID(artifact.flow_run_id),
        )
        async with self._talk(f"publishing {artifact.key}") as prefect:
            json = body.model_dump(mode="json", exclude_unset=True)
            await prefect.request("POST", "/artifacts/", json=json)

    async def is_reachable(self) -> bool:
        """Whether a Prefect server answers at this address."""
        try:
            async with self._talk("asking for health") as prefect:
                return await prefect.api_healthcheck() is None
        except FlowRunError:
            return False

    @asynccontextmanager
    async def _talk(self, doing: str) -> AsyncIterator[PrefectClient]:
        try:
            client = nullcontext(self._kept) if self._kept else PrefectClient(self.api_url)
            async with client as prefect:
                yield prefect
        except ObjectNotFound as error:
            raise FlowRunError(
                f"Prefect has no such object ({doing}); run `postflow start`, or deploy with "
                "`prefect --no-prompt deploy --all` and correct the setting that names it."
            ) from error
        except PrefectHTTPStatusError as error:
            if error.response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                raise FlowRunError(
                    f"Prefect refused {doing}: {error.response.text[:200]}"
                ) from error
            raise self._unavailable(doing, error) from error
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            raise self._unavailable(doing, error) from error

    def _unavailable(self, doing: str, error: Exception) -> PrefectUnavailableError:
        return PrefectUnavailableError(
            f"Prefect's server at {self.api_url} does not answer ({doing}: "
            f"{type(error).__name__}); start it with `postflow start` or `prefect server start`, "
            "or correct prefect.api_url."
        )


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
