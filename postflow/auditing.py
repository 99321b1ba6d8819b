"""The audit: every chain of decisions, and every manifest that was made because of one.

A manifest lies in the delivery folder and in the store and names the decision that allowed the
delivery, so a chain that was rewritten as a whole, hashes and all, does not fit it any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from postflow.delivery.manifest import read_manifest
from postflow.domain.standing import ReviewStatus
from postflow.store.chains import (
    BrokenLink,
    Chain,
    find_broken_link,
    find_broken_revision,
    find_orphan,
    iterate_chains,
)
from postflow.store.tables import DecisionRow, DeliveryRow
from postflow.store.uploads import load_upload

_ENDING = ".manifest.json"
_ADDED_LATER = ("recalled_at",)
"""What the store's copy says more than the file: a recall touches no delivered file."""


@dataclass(kw_only=True, slots=True)
class Audit:
    """What was checked, and what does not hold."""

    uploads: int = 0
    decisions: int = 0
    manifests: int = 0
    """How many were compared, in the store and on disk."""
    moved: list[str] = field(default_factory=list)
    """Manifest files that are not where they were delivered; people do move deliveries."""
    broken: list[tuple[str | None, BrokenLink]] = field(default_factory=list)
    """The first broken link of each upload that has one, and whose it is."""


def verify(session: Session, folder: Path, *, upload_id: str | None = None) -> Audit:
    """Check everything, or one upload; `folder` is where deliveries go.

    Raises UnknownUploadError. The session should be a reading one.
    """
    if upload_id is not None:
        load_upload(session, upload_id)
    audit = Audit()
    for chain in iterate_chains(session, upload_id):
        audit.uploads += 1
        audit.decisions += len(chain.decisions)
        link = find_broken_link(chain) or _check_deliveries(chain, audit)
        if link is not None:
            audit.broken.append((chain.upload_id, link))
    for link in _check_the_rest(session, folder, audit, upload_id):
        audit.broken.append((upload_id, link))
    return audit


def _check_deliveries(chain: Chain, audit: Audit) -> BrokenLink | None:
    """Return the first thing in which a delivery and the decisions do not agree."""
    for delivery in chain.deliveries:
        name = f"the delivery of {chain.upload_id}, version {delivery.version}"
        recorded = delivery.manifest or {}
        link = _check_manifest(recorded, chain, delivery, place=f"The store's manifest of {name}")
        audit.manifests += 1
        if link is not None:
            return link
        if delivery.path is None:
            continue  # the user's own deployment made the files
        path = Path(delivery.path).with_suffix(_ENDING)
        if not path.exists():
            audit.moved.append(str(path))
            continue
        audit.manifests += 1
        found = read_manifest(path)
        if found is None:
            return BrokenLink(sentence=f"The manifest {path} of {name} cannot be read any more.")
        link = _check_manifest(found, chain, delivery, place=f"The manifest {path}")
        link = link or _compare(found, recorded, place=f"The manifest {path} of {name}")
        if link is not None:
            return link
    return None


def _check_manifest(
    manifest: Mapping[str, Any], chain: Chain, delivery: DeliveryRow, *, place: str
) -> BrokenLink | None:
    """Compare what a manifest says of its decision with that decision."""
    verdict = manifest.get("verdict") or {}
    named = verdict.get("decision_hash")
    row = next((each for each in chain.decisions if each.hash == named), None)
    if row is None:
        return _unknown_decision(place, named)
    if (row.verdict, row.version) != (ReviewStatus.APPROVED, delivery.version):
        return BrokenLink(
            sentence=f"{place} rests on decision {row.id}, which says {row.verdict} of version "
            f"{row.version}.",
            decision_id=row.id,
        )
    for key, said in _retell(row).items():
        if verdict.get(key) != said:
            return BrokenLink(
                sentence=f"{place} says {key} {verdict.get(key)!r}, decision {row.id} says "
                f"{said!r}.",
                decision_id=row.id,
            )
    return None


def _retell(row: DecisionRow) -> dict[str, object]:
    return {
        "verdict": row.verdict,
        "source": row.source,
        "who": row.who,
        "comment_id": row.comment_id,
        "comment": row.comment_text,
        "reason": row.reason,
        "score": row.score,
        "at": row.at.isoformat(),
    }


def _compare(
    found: Mapping[str, Any], recorded: Mapping[str, Any], *, place: str
) -> BrokenLink | None:
    for key in sorted((found.keys() | recorded.keys()) - set(_ADDED_LATER)):
        if found.get(key) != recorded.get(key):
            return BrokenLink(
                sentence=f"{place} differs from what the store recorded: its {key!r} was changed."
            )
    return None


def _check_the_rest(
    session: Session, folder: Path, audit: Audit, upload_id: str | None
) -> Iterator[BrokenLink]:
    """Find what hangs on no upload: revisions, decisions and manifests that were left behind."""
    revision = find_broken_revision(session, upload_id)
    if revision is not None:
        yield revision
    if upload_id is not None:
        return
    orphan = find_orphan(session)
    if orphan is not None:
        yield orphan
    for path in sorted(folder.glob(f"*{_ENDING}")):
        manifest = read_manifest(path)
        named = ((manifest or {}).get("verdict") or {}).get("decision_hash")
        if named is None:
            continue  # not one of ours
        row = session.exec(select(DecisionRow.id).where(DecisionRow.hash == named)).first()
        if row is None and not _is_reported(audit.broken, path):
            yield _unknown_decision(f"The manifest {path}", named)


def _is_reported(broken: Sequence[tuple[str | None, BrokenLink]], path: Path) -> bool:
    return any(str(path) in link.sentence for _, link in broken)


def _unknown_decision(place: str, named: object) -> BrokenLink:
    return BrokenLink(
        sentence=f"{place} rests on a decision ({str(named)[:12]}) that is not in the store: it was "
        "removed or changed."
    )
