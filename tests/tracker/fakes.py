"""Hand-written stand-ins for the outside world: a clock, Frame.io's reads, Prefect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from postflow.domain.people import Person
from postflow.domain.runs import ResumeAnswer, RunArtifact, RunState
from postflow.errors import (
    FlowRunError,
    FrameioError,
    FrameioRefusedError,
    NotFoundError,
    PrefectUnavailableError,
)
from postflow.frameio.wire import (
    AuditLog,
    Comment,
    File,
    Folder,
    MetadataField,
    Profile,
    Project,
    SelectOption,
    User,
    VersionStack,
    Workspace,
)
from tests.factories import CLIENT, EDITOR, NOW, PROJECT


class FakeClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """Return the test's moment."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class FakeFrameio:
    """A Frame.io in memory that counts what it is asked and fails when told to."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.files: dict[str, File] = {}
        self.comments: dict[str, list[Comment]] = {}
        self.stacks: dict[str, list[str]] = {}
        self.owners: dict[str, Person] = {}
        self.log: list[AuditLog] | None = None
        self.calls: list[str] = []
        self.failure: Exception | None = None

    def add_file(
        self,
        file_id: str = "file-1",
        *,
        name: str = "clip.mp4",
        status: str = "transcoded",
        project_id: str = PROJECT,
        creator: Person = EDITOR,
    ) -> None:
        """Put a file there, as if somebody had uploaded it."""
        self.files[file_id] = File(
            id=file_id,
            name=name,
            type="file",
            project_id=project_id,
            parent_id=None,
            created_at=self.clock(),
            updated_at=self.clock(),
            view_url=f"https://next.frame.io/{file_id}",
            status=status,
            media_type="video/mp4",
            file_size=7,
            creator=_user(creator),
        )
        self.comments.setdefault(file_id, [])

    def set_file_status(self, status: str, *, file_id: str = "file-1") -> None:
        """Let the transcode go on or back."""
        self.files[file_id] = self.files[file_id].model_copy(update={"status": status})

    def set_status(self, value: str | None, *, file_id: str = "file-1") -> None:
        """Choose an option of the Status field, or none."""
        options = [] if value is None else [SelectOption(id=value, display_name=value)]
        field = MetadataField(
            field_definition_id="status",
            field_definition_name="Status",
            field_type="select",
            mutable=True,
            value=[*options],
        )
        self.files[file_id] = self.files[file_id].model_copy(update={"metadata": [field]})

    def log_status(
        self, person: Person = CLIENT, *, file_id: str = "file-1", at: datetime | None = None
    ) -> None:
        """Write into the audit log that this person changed metadata."""
        self.log = [*(self.log or []), _line(file_id, person, at or self.clock())]

    def write(
        self,
        comment_id: str,
        text: str,
        *,
        author: Person = CLIENT,
        file_id: str = "file-1",
        reply_to: str | None = None,
    ) -> None:
        """Let somebody write a comment or a reply now."""
        comment = _comment(comment_id, file_id, text, self.clock())
        self.owners[comment_id] = author
        if reply_to is None:
            self.comments[file_id].append(
                comment.model_copy(update={"owner": _user(author), "replies": []})
            )
            return
        for place, top in enumerate(self.comments[file_id]):
            if top.id == reply_to:
                replies = [*(top.replies or []), comment]
                self.comments[file_id][place] = top.model_copy(update={"replies": replies})

    def edit(self, comment_id: str, text: str) -> None:
        """Let the author edit a comment now."""
        self._change(comment_id, {"text": text, "text_edited_at": self.clock()})

    def hide_replies(self) -> None:
        """Answer as for kinds of files whose replies cannot be listed."""
        for comments in self.comments.values():
            for place, top in enumerate(comments):
                comments[place] = top.model_copy(update={"replies": None})

    def delete(self, comment_id: str) -> None:
        """Let the author delete a comment."""
        for file_id, comments in self.comments.items():
            self.comments[file_id] = [c for c in comments if c.id != comment_id]
        self.owners.pop(comment_id)

    async def fetch_file(self, file_id: str, *, include: Iterable[str] = ()) -> File:
        """Return the file."""
        self._note(f"file {file_id}")
        if file_id not in self.files:
            raise NotFoundError(f"no file {file_id}", status_code=404)
        return self.files[file_id]

    async def fetch_version_stack(self, stack_id: str) -> VersionStack:
        """Return the stack with its newest file."""
        files = await self.fetch_stack_files(stack_id)
        return VersionStack(
            id=stack_id,
            name=files[-1].name,
            type="version_stack",
            project_id=files[-1].project_id,
            parent_id=None,
            created_at=files[0].created_at,
            updated_at=files[-1].updated_at,
            view_url=files[-1].view_url,
            head_version=files[-1],
        )

    async def fetch_stack_files(self, stack_id: str, *, include: Iterable[str] = ()) -> list[File]:
        """Return the files of a stack, oldest first."""
        self._note(f"stack {stack_id}")
        if stack_id not in self.stacks:
            raise FrameioRefusedError(f"{stack_id} is no version stack", status_code=422)
        return [self.files[file_id] for file_id in self.stacks[stack_id]]

    async def fetch_workspaces(self) -> list[Workspace]:
        """Return no workspace: tests name their project."""
        return []

    async def fetch_projects(self, workspace_id: str) -> list[Project]:
        """Return no project, for the same reason."""
        return []

    async def fetch_project(self, project_id: str) -> Project:
        """Return the project, whose root folder is called root."""
        self._note(f"project {project_id}")
        return Project(
            id=project_id,
            name=project_id,
            status="active",
            storage=0,
            workspace_id="workspace",
            root_folder_id="root",
            view_url="",
            created_at=NOW,
            updated_at=NOW,
        )

    async def fetch_folders(self, folder_id: str) -> list[Folder]:
        """Return no folder: every file lies in the root."""
        return []

    async def fetch_files(self, folder_id: str, *, include: Iterable[str] = ()) -> list[File]:
        """Return the files that are in no stack."""
        stacked = {file_id for ids in self.stacks.values() for file_id in ids}
        return [file for file_id, file in self.files.items() if file_id not in stacked]

    async def fetch_version_stacks(self, folder_id: str) -> list[VersionStack]:
        """Return the stacks with their newest files."""
        return [await self.fetch_version_stack(stack_id) for stack_id in self.stacks]

    async def fetch_comments(self, file_id: str) -> list[Comment]:
        """Return the comments with their replies."""
        self._note(f"comments {file_id}")
        return list(self.comments[file_id])

    async def fetch_comment(self, comment_id: str) -> Comment:
        """Return one comment or reply with its owner."""
        self._note(f"comment {comment_id}")
        for comments in self.comments.values():
            for comment in (c for top in comments for c in (top, *(top.replies or ()))):
                if comment.id == comment_id:
                    owner = _user(self.owners[comment_id])
                    found: Comment = comment.model_copy(update={"owner": owner})
                    return found
        raise NotFoundError(f"no comment {comment_id}", status_code=404)

    async def fetch_me(self) -> Profile:
        """Return the user as whom PostFlow is signed in; asked once, so it is not counted."""
        return Profile(id="postflow", email="bot@studio.example", name="PostFlow", avatar_url=None)

    async def fetch_audit_logs(
        self, *, filters: Mapping[str, str] | None = None
    ) -> list[AuditLog] | None:
        """Return the audit log of one file, newest first, if the plan has one."""
        self._note("audit log")
        wanted = (filters or {}).get("resource_id")
        return self.log and [line for line in reversed(self.log) if line.resource_id == wanted]

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if self.failure is not None:
            raise self.failure

    def _change(self, comment_id: str, update: dict[str, Any]) -> None:
        for comments in self.comments.values():
            for place, comment in enumerate(comments):
                if comment.id == comment_id:
                    comments[place] = comment.model_copy(update=update)


class RecordingFlowRuns:
    """A Prefect that remembers what it was told; `away` makes it unreachable."""

    def __init__(self) -> None:
        self.states: dict[str, RunState] = {}
        self.resumed: list[str] = []
        self.looked_at: list[str] = []
        self.restarted: list[str] = []
        self.ended: list[tuple[str, str]] = []
        self.emitted: list[tuple[str, str]] = []
        self.payloads: list[Mapping[str, object]] = []
        self.published: list[RunArtifact] = []
        self.accepts = True
        self.away = False
        self.refuses: dict[str, Exception] = {}

    async def fetch_states(self, flow_run_ids: Sequence[str]) -> dict[str, RunState]:
        """Return what the test said; other runs are suspended."""
        self._answer()
        assert all(UUID(each) for each in flow_run_ids), "Prefect's client takes nothing else"
        self.looked_at += flow_run_ids
        return {each: self.states.get(each, RunState.WAITING) for each in flow_run_ids}

    async def resume(self, flow_run_id: str) -> ResumeAnswer:
        """Accept or refuse, in words like Prefect's; only a suspended run can be resumed."""
        self._answer(flow_run_id)
        state = self.states.get(flow_run_id, RunState.WAITING)
        if state is RunState.MISSING:
            raise FlowRunError("Prefect has no such object")
        if state is RunState.WAITING:
            self.resumed.append(flow_run_id)
            if self.accepts:
                return ResumeAnswer(accepted=True, said="accept")
        return ResumeAnswer(accepted=False, said="Cannot resume a flow run that is not paused.")

    async def end(self, flow_run_id: str, end: str) -> None:
        """Take the run's last word for it."""
        self._answer(flow_run_id)
        self.ended.append((flow_run_id, end))
        self.states[flow_run_id] = RunState.FINISHED

    async def restart(self, flow_run_id: str) -> None:
        """Schedule the run again."""
        self._answer(flow_run_id)
        self.restarted.append(flow_run_id)
        self.states[flow_run_id] = RunState.STARTING

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
        """Remember the event."""
        self._answer(upload_id)
        self.emitted.append((name, event_id))
        self.payloads.append(payload)

    async def publish(self, artifact: RunArtifact) -> None:
        """Remember the artifact."""
        self._answer()
        self.published.append(artifact)

    def _answer(self, about: str = "") -> None:
        if self.away:
            raise PrefectUnavailableError("Prefect's server does not answer")
        if about in self.refuses:
            raise self.refuses[about]


class BrokenFrameioError(FrameioError):
    """A failure of Frame.io's that trying again does not mend."""


def _user(person: Person) -> User:
    return User(
        id=person.id,
        name=person.name or None,
        email=person.email or "",
        avatar_url=None,
        active=True,
    )


def _comment(comment_id: str, file_id: str, text: str, at: datetime) -> Comment:
    return Comment(
        id=comment_id,
        file_id=file_id,
        text=text,
        timestamp=None,
        duration=None,
        page=None,
        annotation=None,
        text_review_annotation=None,
        attachments=None,
        links=[],
        mentions=[],
        completed_at=None,
        completer_id=None,
        text_edited_at=None,
        created_at=at,
        updated_at=at,
    )


def _line(file_id: str, person: Person, at: datetime) -> AuditLog:
    return AuditLog(
        account_id="account",
        event_type="metadata_value_updated",
        inserted_at=at.isoformat(),
        ip_address="127.0.0.1",
        resource_id=file_id,
        resource_type="asset",
        project_id=PROJECT,
        workspace_id=None,
        user_id=person.id,
        user=_user(person),
    )
