"""All objects of the simulated Frame.io, in memory; a restart begins afresh."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import datetime
from typing import TypeVar
from uuid import uuid4

from postflow.frameio.wire import User
from postflow.simulator.people import stable_id
from postflow.simulator.records import (
    Happening,
    StoredAsset,
    StoredComment,
    StoredField,
    StoredFile,
    StoredFolder,
    StoredProject,
    StoredShare,
    StoredStack,
    StoredWebhook,
    StoredWorkspace,
)
from postflow.simulator.refusals import Refusal

RecordT = TypeVar("RecordT")

ACCOUNT_ID = stable_id("account")
STATUS_FIELD_ID = stable_id("field", "Status")
STATUS_OPTIONS = ("Needs Review", "In Progress", "Approved")
HISTORY = 20_000  # happenings kept for the audit log


def fresh_id() -> str:
    """Give an id that nothing has yet."""
    return str(uuid4())


class State:
    """One account with everything in it, found by id."""

    def __init__(self, *, owner: User, now: datetime) -> None:
        self.started_at = now
        self.owner = owner
        self.workspaces: dict[str, StoredWorkspace] = {}
        self.projects: dict[str, StoredProject] = {}
        self.assets: dict[str, StoredAsset] = {}
        self.children: defaultdict[str, list[str]] = defaultdict(list)
        self.comments: dict[str, StoredComment] = {}
        self.comments_of: defaultdict[str, list[str]] = defaultdict(list)
        self.fields: dict[str, StoredField] = {}
        self.webhooks: dict[str, StoredWebhook] = {}
        self.shares: dict[str, StoredShare] = {}
        self.history: deque[Happening] = deque(maxlen=HISTORY)
        workspace = StoredWorkspace(
            id=stable_id("workspace"),
            name="Workspace",
            created_at=now,
            updated_at=now,
            creator=owner,
        )
        self.workspaces[workspace.id] = workspace
        self.add_project(workspace, name="Project", owner=owner, now=now, seed="project")
        self._add_fields(now)

    def add_project(
        self,
        workspace: StoredWorkspace,
        *,
        name: str,
        owner: User,
        now: datetime,
        seed: str | None = None,
    ) -> StoredProject:
        """Add a project with its root folder; a seed gives the same ids on every start."""
        project = StoredProject(
            id=stable_id(seed) if seed else fresh_id(),
            name=name,
            created_at=now,
            updated_at=now,
            workspace_id=workspace.id,
            root_folder_id=stable_id(seed, "root") if seed else fresh_id(),
            owner=owner,
        )
        self.projects[project.id] = project
        root = StoredFolder(
            id=project.root_folder_id,
            name=name,
            created_at=now,
            updated_at=now,
            project_id=project.id,
            parent_id=None,
            creator=owner,
        )
        self.assets[root.id] = root
        return project

    def add_asset(self, asset: StoredAsset) -> None:
        """Put a new asset into the tree."""
        self.assets[asset.id] = asset
        if asset.parent_id is not None:
            self.children[asset.parent_id].append(asset.id)

    def move_asset(self, asset: StoredAsset, parent_id: str) -> None:
        """Hang an asset below another parent, last."""
        if asset.parent_id is not None:
            self.children[asset.parent_id].remove(asset.id)
        asset.parent_id = parent_id
        self.children[parent_id].append(asset.id)

    def remove_asset(self, asset: StoredAsset) -> None:
        """Take an asset out of the tree, with its comments."""
        self.assets.pop(asset.id, None)
        if asset.parent_id is not None and asset.id in self.children[asset.parent_id]:
            self.children[asset.parent_id].remove(asset.id)
        for comment_id in self.comments_of.pop(asset.id, []):
            self.comments.pop(comment_id, None)

    def workspace(self, workspace_id: str) -> StoredWorkspace:
        """Find a workspace, or refuse with 404."""
        return _found(self.workspaces.get(workspace_id))

    def project(self, project_id: str) -> StoredProject:
        """Find a project, or refuse with 404."""
        return _found(self.projects.get(project_id))

    def folder(self, folder_id: str) -> StoredFolder:
        """Find a folder, or refuse with 404."""
        asset = self.assets.get(folder_id)
        return _found(asset if isinstance(asset, StoredFolder) else None)

    def file(self, file_id: str) -> StoredFile:
        """Find a file, or refuse: 422 for the id of something else, as was seen, or 404."""
        asset = _found(self.assets.get(file_id))
        if not isinstance(asset, StoredFile):
            raise Refusal(422)
        return asset

    def stack(self, stack_id: str) -> StoredStack:
        """Find a version stack, or refuse with 404."""
        asset = self.assets.get(stack_id)
        return _found(asset if isinstance(asset, StoredStack) else None)

    def comment(self, comment_id: str) -> StoredComment:
        """Find a comment or reply, or refuse with 404."""
        return _found(self.comments.get(comment_id))

    def webhook(self, webhook_id: str) -> StoredWebhook:
        """Find a webhook, or refuse with 404."""
        return _found(self.webhooks.get(webhook_id))

    def share(self, share_id: str) -> StoredShare:
        """Find a share, or refuse with 404."""
        return _found(self.shares.get(share_id))

    def files(self) -> list[StoredFile]:
        """List every file, oldest first."""
        return [asset for asset in self.assets.values() if isinstance(asset, StoredFile)]

    def file_called(self, id_or_name: str) -> StoredFile:
        """Find a file by id, or the newest of that name."""
        if id_or_name in self.assets:
            return self.file(id_or_name)
        named = [file for file in self.files() if file.name == id_or_name]
        return _found(named[-1] if named else None)

    def version_of(self, file: StoredFile) -> int:
        """Count which version in its stack a file is; 1 outside a stack."""
        parent = self.assets.get(file.parent_id or "")
        if not isinstance(parent, StoredStack):
            return 1
        return self.children[parent.id].index(file.id) + 1

    def versions(self, stack: StoredStack) -> list[StoredFile]:
        """List the files of a stack, oldest first."""
        return [self.file(file_id) for file_id in self.children[stack.id]]

    def _add_fields(self, now: datetime) -> None:
        for name, field_type, mutable in (
            ("Status", "select", True),
            ("Rating", "rating", True),
            ("Notes", "long_text", True),
            ("Format", "text", False),
        ):
            field = StoredField(
                id=stable_id("field", name),
                name=name,
                created_at=now,
                updated_at=now,
                field_type=field_type,
                mutable=mutable,
                creator=self.owner,
            )
            if field_type == "select":
                field.options = {stable_id("option", each): each for each in STATUS_OPTIONS}
            self.fields[field.id] = field


def _found(record: RecordT | None) -> RecordT:
    if record is None:
        raise Refusal(404)
    return record
