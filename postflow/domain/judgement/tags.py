"""What a word or phrase can be to a reader, as bits, so that testing is one operation."""

from __future__ import annotations

SECTIONS = (
    "approve",
    "okay",
    "praise",
    "mention",
    "refuse",
    "no_word",
    "dislike",
    "retract",
    "fault",
    "defect_phrase",
    "change",
    "changed",
    "changing",
    "more_less",
    "must",
    "want",
    "ask",
    "deliver",
    "part",
    "whole",
    "other",
    "third",
    "neg",
    "nothing",
    "nothing_wrong",
    "no_trouble",
    "contrast",
    "condition",
    "question_word",
    "optional",
    "wait",
    "time",
    "unsure",
    "fixed",
    "editor",
    "ack",
    "wip_praise",
    "report",
    "past",
    "injection",
    "change_weak",
    "soft_fault",
    "file",
    "get",
    "approve_verb",
    "positive_emoji",
    "negative_emoji",
    "neutral",
    "except",
    "proposal",
    "regret",
    "naming",
)
"""The lexicon's sections; a tag is the bit of its position."""

BIT = {name: 1 << position for position, name in enumerate(SECTIONS)}

APPROVE = BIT["approve"]
OKAY = BIT["okay"]
PRAISE = BIT["praise"]
MENTION = BIT["mention"]
REFUSE = BIT["refuse"]
NO_WORD = BIT["no_word"]
DISLIKE = BIT["dislike"]
RETRACT = BIT["retract"]
FAULT = BIT["fault"]
DEFECT = BIT["defect_phrase"]
CHANGE = BIT["change"]
CHANGED = BIT["changed"]
CHANGING = BIT["changing"]
MORE_LESS = BIT["more_less"]
MUST = BIT["must"]
WANT = BIT["want"]
ASK = BIT["ask"]
DELIVER = BIT["deliver"]
PART = BIT["part"]
WHOLE = BIT["whole"]
OTHER = BIT["other"]
THIRD = BIT["third"]
NEG = BIT["neg"]
NOTHING = BIT["nothing"]
NOTHING_WRONG = BIT["nothing_wrong"]
NO_TROUBLE = BIT["no_trouble"]
CONTRAST = BIT["contrast"]
CONDITION = BIT["condition"]
QUESTION_WORD = BIT["question_word"]
OPTIONAL = BIT["optional"]
WAIT = BIT["wait"]
TIME = BIT["time"]
UNSURE = BIT["unsure"]
FIXED = BIT["fixed"]
EDITOR = BIT["editor"]
ACK = BIT["ack"]
WIP_PRAISE = BIT["wip_praise"]
REPORT = BIT["report"]
PAST = BIT["past"]
INJECTION = BIT["injection"]
CHANGE_WEAK = BIT["change_weak"]
SOFT_FAULT = BIT["soft_fault"]
FILE = BIT["file"]
GET = BIT["get"]
APPROVE_VERB = BIT["approve_verb"]
GOOD_EMOJI = BIT["positive_emoji"]
BAD_EMOJI = BIT["negative_emoji"]
EXCEPT = BIT["except"]
PROPOSAL = BIT["proposal"]
REGRET = BIT["regret"]
NAMING = BIT["naming"]
