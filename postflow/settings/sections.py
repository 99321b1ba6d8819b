"""Every setting, by section of `pipeline_config.json`; a unit stands in its name or its type."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from postflow.domain.people import GuestPolicy, ReviewRules
from postflow.settings.environment import environment_source


def _seconds(value: object) -> object:
    if isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return timedelta(seconds=float(value))
    return timedelta(seconds=value) if isinstance(value, int | float) else value


def _none_if_blank(value: object) -> object:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return None if isinstance(text, str) and not text.strip() else value


def _drop_blank(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    return tuple(secret for secret in secrets if secret.get_secret_value().strip())


def _refuse_blank(names: tuple[str, ...]) -> tuple[str, ...]:
    if any(not name.strip() for name in names):
        raise ValueError("an empty entry names nobody; remove it")
    return names


Seconds = Annotated[timedelta, BeforeValidator(_seconds)]
"""A duration: a number means seconds, a text is ISO 8601 ("PT2H")."""
Positive = Annotated[Seconds, Field(gt=timedelta(0))]
Secret = Annotated[SecretStr | None, BeforeValidator(_none_if_blank)]
"""A secret that is empty protects nothing, so it counts as none."""
Names = Annotated[tuple[str, ...], AfterValidator(_refuse_blank)]
Port = Annotated[int, Field(ge=0, le=65535)]


class OnRejected(StrEnum):
    """What a flow run does when its version is rejected."""

    WAIT = "wait"
    """It sleeps on: a later approval of this version, or a newer version, wakes it."""
    FINISH = "finish"
    """It ends Completed, named Rejected."""


class TimeoutPolicy(StrEnum):
    """What happens when nobody has decided before `review.timeout`."""

    FAIL = "fail"
    """The flow run fails, saying so."""
    REJECT = "reject"
    """It counts as rejected."""
    KEEP_WAITING = "keep_waiting"
    """Nothing but a notice."""


class Section(BaseModel):
    """A section refuses keys it does not know: a misspelt setting must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WebhookSettings(Section):
    """The public face: what Frame.io calls."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Port = 8080
    secrets: Annotated[tuple[SecretStr, ...], AfterValidator(_drop_blank)] = ()
    secrets_file: Path = Path(".postflow/webhook-secrets.json")
    public_url: str | None = None
    tolerance_seconds: Annotated[int, Field(gt=0)] = 300
    auto_start: bool = False
    intelligent_tracking: bool = True


class DashboardSettings(Section):
    """The private face: dashboard, API, metrics."""

    host: str = "127.0.0.1"
    port: Port = 8081
    token: Secret = None


class DatabaseSettings(Section):
    """Where PostFlow keeps its truth."""

    url: str = "sqlite:///postflow.db"
    busy_timeout: Seconds = timedelta(seconds=3)


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


class AnalysisSettings(Section):
    """Words of the house, on top of PostFlow's own."""

    approval_keywords: tuple[str, ...] = ()
    rejection_keywords: tuple[str, ...] = ()
    ignored_keywords: tuple[str, ...] = ()

    @property
    def keywords(self) -> dict[str, list[str]]:
        """The three lists as `analyze_comment` takes them."""
        return {
            "approval": list(self.approval_keywords),
            "rejection": list(self.rejection_keywords),
            "ignored": list(self.ignored_keywords),
        }


class StatusNames(Section):
    """Which options of the Status field mean a decision; compared without case."""

    field: str = "Status"
    approved: tuple[str, ...] = ("Approved",)
    rejected: tuple[str, ...] = ("Rejected", "Changes Requested")


class ReviewSettings(Section):
    """Who decides, how, and what a rejection means for the flow run."""

    on_rejected: OnRejected = OnRejected.WAIT
    max_rounds: Annotated[int, Field(ge=1)] = 10
    approvers: Names = ()
    editors: Names = ()
    quorum: Annotated[int, Field(ge=1)] = 1
    guests: GuestPolicy | None = None
    status_names: StatusNames = StatusNames()
    trust_unknown_status: bool = False
    ready_timeout: Positive = timedelta(hours=2)
    timeout: Positive | None = None
    on_timeout: TimeoutPolicy = TimeoutPolicy.FAIL

    @model_validator(mode="after")
    def _can_ever_approve(self) -> Self:
        approvers = _folded(self.approvers)
        of_a_domain = any(entry.startswith("@") for entry in approvers)
        if approvers and not of_a_domain and self.quorum > len(approvers):
            raise ValueError(
                f"a quorum of {self.quorum} can never be reached by {len(approvers)} "
                "approvers; name more approvers or lower the quorum"
            )
        return self

    @property
    def rules(self) -> ReviewRules:
        """These settings as the domain takes them.

        Guests may only reject once approvers are named: a guest can type any name.
        """
        default = GuestPolicy.REJECT_ONLY if self.approvers else GuestPolicy.COUNT
        return ReviewRules(
            approvers=_folded(self.approvers),
            editors=_folded(self.editors),
            guests=self.guests or default,
            quorum=self.quorum,
            approved_names=_folded(self.status_names.approved),
            rejected_names=_folded(self.status_names.rejected),
            trust_unknown_status=self.trust_unknown_status,
        )


def _folded(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(w.strip().lower() for w in words if w.strip())


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
    lease: Positive = timedelta(seconds=60)
    lease_renewal: Positive = timedelta(seconds=10)
    ready_patience: Seconds = timedelta(seconds=5)
    max_restarts: Annotated[int, Field(ge=0)] = 5
    max_attempts: Annotated[int, Field(ge=1)] = 8


class NoticeSettings(Section):
    """Who is told: apprise addresses, for example `slack://…` or `mailto://…`."""

    urls: tuple[SecretStr, ...] = ()


class LogSettings(Section):
    """Where log lines go besides the terminal, and how they look."""

    folder: Path = Path("logs")
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["readable", "json"] = "readable"


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
    post_processing: PostProcessingSettings = PostProcessingSettings()
    prefect: PrefectSettings = PrefectSettings()
    tracker: TrackerSettings = TrackerSettings()
    notices: NoticeSettings = NoticeSettings()
    logs: LogSettings = LogSettings()

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
