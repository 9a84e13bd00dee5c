"""What a question asks for, from its text alone: how many, how large, whether, more or fewer, or anything else.

The patterns cover RSVQA's templates and common ways to ask the same; a question that fits none is open, or a yes/no
question where it begins with a verb. Nothing here looks at an image or an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from swath.errors import InputError

Kind = Literal["count", "area", "whether", "more", "fewer", "equal", "open"]
"""``count`` and ``area`` are answered by a number, ``whether`` to ``equal`` by yes or no, ``open`` by words."""

LONGEST = 2000
"""Characters of the longest question that is taken."""

_PLACE = re.compile(r"\s+(?:in|on|within) (?:the|this) (?:image|picture|photo|scene|area)$")
_ARTICLE = re.compile(r"^(?:a|an|the|any|some)\s+")
_ENDING = re.compile(r"\s+(?:are there|is there|are present|are visible|can be seen|do you see|can you see)$")
_SAYS_LESS = r"(?:less|fewer|smaller|lower)"
_SAYS_MORE = r"(?:more|greater|larger|higher|bigger)"
_NUMBER = r"(?:the )?(?:number|amount)s? of"

_COUNT = re.compile(rf"^(?:how many|what is {_NUMBER}|count(?: the)?|give {_NUMBER})(?:\s+(?P<a>.+))?$")
_AREA = re.compile(r"^what is the (?:total )?(?:area|surface) (?:covered by|of|taken by)\s+(?P<a>.+)$")
_COMPARISONS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(rf"^(?:are|is) there {_SAYS_MORE} (?P<a>.+?) than (?P<b>.+)$"), "more"),
    (re.compile(rf"^(?:are|is) there {_SAYS_LESS} (?P<a>.+?) than (?P<b>.+)$"), "fewer"),
    (re.compile(rf"^(?:is|are) {_NUMBER} (?P<a>.+?) {_SAYS_MORE} than (?:{_NUMBER} )?(?P<b>.+)$"), "more"),
    (re.compile(rf"^(?:is|are) {_NUMBER} (?P<a>.+?) {_SAYS_LESS} than (?:{_NUMBER} )?(?P<b>.+)$"), "fewer"),
    (
        re.compile(rf"^(?:is|are) {_NUMBER} (?P<a>.+?) (?:equal to|the same as|as large as) (?:{_NUMBER} )?(?P<b>.+)$"),
        "equal",
    ),
)
_PRESENCE = (
    re.compile(r"^(?:is|are) there (?P<a>.+)$"),
    re.compile(r"^(?:is|are) (?P<a>.+?) (?:present|visible)(?P<rest>.*)$"),
    re.compile(r"^(?:do|does|can) (?:you|we|the image) (?:see|show|contain)\s+(?P<a>.+)$"),
)
_VERB = re.compile(r"^(?:is|are|was|were|do|does|did|can|could|has|have|will)\b")
_CHOICE = re.compile(r"\bor\b")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question taken apart.

    Attributes:
        kind: what is asked for.
        subject: what it is asked about: the things counted, looked for or compared; of an open question all of it.
        other: what `subject` is compared with; empty where nothing is.
    """

    kind: Kind
    subject: str
    other: str = ""


def parse(question: str) -> Asked:
    """Take a question apart.

    Raises:
        InputError: the question is empty, no text, or longer than `LONGEST` characters.
    """
    text = plain(question)
    for pattern, kind in _COMPARISONS:
        if found := pattern.match(text):
            return Asked(kind, _things(found["a"]), _things(found["b"]))
    if found := _COUNT.match(text):
        return Asked("count", _things(found["a"] or "things"))
    if found := _AREA.match(text):
        return Asked("area", _things(found["a"]))
    if _CHOICE.search(text) is None:
        for pattern in _PRESENCE:
            if found := pattern.match(text):
                rest = found.groupdict().get("rest") or ""
                return Asked("whether", _things(found["a"] + rest))
        if _VERB.match(text):
            return Asked("whether", text)
    return Asked("open", text)


def plain(question: str) -> str:
    """The question in lower case, with single spaces, without its question mark and "in the image".

    Raises:
        InputError: as `parse`.
    """
    if not isinstance(question, str) or not question.strip():
        raise InputError(f"the question is empty ({question!r}); ask something, such as 'how many ships are there?'")
    if len(question) > LONGEST:
        raise InputError(f"the question has {len(question)} characters, at most {LONGEST} are taken; ask a shorter one")
    text = " ".join(question.lower().split()).rstrip("?!. ")
    return _PLACE.sub("", text) or text or question.strip()


def _things(text: str) -> str:
    """The bare name of things: no article in front, no "are there" behind."""
    return _ARTICLE.sub("", _PLACE.sub("", _ENDING.sub("", text.strip()))) or text.strip()
