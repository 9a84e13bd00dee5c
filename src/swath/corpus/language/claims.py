"""From a text to what it claims.

A text is cut into sentences and tokens, known phrases are marked (longest first), and neighbouring marks are read as
claims: a number before a thing is a count, a colour before a thing is its colour, a relation between two things relates
them. The same reading serves sources and texts, so that what is copied from a source is always found in it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from swath.corpus.language.lexicon import Lexicon, MarkKind, Meaning, lexicon, tokens_of

REACH = 4
"""How many tokens may stand between a number or colour and its thing."""

_LONGEST_NUMBER = 15
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_STOPS = frozenset((
    "is", "are", "was", "were", "be", "of", ",", ".", ";", ":", "!", "?", "(", ")", "who", "which", "that",
))  # fmt: skip
_BREAKS = frozenset((
    ",", ".", ";", ":", "!", "?", "(", ")",
))  # fmt: skip
_FILLERS = frozenset((
    "and", "the", "a", "an", "very", "quite", "of", "or",
))  # fmt: skip
# Behind these words another thing follows than the one that is related ("around a yard with trees").
_LINKS = frozenset(("with", "of", "in", "on", "by", "from", "to", "and"))
_COPULAS = frozenset((
    "is", "are", "was", "were", "look", "looks", "appear", "appears",
))  # fmt: skip
# "no gap that", "no place for": what follows these is not what is said to be absent.
_PAST_NEGATION = _STOPS | _LINKS | frozenset((
    "for", "at", "can", "but", "be",
))  # fmt: skip
_ARTICLES = frozenset(("a", "an", "the"))
# "the trees are green" has a predicate, "the parts are a green field" has not.
_NO_PREDICATE = _BREAKS | frozenset((
    "a", "an", "the", "some", "many", "several",
))  # fmt: skip
_NAME = re.compile(r"(?<![.!?;:\"'(] )(?<=\s)[A-Z][\w'-]*")
_AMBIGUOUS_TIMES = re.compile(r"\b(?:[Ii]n|[Oo]f|[Dd]uring|[Ll]ate|[Ee]arly|[Mm]id|\d{1,2}) (May|fall)\b|\b(May) \d")


@dataclass(frozen=True, slots=True)
class Count:
    """So many of a thing.

    Attributes:
        concept: the thing; empty where the text counts something that the lexicon does not know ("two sides").
        least: the least number meant.
        most: the largest number meant; 0 for no limit. An exact number has `least == most`.
        about: the words between the number and the thing ("big").
        phrase: the words as they stand.
    """

    concept: str
    least: int
    most: int
    about: frozenset[str]
    phrase: str
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with a unit, and the things named in its sentence."""

    value: float
    decimals: int
    unit: str
    near: frozenset[str]
    phrase: str


@dataclass(frozen=True, slots=True)
class Related:
    """`first` lies to `second` as `relation` says; `strict` is how a claim reads, else merely what it may support."""

    relation: str
    first: str
    second: str
    strict: bool
    phrase: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A position in the image, of the nearest thing named beside it (empty where none is)."""

    position: str
    concept: str
    phrase: str


@dataclass(slots=True)
class Claims:
    """What a text claims.

    Attributes:
        objects: concept -> the words that name it.
        absent: concept -> the words that name it, of things that the text says are not there.
        counts: numbers of things.
        measures: numbers with units.
        numbers: every number in the text, as a value.
        colours: (colour, concept); the concept is empty where the text does not say of what.
        relations: things related.
        positions: positions in the image.
        times, sensors, places: names of each kind.
    """

    objects: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    counts: list[Count] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    numbers: set[float] = field(default_factory=set)
    colours: set[tuple[str, str]] = field(default_factory=set)
    relations: list[Related] = field(default_factory=list)
    positions: list[Placed] = field(default_factory=list)
    times: set[str] = field(default_factory=set)
    sensors: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Mark:
    start: int
    end: int
    kind: MarkKind
    name: str
    value: float = 0.0


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, without the spaces around them."""
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


@lru_cache(maxsize=1 << 14)
def claims_of(text: str) -> Claims:
    """What a text claims; treat the result as read-only (it is remembered)."""
    found = Claims()
    for sentence in sentences_of(text):
        tokens = tokens_of(sentence)
        _read_sentence(tokens, _marks(tokens, lexicon()), found)
        found.places.update(_names(sentence))
        found.times.update(part.lower() for match in _AMBIGUOUS_TIMES.findall(sentence) for part in match if part)
    return found


