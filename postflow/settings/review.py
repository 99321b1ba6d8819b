"""Who decides and how, and how comments are read: the sections a project can have for itself."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from postflow.domain.house import APPROVE_ABOVE, REJECT_BELOW, HouseRules
from postflow.domain.people import GuestPolicy, ReviewRules
from postflow.settings.fields import Names, Patience, Positive, Secret, Section


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
    APPROVE = "approve"
    """It counts as approved, where nobody has said anything but yes; else as `fail`."""


class SecondOpinionSettings(Section):
    """A model that is asked about comments which decide nothing; it never approves."""

    url: str
    model: str
    api_key: Secret = None
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("write the address with its scheme, as in http://127.0.0.1:11434/v1")
        return url


class AnalysisSettings(Section):
    """Words of the house, on top of PostFlow's own, and how sure a verdict must be."""

    approval_keywords: tuple[str, ...] = ()
    rejection_keywords: tuple[str, ...] = ()
    ignored_keywords: tuple[str, ...] = ()
    approve_above: Annotated[float, Field(ge=APPROVE_ABOVE, lt=1)] = APPROVE_ABOVE
    reject_below: Annotated[float, Field(ge=REJECT_BELOW, le=0)] = REJECT_BELOW
    second_opinion: SecondOpinionSettings | None = None

    @property
    def keywords(self) -> dict[str, list[str]]:
        """The three lists as `analyze_comment` takes them."""
        return {
            "approval": list(self.approval_keywords),
            "rejection": list(self.rejection_keywords),
            "ignored": list(self.ignored_keywords),
        }

    @property
    def house(self) -> HouseRules:
        """These settings as the domain takes them."""
        return HouseRules(
            approval=self.approval_keywords,
            rejection=self.rejection_keywords,
            ignored=self.ignored_keywords,
            approve_above=self.approve_above,
            reject_below=self.reject_below,
        )


class StatusNames(Section):
    """Which options of the Status field mean a decision; compared without case."""

    field: str = "Status"
    approved: tuple[str, ...] = ("Approved",)
    rejected: tuple[str, ...] = ("Rejected", "Changes Requested")


def _in_order(durations: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    return tuple(sorted(set(durations)))


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
    remind_after: Annotated[tuple[Positive, ...], AfterValidator(_in_order)] = ()
    escalate_after: Positive | None = None
    timeout: Positive | None = None
    on_timeout: TimeoutPolicy = TimeoutPolicy.FAIL
    quiet_period: Patience = timedelta(0)
    undo_window: Patience = timedelta(0)
    guard_window: Patience = timedelta(minutes=10)

    @model_validator(mode="after")
    def _can_ever_approve(self) -> Self:
        approvers, editors = _folded(self.approvers), _folded(self.editors)
        left = {each for each in approvers if not {each, _domain_of(each)} & editors}
        if approvers and not left:
            raise ValueError(
                "every approver is listed in review.editors too, and editors never decide; "
                "name somebody else"
            )
        of_a_domain = any(entry.startswith("@") for entry in left)
        if approvers and not of_a_domain and self.quorum > len(left):
            who = "approvers" if left == approvers else "approvers who are no editors"
            raise ValueError(
                f"a quorum of {self.quorum} can never be reached by {len(left)} {who}; "
                "name more approvers or lower the quorum"
            )
        return self

    def with_editor(self, user_id: str) -> Self:
        """Return the same settings with one editor more."""
        return self.model_copy(update={"editors": (*self.editors, user_id)})

    def can_approve_without(self, *addresses: str) -> bool:
        """Whether anybody but the person of these ids and addresses could approve, in number."""
        approvers = _folded(self.approvers)
        left = approvers - _folded(addresses) - _folded(self.editors)
        of_a_domain = any(entry.startswith("@") for entry in left)
        return not approvers or of_a_domain or len(left) >= self.quorum

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


def _domain_of(entry: str) -> str:
    return "@" + entry.rpartition("@")[2]


def _folded(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(w.strip().lower() for w in words if w.strip())


class ProjectSettings(Section):
    """What is different in one Frame.io project; what it leaves out is as everywhere."""

    review: ReviewSettings = ReviewSettings()
    analysis: AnalysisSettings = AnalysisSettings()
