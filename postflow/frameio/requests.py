"""The requests about accounts, projects, folders and files; built here, sent elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from postflow.frameio.protocol import (
    FIVE_A_SECOND,
    HUNDRED_A_MINUTE,
    TEN_A_MINUTE,
    TEN_A_SECOND,
    THREE_A_SECOND,
    Call,
    path_of,
)
from postflow.frameio.wire import (
    Account,
    File,
    FileUploadStatus,
    Folder,
    Payload,
    Profile,
    Project,
    VersionStack,
    Workspace,
)

# Lists of a folder may be longer than others; longer pages mean fewer calls.
PAGE = {"page_size": "100"}
ASSET_PAGE = {"page_size": "200"}


def show_me() -> Call[Profile]:
    """Ask who the token belongs to."""
    return Call(operation="show me", path=path_of("me"), model=Profile)


def list_accounts() -> Call[Account]:
    """Ask which accounts the token sees."""
    return Call(operation="list accounts", path=path_of("accounts"), model=Account, params=PAGE)


def list_workspaces(account_id: str) -> Call[Workspace]:
    """Ask for the workspaces of an account."""
    return Call(
        operation="list workspaces",
        about=f"of account {account_id}",
        path=path_of("accounts", account_id, "workspaces"),
        model=Workspace,
        params=PAGE,
    )


def list_projects(account_id: str, workspace_id: str) -> Call[Project]:
    """Ask for the projects of a workspace."""
    return Call(
        operation="list projects",
        about=f"of workspace {workspace_id}",
        path=path_of("accounts", account_id, "workspaces", workspace_id, "projects"),
        model=Project,
        params=PAGE,
    )


def show_project(account_id: str, project_id: str) -> Call[Project]:
    """Ask for a project, with its root folder's id."""
    return Call(
        operation="show project",
        about=project_id,
        path=path_of("accounts", account_id, "projects", project_id),
        model=Project,
    )


def list_folders(account_id: str, folder_id: str) -> Call[Folder]:
    """Ask for the folders directly inside a folder."""
    return Call(
        operation="list folders",
        about=f"of folder {folder_id}",
        path=path_of("accounts", account_id, "folders", folder_id, "folders"),
        model=Folder,
        params=ASSET_PAGE,
        rate=FIVE_A_SECOND,
    )


def create_folder(account_id: str, folder_id: str, *, name: str) -> Call[Folder]:
    """Ask for a new folder inside a folder."""
    return Call(
        operation="create a folder",
        about=f"in folder {folder_id}",
        method="POST",
        path=path_of("accounts", account_id, "folders", folder_id, "folders"),
        model=Folder,
        data={"name": name},
        rate=THREE_A_SECOND,
    )


def list_files(account_id: str, folder_id: str, *, include: Iterable[str] = ()) -> Call[File]:
    """Ask for the files directly inside a folder; files in version stacks are not among them."""
    return Call(
        operation="list files",
        about=f"of folder {folder_id}",
        path=path_of("accounts", account_id, "folders", folder_id, "files"),
        model=File,
        params={**ASSET_PAGE, **including(include)},
        rate=FIVE_A_SECOND,
    )


def list_version_stacks(account_id: str, folder_id: str) -> Call[VersionStack]:
    """Ask for the version stacks directly inside a folder."""
    return Call(
        operation="list version stacks",
        about=f"of folder {folder_id}",
        path=path_of("accounts", account_id, "folders", folder_id, "version_stacks"),
        model=VersionStack,
        params=ASSET_PAGE,
        rate=FIVE_A_SECOND,
    )


def create_local_upload(
    account_id: str, folder_id: str, *, name: str, file_size: int
) -> Call[File]:
    """Ask for a placeholder with addresses for its parts."""
    return Call(
        operation="create the upload",
        about=f"of {name}",
        method="POST",
        path=path_of("accounts", account_id, "folders", folder_id, "files", "local_upload"),
        model=File,
        data={"name": name, "file_size": file_size},
        rate=FIVE_A_SECOND,
    )


def create_remote_upload(
    account_id: str, folder_id: str, *, name: str, source_url: str
) -> Call[File]:
    """Ask Frame.io to fetch a file itself."""
    return Call(
        operation="create the remote upload",
        about=f"of {name}",
        method="POST",
        path=path_of("accounts", account_id, "folders", folder_id, "files", "remote_upload"),
        model=File,
        data={"name": name, "source_url": source_url},
        rate=FIVE_A_SECOND,
    )


def show_file(account_id: str, file_id: str, *, include: Iterable[str] = ()) -> Call[File]:
    """Ask for a file."""
    return Call(
        operation="show file",
        about=file_id,
        path=path_of("accounts", account_id, "files", file_id),
        model=File,
        params=including(include),
        rate=TEN_A_SECOND,
    )


def show_upload_status(account_id: str, file_id: str) -> Call[FileUploadStatus]:
    """Ask how far an upload is."""
    return Call(
        operation="show the upload status of file",
        about=file_id,
        path=path_of("accounts", account_id, "files", file_id, "status"),
        model=FileUploadStatus,
        rate=FIVE_A_SECOND,
    )


def delete_file(account_id: str, file_id: str) -> Call[Payload]:
    """Ask to delete a file."""
    return Call(
        operation="delete file",
        about=file_id,
        method="DELETE",
        path=path_of("accounts", account_id, "files", file_id),
        model=Payload,
        rate=HUNDRED_A_MINUTE,
    )


def move_file(account_id: str, file_id: str, *, parent_id: str) -> Call[File]:
    """Ask to move a file into a folder or a version stack."""
    return Call(
        operation="move file",
        about=file_id,
        method="PATCH",
        path=path_of("accounts", account_id, "files", file_id, "move"),
        model=File,
        data={"parent_id": parent_id},
    )


def create_version_stack(
    account_id: str, folder_id: str, *, file_ids: Sequence[str]
) -> Call[VersionStack]:
    """Ask to stack files of one folder, oldest first."""
    return Call(
        operation="create a version stack",
        about=f"of files {', '.join(file_ids)}",
        method="POST",
        path=path_of("accounts", account_id, "folders", folder_id, "version_stacks"),
        model=VersionStack,
        data={"file_ids": list(file_ids)},
        rate=TEN_A_MINUTE,
    )


def show_version_stack(account_id: str, stack_id: str) -> Call[VersionStack]:
    """Ask for a version stack with its newest file."""
    return Call(
        operation="show version stack",
        about=stack_id,
        path=path_of("accounts", account_id, "version_stacks", stack_id),
        model=VersionStack,
    )


def list_stack_files(account_id: str, stack_id: str, *, include: Iterable[str] = ()) -> Call[File]:
    """Ask for the files of a version stack."""
    return Call(
        operation="list the files of version stack",
        about=stack_id,
        path=path_of("accounts", account_id, "version_stacks", stack_id, "children"),
        model=File,
        params={**PAGE, **including(include)},
    )


def including(include: Iterable[str]) -> dict[str, str]:
    """Build the query that asks for related objects; none where nothing is asked for."""
    words = ",".join(include)
    return {"include": words} if words else {}