def _marks(tokens: list[str], known: Lexicon) -> list[_Mark]:
    marks: list[_Mark] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token[0].isdecimal() and len(token) <= _LONGEST_NUMBER:
            marks.append(_Mark(at, at + 1, "number", token, float(token)))
            at += 1
            continue
        for length in range(min(known.longest, len(tokens) - at), 0, -1):
            meaning = known.find(tokens[at : at + length])
            if meaning is not None:
                marks.append(_Mark(at, at + length, meaning.kind, meaning.name, _value(known, meaning)))
                at += length
                break
        else:
            at += 1
    return _denied(tokens, _joined_numbers(marks))


def _value(known: Lexicon, meaning: Meaning) -> float:
    return float(known.numbers.get(meaning.name, 0)) if meaning.kind == "number" else 0.0


def _joined_numbers(marks: list[_Mark]) -> list[_Mark]:
    """Join number words that make one number: twenty five, two hundred, two dozen."""
    joined: list[_Mark] = []
    for mark in marks:
        last = joined[-1] if joined else None
        if last is not None and last.kind == mark.kind == "number" and last.end == mark.start:
            if mark.name in ("hundred", "dozen", "thousand", "million"):
                joined[-1] = _Mark(last.start, mark.end, "number", last.name, last.value * mark.value)
                continue
            if last.value >= 20 and last.value % 10 == 0 and mark.value < 10 and not mark.name[0].isdecimal():
                joined[-1] = _Mark(last.start, mark.end, "number", last.name, last.value + mark.value)
                continue
        joined.append(mark)
    return joined


def _denied(tokens: list[str], marks: list[_Mark]) -> list[_Mark]:
    """Marks with the things that a negation takes away as "absent": "no tall trees", "without trees or houses"."""
    found = list(marks)
    for place, mark in enumerate(marks):
        start, denied = mark.end, False
        for at in range(place + 1, len(marks) if mark.kind == "negation" else 0):
            after = marks[at]
            between = tokens[start : after.start]
            if len(between) > REACH or _PAST_NEGATION & set(between) or _ARTICLES & set(between[1:]):
                break
            if after.kind == "object" and (not denied or not between or {"or", "nor"} & set(between)):
                found[at] = replace(after, kind="absent")
                denied = True
            elif after.kind not in ("colour", "filler") or denied:
                break
            start = after.end
    return found


def _read_sentence(tokens: list[str], marks: list[_Mark], found: Claims) -> None:
    things = [mark for mark in marks if mark.kind == "object"]
    near = frozenset(mark.name for mark in things)
    known = lexicon().numbers
    for mark in things:
        found.objects.setdefault(mark.name, " ".join(tokens[mark.start : mark.end]))
    for place, mark in enumerate(marks):
        # Number words inside other phrases ("on two sides of") are numbers of the text, too.
        found.numbers.update(float(known[token]) for token in tokens[mark.start : mark.end] if token in known)
        match mark.kind:
            case "absent":
                found.absent.setdefault(mark.name, _words(tokens, mark))
            case "number":
                _read_number(tokens, marks, place, near, found)
            case "amount":
                _read_amount(tokens, marks, place, found)
            case "colour":
                found.colours.update((mark.name, thing) for thing in _coloured(tokens, marks, place))
            case "position":
                found.positions.append(Placed(mark.name, _beside(tokens, things, mark), _words(tokens, mark)))
            case "relation" | "weak relation":
                found.relations.extend(_related(tokens, things, mark))
            case "time":
                found.times.add(mark.name)
            case "sensor":
                found.sensors.add(mark.name)
            case "place":
                found.places.add(mark.name)
            case _:
                pass


def _read_number(tokens: list[str], marks: list[_Mark], place: int, near: frozenset[str], found: Claims) -> None:
    mark = marks[place]
    after = marks[place + 1] if place + 1 < len(marks) else None
    phrase = " ".join(tokens[mark.start : mark.end + REACH])
    found.numbers.add(mark.value)
    if after is not None and after.kind == "unit" and after.start <= mark.end:
        decimals = len(mark.name.partition(".")[2]) if mark.name[0].isdecimal() else 0
        found.measures.append(Measure(mark.value, decimals, after.name, near, phrase))
        return
    if mark.name[0].isdecimal() and mark.value.is_integer() and 1900 <= mark.value < 2100 and len(mark.name) == 4:
        found.times.add(mark.name)
        return
    if not mark.value.is_integer():
        found.measures.append(Measure(mark.value, len(mark.name.partition(".")[2]), "", near, phrase))
        return
    head = _ahead(tokens, marks, place)
    if head is None:
        # "one" is mostly a pronoun ("each one", "a small one").
        if mark.name != "one":
            found.counts.append(Count("", int(mark.value), int(mark.value), frozenset(), phrase))
        return
    between = frozenset(tokens[mark.end : head.start]) - _FILLERS
    found.counts.append(Count(head.name, int(mark.value), int(mark.value), between, _span(tokens, mark, head)))


