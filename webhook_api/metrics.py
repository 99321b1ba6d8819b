"""The totals as Prometheus reads them; counted by the store at the moment they are asked for."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlmodel import Session

from postflow.store.views import tracking_stats


def render_metrics(session: Session) -> bytes:
    """Return every metric in the text format, from a registry of its own."""
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
        "postflow_comments_analyzed": ("Comments analysed.", stats["comments_analyzed"]),
    }
    for name, (meaning, count) in totals.items():
        Gauge(name, meaning, registry=registry).set(count)
    return generate_latest(registry)
