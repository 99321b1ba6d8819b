"""Every error PostFlow raises on purpose, by who must act.

PostFlowError
├── ConfigurationError        whoever wrote the settings
├── StoreError                whoever runs the database
│   ├── StoreNotReadyError    … and must migrate it first
│   ├── StoreUnavailableError … or just wait: it is locked or away
│   └── ClaimLostError        nobody: another process does the work
├── UnknownEventError         whoever named it
├── DeliveryRejectedError     the sender of a webhook
├── FrameioError              Frame.io, or the rights of our token
│   ├── FrameioUnavailableError   nobody: try again later
│   ├── RateLimitedError          nobody: wait as long as it says
│   ├── FrameioRefusedError       the owner of the token, or of the request
│   └── NotFoundError             nobody: it is gone
├── FlowRunError              Prefect, or whoever runs it
│   └── PrefectUnavailableError   nobody: try again later
├── UploadError               the owner of the file
│   ├── UnknownUploadError
│   └── UploadConflictError
├── PostProcessingError       the owner of the master
├── NoticeError               the owner of the address that is told
└── DecisionError             the person who decided by hand

A message is one sentence: what happened, to which file or upload, what to do.
`retryable` is the only thing that retry code reads.
"""

from __future__ import annotations

from typing import ClassVar


class PostFlowError(Exception):
    """Root of all errors a user may see; its text is the advice."""

    retryable: ClassVar[bool] = False


class ConfigurationError(PostFlowError):
    """A setting is missing, misspelt or impossible; correct it and start again."""


class StoreError(PostFlowError):
    """The database did not do what was asked."""


class StoreNotReadyError(StoreError):
    """The store was never migrated; run `postflow migrate` on it, then start again."""


class StoreUnavailableError(StoreError):
    """The store is locked or unreachable; the same call may work in a moment."""

    retryable: ClassVar[bool] = True


class ClaimLostError(StoreError):
    """Another process has the claim now; nothing that this one knows may be written."""


class UnknownEventError(PostFlowError):
    """No delivery in the inbox has this id; `postflow events` lists them."""


class DeliveryRejectedError(PostFlowError):
    """A webhook delivery whose signature does not hold; the sender must sign it properly."""


class FrameioError(PostFlowError):
    """Frame.io did not do what was asked."""


class FrameioUnavailableError(FrameioError):
    """Frame.io could not be reached or answered 5xx; ask again later."""

    retryable: ClassVar[bool] = True


class RateLimitedError(FrameioUnavailableError):
    """Frame.io answered 429; wait at least `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class FrameioRefusedError(FrameioError):
    """Frame.io refused the request (4xx); repeating it unchanged changes nothing."""

    def __init__(self, message: str, *, status_code: int = 0) -> None:
        super().__init__(message)
        self.status_code = status_code


class NotFoundError(FrameioRefusedError):
    """Frame.io has no such object, or has it no longer."""


class FlowRunError(PostFlowError):
    """Prefect did not do what was asked."""


class PrefectUnavailableError(FlowRunError):
    """Prefect's server could not be reached; start it, or ask again later."""

    retryable: ClassVar[bool] = True


class UploadError(PostFlowError):
    """A file cannot be uploaded as it is; the message names it."""


class UnknownUploadError(UploadError):
    """No upload has this id; `postflow status` lists them."""


class UploadConflictError(UploadError):
    """The id already stands for another file; choose another id."""


class PostProcessingError(PostFlowError):
    """An approved video could not be delivered; the message says which and why."""


class NoticeError(PostFlowError):
    """People could not be told; look at the address in `notices.urls`, or at its receiver."""

    retryable: ClassVar[bool] = True


class DecisionError(PostFlowError):
    """A decision by hand that does not fit, for example one about an older version."""
