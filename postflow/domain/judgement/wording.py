"""How a rule is told to people, in English and French."""

from __future__ import annotations

from typing import Literal

from postflow.domain.judgement.verdicts import Rule, Verdict

Language = Literal["en", "fr"]

VERDICTS: dict[Language, dict[Verdict, str]] = {
    "en": {
        Verdict.APPROVED: "approved",
        Verdict.REJECTED: "rejected",
        Verdict.PENDING: "pending",
    },
    "fr": {
        Verdict.APPROVED: "approuvé",
        Verdict.REJECTED: "refusé",
        Verdict.PENDING: "en attente",
    },
}

RULES: dict[Language, dict[Rule, str]] = {
    "en": {
        Rule.SIGN_OFF: "signs off the whole video",
        Rule.NO_REMARKS: "has nothing to change",
        Rule.SHORT_VERDICT: "praises the whole, without any remark",
        Rule.EMOJI: "answers with emoji",
        Rule.REFUSAL: "refuses",
        Rule.NEGATED_SIGN_OFF: "does not approve",
        Rule.RETRACTION: "takes an approval back",
        Rule.REQUEST: "asks for a change",
        Rule.NEED: "says what is needed",
        Rule.FAULT: "points at a fault",
        Rule.DISLIKE: "does not like it",
        Rule.CONDITION: "approves only after a change",
        Rule.EXCEPTION: "approves all but something",
        Rule.THIRD_PARTY: "waits for somebody else's decision",
        Rule.QUESTION: "asks a question",
        Rule.UNCERTAIN: "is hearsay or imagined",
        Rule.OTHER_OBJECT: "is about something else",
        Rule.PARTIAL: "is about a part, not the whole",
        Rule.EDITOR_NEWS: "is news from the editing room",
        Rule.DETAIL_PRAISE: "praises a detail or work in progress",
        Rule.WAITING: "no decision yet",
        Rule.QUOTED: "only quotes a decision",
        Rule.SOLVED: "says that a fault is gone, nothing more",
        Rule.FILE: "is about a file or a link",
        Rule.NO_DECISION: "nothing that decides",
        Rule.INJECTION: "gives orders to whoever reads comments",
        Rule.UNREADABLE: "holds what cannot be read with certainty",
        Rule.MODEL: "resembles comments that were read this way",
        Rule.IN_DOUBT: "looks like a sign-off, not clearly enough",
    },
    "fr": {
        Rule.SIGN_OFF: "valide l'ensemble de la vidéo",
        Rule.NO_REMARKS: "ne demande rien",
        Rule.SHORT_VERDICT: "salue l'ensemble, sans remarque",
        Rule.EMOJI: "répond par emoji",
        Rule.REFUSAL: "refuse",
        Rule.NEGATED_SIGN_OFF: "n'approuve pas",
        Rule.RETRACTION: "retire une approbation",
        Rule.REQUEST: "demande une modification",
        Rule.NEED: "dit ce qu'il faut",
        Rule.FAULT: "signale un défaut",
        Rule.DISLIKE: "n'aime pas",
        Rule.CONDITION: "n'approuve qu'après une modification",
        Rule.EXCEPTION: "approuve tout sauf quelque chose",
        Rule.THIRD_PARTY: "attend la décision de quelqu'un d'autre",
        Rule.QUESTION: "pose une question",
        Rule.UNCERTAIN: "rapporte ou imagine seulement",
        Rule.OTHER_OBJECT: "parle d'autre chose",
        Rule.PARTIAL: "parle d'une partie, pas de l'ensemble",
        Rule.EDITOR_NEWS: "donne des nouvelles du montage",
        Rule.DETAIL_PRAISE: "salue un détail ou un travail en cours",
        Rule.WAITING: "pas encore de décision",
        Rule.QUOTED: "ne fait que citer une décision",
        Rule.SOLVED: "dit qu'un défaut a disparu, rien de plus",
        Rule.FILE: "parle d'un fichier ou d'un lien",
        Rule.NO_DECISION: "rien qui décide",
        Rule.INJECTION: "donne des ordres à qui lit les commentaires",
        Rule.UNREADABLE: "contient ce qui ne se lit pas avec certitude",
        Rule.MODEL: "ressemble à des commentaires lus ainsi",
        Rule.IN_DOUBT: "ressemble à une validation, pas assez nettement",
    },
}
