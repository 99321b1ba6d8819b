"""Every setting, by section of `pipeline_config.json`; a unit stands in its name or its type."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from postflow.domain.announcements import FOR_PEOPLE, Announcement, Language
from postflow.settings.environment import environment_source
from postflow.settings.fields import (
    Patience,
    Port,
    Positive,
    Seconds,
    Secret,
    Section,
    drop_blank,
    merge_section,
)
from postflow.settings.review import (
    AnalysisSettings,
    OnRejected,
    ProjectSettings,
    ReviewSettings,
    SecondOpinionSettings,
    StatusNames,
    TimeoutPolicy,
)

__all__ = [
    "AnalysisSettings",
    "OnRejected",
    "ProjectSettings",
    "ReviewSettings",
    "SecondOpinionSettings",
    "Settings",
    "StatusNames",
    "TimeoutPolicy",
]


class TunnelProgram(StrEnum):
    """Which program of the user's makes the public face reachable."""

    CLOUDFLARED = "cloudflared"
    """Cloudflare's, as a quick tunnel, or a named one with `webhook.tunnel_name`."""


class WebhookSettings(Section):
    """The public face: what Frame.io calls."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Port = 8080
    secrets: Annotated[tuple[SecretStr, ...], AfterValidator(drop_blank)] = ()
    secrets_file: Path = Path(".postflow/webhook-secrets.json")
    public_url: str | None = None
    tunnel: TunnelProgram | None = None
    tunnel_name: str | None = None
    """A tunnel that the user has made; None means a quick one, with a new address each time."""
    tunnel_command: str = "cloudflared"
    tunnel_arguments: tuple[str, ...] = ()
    silence_after: Patience = timedelta(hours=24)
    """After how much silence the way from Frame.io is looked into; 0 is never."""
    tolerance_seconds: Annotated[int, Field(gt=0)] = 300
    auto_start: bool = False
    intelligent_tracking: bool = True

    @model_validator(mode="after")
    def _tunnel_has_one_address(self) -> Self:
        if self.tunnel is None:
            return self
        if self.tunnel_name and not self.public_url:
            raise ValueError(
                "a named tunnel does not tell its address; set webhook.public_url to the one it "
                "was given"
            )
        if self.public_url and not self.tunnel_name:
            raise ValueError(
                "a quick tunnel has an address of its own, which webhook.public_url contradicts; "
                "remove webhook.public_url, or set webhook.tunnel_name to your named tunnel"
            )
        return self


class DashboardSettings(Section):
    """The private face: dashboard, API, metrics."""

    host: str = "127.0.0.1"
    port: Port = 8081
    token: Secret = None


class DatabaseSettings(Section):
    """Where PostFlow keeps its truth."""

    url: str = "sqlite:///postflow.db"
    busy_timeout: Seconds = timedelta(seconds=3)
    patience: Seconds = timedelta(minutes=10)


class SignIn(StrEnum):
    """How PostFlow signs in at Frame.io."""

    TOKEN = "token"  # noqa: S105 - a way to sign in, not a secret
    """With `frameio.token`, as it is."""
    LOGIN = "login"
    """As the person who ran `postflow login`."""
    SERVER = "server"
    """As a service account, with `frameio.client_id` and `frameio.client_secret`."""


class FrameioSettings(Section):
    """Which Frame.io, as whom, and where in it."""

    base_url: str = "https://api.frame.io"
    ims_base_url: str = "https://ims-na1.adobelogin.com"
    sign_in: SignIn | None = None
    """None means the first that is there: the token, a login, the client's secret."""
    token: Secret = None
    client_id: str | None = None
    client_secret: Secret = None
    login_file: Path = Path(".postflow/frameio-login.json")
    retry_after: Seconds | None = None
    """The first wait after a 5xx; None means 30 s, and none to speak of on this machine."""
    account_id: str | None = None
    workspace_id: str | None = None
    project_id: str | None = None
    folder: str = ""
    auto_version: bool = True
    parts_in_flight: Annotated[int, Field(ge=1, le=32)] = 5
    respect_rate_limits: bool = True


