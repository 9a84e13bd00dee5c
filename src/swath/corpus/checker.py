"""Facts must survive: every claim of a text is held against the facts, and what they do not support is a finding.

The checker knows only what its lexicon knows: things, colours, relations, positions, times and sensors named by other
words pass unseen; `benchmarks/corpus_long.py` measures how often. It errs on the side of rejecting: a rejected text is
written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from swath.corpus.evidence import Evidence, evidence_of
from swath.corpus.facts import Facts
from swath.corpus.language import Claims, claims_of, lexicon
from swath.corpus.language.claims import Measure, sentences_of
from swath.data.words import normalised

Reason = Literal[
    "object", "count", "number", "colour", "relation", "position", "place", "time", "sensor", "repeat", "wording"
]

_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a text that the facts do not support.

    Attributes:
        reason: what kind of claim it is; ``wording`` is for rules of a caller.
        phrase: the words at fault.
    """

    reason: Reason
    phrase: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.phrase!r}"


Rule = Callable[[str, Facts], Sequence[Finding]]
"""A further rule: a text and the facts in, findings out. SAR captions add one that refuses colours, for example."""

_Check = Callable[[Claims, Evidence], Iterator[Finding]]


class Checker:
    """Holds texts against facts.

    Args:
        rules: further rules, applied after the checker's own.
    """

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = tuple(rules)

    def check(self, text: str, facts: Facts) -> tuple[Finding, ...]:
        """Everything in `text` that `facts` do not support, without repetition; empty for a faithful text.

        Raises:
            DataError: a fact has a value of the wrong type.
        """
        claims, evidence = claims_of(text), evidence_of(facts)
        found = [finding for check in _CHECKS for finding in check(claims, evidence)]
        found += _repeats(text)
        for rule in self._rules:
            found += rule(text, facts)
        return tuple(dict.fromkeys(found))


def _objects(claims: Claims, evidence: Evidence) -> Iterator[Finding]:
    for concept, phrase in claims.objects.items():
        if concept not in evidence.objects:
            yield Finding("object", phrase)
    for concept, phrase in claims.absent.items():
        # What one caption misses and another one sees may be there.
        if concept in evidence.named or not lexicon().general(concept) & evidence.absent:
            yield Finding("object", f"no {phrase}")


def _counts(claims: Claims, evidence: Evidence) -> Iterator[Finding]:
    for count in claims.counts:
        if not count.concept:
            if count.least not in evidence.numbers:
                yield Finding("number", count.phrase)
        elif count.concept in evidence.objects and not evidence.settled.holds(count):
            yield Finding("count", count.phrase)


def _measures(claims: Claims, evidence: Evidence) -> Iterator[Finding]:
    for measure in claims.measures:
        if not any(_equals(measure, item.value, item.unit, item.subject) for item in evidence.quantities):
            yield Finding("number", measure.phrase)


def _equals(measure: Measure, value: float, unit: str, subject: str) -> bool:
    """Whether a fact's number, rounded as the text writes it, is the text's, and of a thing that its sentence names."""
    half = 0.5 * 10.0**-measure.decimals
    named = not subject or subject in measure.near or subject not in lexicon().parents
    return named and unit == measure.unit and abs(value - measure.value) <= half + _TOLERANCE


def _colours(claims: Claims, evidence: Evidence) -> Iterator[Finding]:
    for colour, concept in sorted(claims.colours):
        if (colour, concept) not in evidence.colours:
            yield Finding("colour", f"{colour} {concept}".strip())


def _relations(claims: Claims, evidence: Evidence) -> Iterator[Finding]:
    for item in claims.relations:
        if not item.strict or not {item.first, item.second} <= evidence.objects:
            continue
        if (item.relation, item.first, item.second) not in evidence.relations:
            yield Finding("relation", item.phrase)


def _positions(claims: Claims, evidence: Evidence) -> Iterator[Finding]:
    for item in claims.positions:
        if item.concept in evidence.placed:
            holds = item.position in evidence.placed[item.concept]
        else:
            within = evidence.within.values() if not item.concept else [evidence.within.get(item.concept, set())]
            holds = item.position in evidence.positions or any(item.position in names for names in within)
        if not holds:
            yield Finding("position", f"{item.concept} {item.phrase}".strip())


def _names(claims: Claims, evidence: Evidence) -> Iterator[Finding]:
    for place in sorted(claims.places):
        if place not in evidence.words:
            yield Finding("place", place)
    for time in sorted(claims.times - evidence.times):
        yield Finding("time", time)
    for sensor in sorted(claims.sensors - evidence.sensors):
        yield Finding("sensor", sensor)


_CHECKS: tuple[_Check, ...] = (_objects, _counts, _measures, _colours, _relations, _positions, _names)


def _repeats(text: str) -> Iterator[Finding]:
    seen = set[str]()
    for sentence in sentences_of(text):
        plain = normalised(sentence)
        if plain in seen:
            yield Finding("repeat", sentence)
        seen.add(plain)
