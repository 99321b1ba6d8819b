"""The words of notices in each language, as data; `notice_texts.py` puts them together."""

from __future__ import annotations

from dataclasses import dataclass

from postflow.domain.announcements import Announcement, Language


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """Everything that a notice can say; `{…}` are filled in."""

    one: dict[Announcement, str]
    """The title where it is about one video."""
    many: dict[Announcement, str]
    """The title where it is about several of a batch."""
    policies: dict[str, str]
    causes: dict[str, str]
    units: tuple[tuple[int, str, str], ...]
    """Seconds of a unit, its singular and its plural; the longest first."""
    quote: str
    says: str
    waits: str
    until: str
    held: str
    stuck: str
    batch: str
    outcomes: dict[str, str]
    where: str
    and_more: str
    see: str
    silences: dict[str, str]
    """What looking into the webhooks' silence has found; `{time}` and `{reason}`."""
    heard: str


_ENGLISH = Words(
    one={
        Announcement.READY: "{name}: ready for review",
        Announcement.APPROVED: "{name}: approved",
        Announcement.REJECTED: "{name}: changes requested",
        Announcement.NEW_ROUND: "{name}: a new version to review",
        Announcement.REMINDER: "{name}: still waits for its reviewers",
        Announcement.ESCALATED: "{name}: waits too long for its reviewers",
        Announcement.TIMED_OUT: "{name}: nobody decided in time",
        Announcement.DELIVERED: "{name}: delivered",
        Announcement.RECALLED: "{name}: rejected after delivery",
        Announcement.HELD: "{name}: approved, but held",
        Announcement.FAILED: "{name}: failed",
        Announcement.STUCK: "{name}: its flow run cannot be brought back",
        Announcement.BATCH_DECIDED: "Batch {batch}: every video has its outcome",
        Announcement.WEBHOOK_SILENT: "Frame.io's webhook is silent",
        Announcement.WEBHOOK_BACK: "Frame.io's webhook is heard again",
    },
    many={
        Announcement.READY: "{count} videos ready for review",
        Announcement.APPROVED: "{count} videos approved",
        Announcement.REJECTED: "{count} videos: changes requested",
        Announcement.NEW_ROUND: "{count} videos: new versions to review",
        Announcement.REMINDER: "{count} videos still wait for their reviewers",
        Announcement.ESCALATED: "{count} videos wait too long for their reviewers",
        Announcement.TIMED_OUT: "{count} videos: nobody decided in time",
        Announcement.DELIVERED: "{count} videos delivered",
        Announcement.RECALLED: "{count} videos rejected after delivery",
        Announcement.HELD: "{count} videos approved, but held",
        Announcement.FAILED: "{count} videos failed",
        Announcement.STUCK: "{count} videos: their flow runs cannot be brought back",
        Announcement.BATCH_DECIDED: "Batch {batch}: every video has its outcome",
    },
    policies={
        "fail": "the flow run ends as failed",
        "reject": "it counts as rejected",
        "keep_waiting": "the review goes on",
        "approve": "it counts as approved and is delivered",
    },
    causes={
        "not-ready": "not ready on Frame.io after {minutes} minutes; look at it there, and run it "
        "again",
        "deleted": "deleted on Frame.io; run it again to upload it anew",
        "deleted-after-delivery": "deleted on Frame.io after its delivery",
    },
    units=((86_400, "day", "days"), (3_600, "hour", "hours"), (60, "minute", "minutes")),
    quote="“{text}”",
    says="{who}: {text}",
    waits="for {time} now",
    until="until {deadline}",
    held="{setter} set the Status to approved {time} after asking for a change; approve it by hand "
    "to release it, or reject it",
    stuck="{reason}",
    batch="Batch {batch}",
    outcomes={
        "approved": "approved: {}",
        "rejected": "rejected: {}",
        "pending": "without verdict: {}",
    },
    where="(upload {upload}, version {version})",
    and_more="and {count} more",
    see="`postflow status` lists them.",
    silences={
        "works": "Nothing came for {time} though reviews are open. A test delivery arrived and the "
        "webhook is right, so probably nobody has said anything.",
        "repaired": "Nothing came for {time} though reviews are open. The webhook was wrong and is "
        "repaired: {reason}",
        "broken": "Nothing came for {time} though reviews are open: {reason} PostFlow polls "
        "meanwhile; `postflow doctor` says more.",
    },
    heard="An event came again after {time}.",
)

