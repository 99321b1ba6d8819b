"""Records as Frame.io's payloads, with what `include` asked for."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from postflow.frameio import wire
from postflow.simulator.fields import render_field_value
from postflow.simulator.links import presign
from postflow.simulator.records import (
    StoredAsset,
    StoredComment,
    StoredFile,
    StoredFolder,
    StoredProject,
    StoredStack,
    StoredWorkspace,
)
from postflow.simulator.reviews import replies_of
from postflow.simulator.state import ACCOUNT_ID
from postflow.simulator.world import World

Json = dict[str, Any]

RENDITIONS = (
    "thumbnail",
    "thumbnail_high_quality",
    "video_h264_180",
    "high_quality",
    "efficient",
    "scrub_sheet",
)
MEDIA_INCLUDES = frozenset({"media_links.original", *(f"media_links.{r}" for r in RENDITIONS)})
ASSET_INCLUDES = frozenset({"creator", "project", "metadata"})
FILE_INCLUDES = MEDIA_INCLUDES | ASSET_INCLUDES


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """Makes payloads for one request: its world, its address, and what it includes."""

    world: World
    base_url: str
    include: AbstractSet[str] = frozenset()

    def account(self) -> Json:
        """Write the one account."""
        state = self.world.state
        return written(
            wire.Account(
                id=ACCOUNT_ID,
                display_name="Simulated Account",
                roles=["admin", "member"],
                storage_usage=sum(file.file_size for file in state.files()),
                storage_limit=None,
                created_at=state.started_at,
                updated_at=state.started_at,
            )
        )

    def workspace(self, workspace: StoredWorkspace) -> Json:
        """Write a workspace."""
        fields: Json = {
            "id": workspace.id,
            "name": workspace.name,
            "account_id": ACCOUNT_ID,
            "created_at": workspace.created_at,
            "updated_at": workspace.updated_at,
        }
        if "creator" in self.include:
            fields["creator"] = workspace.creator
        return written(wire.Workspace.model_validate(fields))

    def project(self, project: StoredProject, *, owner: bool | None = None) -> Json:
        """Write a project."""
        size = sum(f.file_size for f in self.world.state.files() if f.project_id == project.id)
        fields: Json = {
            "id": project.id,
            "name": project.name,
            "status": project.status,
            "storage": size,
            "workspace_id": project.workspace_id,
            "root_folder_id": project.root_folder_id,
            "view_url": f"{self.base_url}/project/{project.id}",
            "created_at": project.created_at,
            "updated_at": project.updated_at,
            "description": None,
        }
        if "owner" in self.include if owner is None else owner:
            fields["owner"] = project.owner
        return written(wire.Project.model_validate(fields))

    def asset(self, asset: StoredAsset) -> Json:
        """Write a file, folder or version stack."""
        match asset:
            case StoredFile():
                return self.file(asset)
            case StoredStack():
                return self.stack(asset)
            case StoredFolder():
                return self.folder(asset)
            case _:
                raise AssertionError(f"{asset.id} is none of the three kinds of asset")

    def folder(self, folder: StoredFolder) -> Json:
        """Write a folder."""
        fields = self._common(folder, "folder") | {"cover_file_id": None}
        return written(wire.Folder.model_validate(fields))

    def stack(self, stack: StoredStack) -> Json:
        """Write a version stack with its newest version."""
        versions = self.world.state.versions(stack)
        fields = self._common(stack, "version_stack")
        fields["head_version"] = self.file(versions[-1]) if versions else None
        return written(wire.VersionStack.model_validate(fields))

    def file(self, file: StoredFile) -> Json:
        """Write a file; media links only if asked for, null until it is ready."""
        fields = self._common(file, "file") | {
            "status": file.status.value,
            "media_type": file.media_type,
            "file_size": file.file_size,
        }
        asked = sorted(self.include & MEDIA_INCLUDES)
        if asked:
            names = [each.removeprefix("media_links.") for each in asked]
            fields["media_links"] = {name: self._media_link(file, name) for name in names}
        return written(wire.File.model_validate(fields))

    def upload_urls(self, file: StoredFile) -> list[Json]:
        """Write where each part goes; shown once, when the file is created."""
        headers = {"content-type": file.media_type, "x-amz-acl": "private"}
        return [
            {
                "size": part.size,
                "url": presign(
                    self.base_url,
                    f"/parts/{file.id}/part_{part.number}",
                    key=self.world.signing_key,
                    now=self.world.clock.now(),
                    lifetime=self.world.config.url_lifetime,
                    headers=headers,
                ),
            }
            for part in file.parts
        ]

    def upload_status(self, file: StoredFile) -> Json:
        """Write how far an upload is."""
        return written(
            wire.FileUploadStatus(
                id=file.id,
                filetype=file.media_type,
                upload_complete=file.upload_completed_at is not None,
                upload_failed=file.upload_failed,
                uploaded_at=file.upload_began_at,
                upload_completed_at=file.upload_completed_at,
            )
        )

    def metadata(self, file: StoredFile, *, show_null: bool = False) -> list[Json]:
        """Write the fields of a file; those without value only if asked for."""
        fields = []
        for field in self.world.state.fields.values():
            value = file.values.get(field.id)
            if field.name == "Format" and not field.mutable:
                value = file.media_type
            if value in (None, []) and not show_null:
                continue
            fields.append(render_field_value(field, value))
        return fields

    def comment(self, comment: StoredComment, *, timecode: bool = False) -> Json:
        """Write a comment; replies are written without owner, as Frame.io does."""
        fields = _comment_fields(comment)
        if timecode and comment.frame is not None:
            fps = self.world.config.frames_per_second
            fields["timestamp"] = frame_to_timecode(comment.frame, fps=fps)
        if "owner" in self.include:
            fields["owner"] = comment.owner
        if "replies" in self.include:
            plain = Rendering(world=self.world, base_url=self.base_url)
            replies = replies_of(self.world, comment)
            fields["replies"] = [plain.comment(reply, timecode=timecode) for reply in replies]
        return written(wire.Comment.model_validate(fields))

    def _common(self, asset: StoredAsset, kind: str) -> Json:
        fields: Json = {
            "id": asset.id,
            "name": asset.name,
            "type": kind,
            "project_id": asset.project_id,
            "parent_id": asset.parent_id,
            "created_at": asset.created_at,
            "updated_at": asset.updated_at,
            "view_url": f"{self.base_url}/project/{asset.project_id}/view/{asset.id}",
        }
        if "creator" in self.include:
            fields["creator"] = asset.creator
        if "project" in self.include:
            fields["project"] = self.project(self.world.state.project(asset.project_id))
        if "metadata" in self.include:
            fields["metadata"] = self.metadata(asset) if isinstance(asset, StoredFile) else []
        return fields

    def _media_link(self, file: StoredFile, name: str) -> Json | None:
        if file.status is not wire.FileStatus.TRANSCODED:
            return None
        link = presign(
            self.base_url,
            f"/media/{file.id}/{name}",
            key=self.world.signing_key,
            now=self.world.clock.now(),
            lifetime=self.world.config.url_lifetime,
        )
        return {"download_url": link, ("inline_url" if name == "original" else "url"): link}


def frame_to_timecode(frame: int, *, fps: int) -> str:
    """Write a frame number as HH:MM:SS:FF."""
    seconds, frames = divmod(frame, fps)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frames:02}"


def _comment_fields(comment: StoredComment) -> Json:
    return {
        "id": comment.id,
        "file_id": comment.file_id,
        "text": comment.text,
        "timestamp": comment.frame,
        "duration": comment.duration,
        "page": comment.page,
        "annotation": comment.annotation,
        "text_review_annotation": comment.text_review_annotation,
        "anchor": comment.anchor,
        "attachments": [],
        "links": comment.links,
        "mentions": [],
        "completed_at": comment.completed_at,
        "completer_id": comment.completer_id,
        "text_edited_at": comment.text_edited_at,
        "created_at": comment.created_at,
        "updated_at": comment.updated_at,
    }


def written(payload: BaseModel) -> Json:
    """Write a payload, leaving out what was not included."""
    return payload.model_dump(mode="json", exclude_unset=True)
