"""What Prometheus reads: totals, counted by the store when they are asked for, and our answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlmodel import Session

from postflow.store.views import tracking_stats


class AnswerCounts(Collector):
    """How often the public face has given each answer since the service started."""

    def __init__(self) -> None:
        self._by_status: Counter[int] = Counter()

    def note(self, status: int) -> None:
        """Count one answer; called in the event loop's thread alone, as often as there are any."""
        self._by_status[status] += 1

    def render(self) -> bytes:
        """Return the counts in the text format."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Give the counts to Prometheus' own library."""
        answers = CounterMetricFamily(
            "postflow_webhook_answers",
            "Deliveries by the status they were answered with.",
            labels=["status"],
        )
        for status, count in sorted(self._by_status.copy().items()):
            answers.add_metric([str(status)], count)
        yield answers


def render_totals(session: Session) -> bytes:
    """Return the store's totals in the text format."""
    stats = tracking_stats(session)
    registry = CollectorRegistry()
    by_status = Gauge("postflow_uploads", "Uploads by status.", ["status"], registry=registry)
    for status, count in stats["status_distribution"].items():
        by_status.labels(status).set(count)
    by_review = Gauge(
        "postflow_reviews", "Uploads by review status.", ["review_status"], registry=registry
    )
    for status, count in stats["review_status_distribution"].items():
        by_review.labels(status).set(count)
    totals = {
        "postflow_uploads_active": ("Uploads not failed and not decided.", stats["active_tracks"]),
        "postflow_uploads_delivered": ("Deliveries made.", stats["delivered"]),
        "postflow_waits_open": ("Flow runs that wait.", stats["waiting"]),
        "postflow_events_settled": ("Deliveries settled.", stats["events_processed"]),
        "postflow_events_unsettled": ("Deliveries to be settled.", stats["events_unsettled"]),
        "postflow_events_set_aside": ("Deliveries set aside.", stats["events_set_aside"]),
        "postflow_notices_unconfirmed": (
            "Notices of which nobody knows whether they arrived.",
            stats["notices_unconfirmed"],
        ),
        "postflow_notices_failed": ("Notices that were refused.", stats["notices_failed"]),
        "postflow_comments_analyzed": ("Comments analysed.", stats["comments_analyzed"]),
    }
    for name, (meaning, count) in totals.items():
        Gauge(name, meaning, registry=registry).set(count)
    return generate_latest(registry)