class PostProcessingSettings(Section):
    """What an approved version becomes, and where."""

    output_dir: Path = Path("delivered")
    profile: tuple[str, ...] = (
        *("-c:v", "libx264", "-preset", "medium", "-crf", "18", "-pix_fmt", "yuv420p"),
        *("-c:a", "aac", "-b:a", "192k", "-movflags", "+faststart"),
    )
    deployment: str | None = None


class PrefectSettings(Section):
    """Which Prefect, and which deployment of ours runs a video."""

    api_url: str | None = None
    deployment: str = "process-video/local"
    batch_deployment: str = "process-batch/local"
    host: str = "127.0.0.1"
    port: Port = 4200
    home: Path = Path(".postflow/prefect")


class TrackerSettings(Section):
    """How often PostFlow looks, and how patient it is."""

    resume_every: Positive = timedelta(seconds=2)
    poll_every: Positive = timedelta(minutes=10)
    poll_every_without_webhook: Positive = timedelta(seconds=30)
    reconcile_every: Positive = timedelta(hours=1)
    lease: Positive = timedelta(seconds=60)
    lease_renewal: Positive = timedelta(seconds=10)
    ready_patience: Seconds = timedelta(seconds=5)
    longest_start: Positive = timedelta(minutes=5)
    max_restarts: Annotated[int, Field(ge=0)] = 5
    max_attempts: Annotated[int, Field(ge=1)] = 8


class NoticeSettings(Section):
    """Who is told of what: apprise addresses, for example `slack://…` or `mailto://…`."""

    urls: Annotated[tuple[SecretStr, ...], AfterValidator(drop_blank)] = ()
    escalation_urls: Annotated[tuple[SecretStr, ...], AfterValidator(drop_blank)] = ()
    language: Language = Language.EN
    events: tuple[Announcement, ...] = FOR_PEOPLE
    gather_for: Patience = timedelta(seconds=30)


class LogSettings(Section):
    """Where log lines go besides the terminal, and how they look."""

    folder: Path = Path("logs")
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["readable", "json"] = "readable"
    to_file: bool = True
    max_bytes: Annotated[int, Field(ge=10_000)] = 10_000_000
    keep: Annotated[int, Field(ge=0)] = 5


class Settings(BaseSettings):
    """All sections; built by `load_settings`, passed down, never global."""

    model_config = SettingsConfigDict(
        env_prefix="POSTFLOW_", env_nested_delimiter="__", extra="ignore", frozen=True
    )

    webhook: WebhookSettings = WebhookSettings()
    dashboard: DashboardSettings = DashboardSettings()
    database: DatabaseSettings = DatabaseSettings()
    frameio: FrameioSettings = FrameioSettings()
    analysis: AnalysisSettings = AnalysisSettings()
    review: ReviewSettings = ReviewSettings()
    projects: dict[str, ProjectSettings] = {}
    post_processing: PostProcessingSettings = PostProcessingSettings()
    prefect: PrefectSettings = PrefectSettings()
    tracker: TrackerSettings = TrackerSettings()
    notices: NoticeSettings = NoticeSettings()
    logs: LogSettings = LogSettings()

    _own_users: tuple[str, ...] = PrivateAttr(default=())
    _as_written: ReviewSettings | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _projects_can_work(self) -> Self:
        for project_id in self.projects:
            self.for_project(project_id)
        return self

    def for_project(self, project_id: str | None) -> Settings:
        """Return the settings that hold in this project; the same where it has none of its own."""
        own = self.projects.get(project_id or "")
        if own is None:
            return self
        try:
            review = merge_section(self._as_written or self.review, own.review)
            analysis = merge_section(self.analysis, own.analysis)
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise ValueError(f"in the project {project_id}, {message}") from error
        for user_id in self._own_users:  # afterwards: it may leave nobody who could approve
            review = review.with_editor(user_id)
        return self.model_copy(update={"review": review, "analysis": analysis})

    def with_editor(self, user_id: str) -> Settings:
        """Return settings in which this user decides nothing, in any project."""
        changed = self.model_copy(update={"review": self.review.with_editor(user_id)})
        changed._own_users = (*self._own_users, user_id)  # noqa: SLF001 - of our own class
        changed._as_written = self._as_written or self.review  # noqa: SLF001 - the same
        return changed

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment beat the config file, whose sections arrive as arguments."""
        return environment_source(settings_cls), init_settings