_FRENCH = Words(
    one={
        Announcement.READY: "{name} : prête à être validée",
        Announcement.APPROVED: "{name} : validée",
        Announcement.REJECTED: "{name} : modifications demandées",
        Announcement.NEW_ROUND: "{name} : nouvelle version à valider",
        Announcement.REMINDER: "{name} : toujours en attente de validation",
        Announcement.ESCALATED: "{name} : en attente de validation depuis trop longtemps",
        Announcement.TIMED_OUT: "{name} : personne n’a tranché à temps",
        Announcement.DELIVERED: "{name} : livrée",
        Announcement.RECALLED: "{name} : refusée après livraison",
        Announcement.HELD: "{name} : validée, mais retenue",
        Announcement.FAILED: "{name} : échec",
        Announcement.STUCK: "{name} : son flow run ne peut pas être relancé",
        Announcement.BATCH_DECIDED: "Lot {batch} : chaque vidéo a son résultat",
        Announcement.WEBHOOK_SILENT: "Le webhook de Frame.io se tait",
        Announcement.WEBHOOK_BACK: "Le webhook de Frame.io se fait entendre à nouveau",
    },
    many={
        Announcement.READY: "{count} vidéos prêtes à être validées",
        Announcement.APPROVED: "{count} vidéos validées",
        Announcement.REJECTED: "{count} vidéos : modifications demandées",
        Announcement.NEW_ROUND: "{count} vidéos : nouvelles versions à valider",
        Announcement.REMINDER: "{count} vidéos toujours en attente de validation",
        Announcement.ESCALATED: "{count} vidéos en attente de validation depuis trop longtemps",
        Announcement.TIMED_OUT: "{count} vidéos : personne n’a tranché à temps",
        Announcement.DELIVERED: "{count} vidéos livrées",
        Announcement.RECALLED: "{count} vidéos refusées après livraison",
        Announcement.HELD: "{count} vidéos validées, mais retenues",
        Announcement.FAILED: "{count} vidéos en échec",
        Announcement.STUCK: "{count} vidéos : leurs flow runs ne peuvent pas être relancés",
        Announcement.BATCH_DECIDED: "Lot {batch} : chaque vidéo a son résultat",
    },
    policies={
        "fail": "le flow run se termine en échec",
        "reject": "la vidéo compte comme refusée",
        "keep_waiting": "la validation continue",
        "approve": "la vidéo compte comme validée et est livrée",
    },
    causes={
        "not-ready": "pas prête sur Frame.io après {minutes} minutes ; regardez-la là-bas, puis "
        "relancez-la",
        "deleted": "supprimée sur Frame.io ; relancez-la pour l’envoyer à nouveau",
        "deleted-after-delivery": "supprimée sur Frame.io après sa livraison",
    },
    units=((86_400, "jour", "jours"), (3_600, "heure", "heures"), (60, "minute", "minutes")),
    quote="« {text} »",
    says="{who} : {text}",
    waits="depuis {time}",
    until="jusqu’au {deadline}",
    held="{setter} a mis le Status sur validé {time} après avoir demandé une modification ; validez "
    "à la main pour livrer, ou refusez",
    stuck="regardez-le dans Prefect, puis relancez la vidéo ({reason})",
    batch="Lot {batch}",
    outcomes={
        "approved": "validées : {}",
        "rejected": "refusées : {}",
        "pending": "sans verdict : {}",
    },
    where="(upload {upload}, version {version})",
    and_more="et {count} de plus",
    see="`postflow status` en donne la liste.",
    silences={
        "works": "Rien n’est arrivé pendant {time} alors que des validations sont ouvertes. Un appel "
        "d’essai est arrivé et le webhook est correct : personne n’a sans doute rien dit.",
        "repaired": "Rien n’est arrivé pendant {time} alors que des validations sont ouvertes. Le "
        "webhook était incorrect, il est réparé : {reason}",
        "broken": "Rien n’est arrivé pendant {time} alors que des validations sont ouvertes : "
        "{reason} PostFlow relit Frame.io en attendant ; `postflow doctor` en dit plus.",
    },
    heard="Un événement est de nouveau arrivé après {time}.",
)

WORDS = {Language.EN: _ENGLISH, Language.FR: _FRENCH}