def _read_amount(tokens: list[str], marks: list[_Mark], place: int, found: Claims) -> None:
    mark = marks[place]
    head = _ahead(tokens, marks, place)
    if head is None:
        return
    least, most = lexicon().amounts[mark.name]
    between = frozenset(tokens[mark.end : head.start]) - _FILLERS
    found.counts.append(Count(head.name, least, most, between, _span(tokens, mark, head), exact=False))


def _ahead(tokens: list[str], marks: list[_Mark], place: int) -> _Mark | None:
    """The thing that a number, amount or colour speaks of: the next thing within `REACH` tokens."""
    mark = marks[place]
    start = mark.end + (1 if mark.kind == "amount" and tokens[mark.end : mark.end + 1] == ["of"] else 0)
    for number in range(place + 1, len(marks)):
        after = marks[number]
        between = set(tokens[start : after.start])
        if after.start - start > REACH or between & _STOPS or (mark.kind == "colour" and between & _NO_PREDICATE):
            return None
        if after.kind in ("relation", "weak relation", "number", "amount", "unit", "negation", "absent"):
            return None
        if after.kind == "object":
            return _last_of_compound(marks, number)
    return None


def _last_of_compound(marks: list[_Mark], number: int) -> _Mark:
    """Of things named directly one after the other ("airport runways") the last one is meant."""
    while number + 1 < len(marks) and marks[number + 1].kind == "object":
        if marks[number + 1].start != marks[number].end:
            break
        number += 1
    return marks[number]


def _coloured(tokens: list[str], marks: list[_Mark], place: int) -> set[str]:
    """The thing that has a colour: the one before "is" or "are", or the one ahead; empty text where there is none.

    In a compound it may be the first or the last ("white roof houses", "white airport terminal"): both.
    """
    before = marks[place - 1] if place else None
    between = set(tokens[before.end : marks[place].start]) if before is not None else set()
    if before is not None and before.kind == "object" and between & _COPULAS and not between & _NO_PREDICATE:
        return {before.name}
    head = _ahead(tokens, marks, place)
    if head is None:
        return {""}
    first = next(mark for mark in marks[place + 1 :] if mark.kind == "object")
    return {first.name, head.name}


def _beside(tokens: list[str], things: list[_Mark], mark: _Mark) -> str:
    """The thing nearest to a mark in its part of the sentence, before it if possible; empty where there is none."""
    start, end = _clause(tokens, mark)
    before = [thing for thing in things if start <= thing.start < mark.start]
    after = [thing for thing in things if mark.end <= thing.start < end]
    return before[-1].name if before else after[0].name if after else ""


def _related(tokens: list[str], things: list[_Mark], mark: _Mark) -> Iterator[Related]:
    start, end = _clause(tokens, mark)
    before = [thing for thing in things if thing.start < mark.start]
    after = [thing for thing in things if thing.start >= mark.end]
    phrase = " ".join(tokens[max(start, mark.start - REACH) : min(end, mark.end + REACH)])
    strong = mark.kind == "relation"
    # Two things are related by what stands right between them; whatever else the sentence names may be meant, too.
    nearest = (before[-1], after[0]) if before and after else None
    if nearest is not None and strong and nearest[0].start >= start and nearest[1].start < end:
        between = {*tokens[nearest[0].end : mark.start], *tokens[mark.end : nearest[1].start]}
        if not between & _LINKS:
            yield Related(mark.name, nearest[0].name, nearest[1].name, True, phrase)
    firsts, seconds = (before, after) if before and after else (before or after, before or after)
    for first in firsts:
        for second in seconds:
            yield Related(mark.name, first.name, second.name, False, phrase)


def _clause(tokens: list[str], mark: _Mark) -> tuple[int, int]:
    """Where the part of a sentence between punctuation marks begins and ends that holds a mark."""
    start = next((at + 1 for at in range(mark.start - 1, -1, -1) if tokens[at] in _BREAKS), 0)
    end = next((at for at in range(mark.end, len(tokens)) if tokens[at] in _BREAKS), len(tokens))
    return start, end


def _names(sentence: str) -> Iterator[str]:
    """Capitalised words inside a sentence that the lexicon does not know as something else, in lower case."""
    for name in _NAME.findall(sentence):
        tokens = tokens_of(name.removesuffix("'s"))
        known = lexicon().find(tokens)
        if (known is None or known.kind == "place") and len(name) > 1:
            yield from (token for token in tokens if len(token) > 1 and token[0].isalpha())


def _words(tokens: list[str], mark: _Mark) -> str:
    return " ".join(tokens[mark.start : mark.end])


def _span(tokens: list[str], first: _Mark, last: _Mark) -> str:
    return " ".join(tokens[first.start : last.end])
