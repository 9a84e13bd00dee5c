"""What the facts of an image support, in the terms in which texts make claims."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache

from swath.corpus.counting import Settled, settle
from swath.corpus.facts import Fact, Facts, number_of, place_of, text_of
from swath.corpus.language import claims_of, lexicon
from swath.corpus.language.lexicon import tokens_of
from swath.corpus.seasons import MONTHS, parse_date, season
from swath.corpus.sentences import mend

_SYMMETRIC = frozenset({"near", "between", "far"})
_INVERSE = {
    "inside": "around",
    "around": "inside",
    "left": "right",
    "right": "left",
    "north": "south",
    "south": "north",
    "east": "west",
    "west": "east",
    "front": "behind",
    "behind": "front",
    "across": "under",
    "under": "across",
}
_TEXTS = ("statement", "caption", "class", "label", "tag", "place")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a unit that a fact gives; of the image as a whole where `subject` is empty."""

    value: float
    unit: str
    subject: str


@dataclass(slots=True)
class Evidence:
    """What may be said of an image.

    Attributes:
        objects: concepts that are there, with everything more general; `named`: those that are named themselves.
        absent: concepts that are said not to be there.
        settled: which counts hold.
        numbers: every number in the facts.
        quantities: numbers with units.
        colours: (colour, concept) as the facts pair them; with an empty concept, every colour named at all.
        relations: (relation, first, second), with what they imply.
        positions: position words said anywhere, and those of annotated things that the lexicon does not know.
        placed: concept -> positions that annotations give it; `within`: the same of everything more general.
        times, sensors: names that hold.
        words: every word of the facts' texts, lower case.
    """

    settled: Settled
    objects: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    numbers: set[float] = field(default_factory=set)
    quantities: list[Quantity] = field(default_factory=list)
    colours: set[tuple[str, str]] = field(default_factory=set)
    relations: set[tuple[str, str, str]] = field(default_factory=set)
    positions: set[str] = field(default_factory=set)
    placed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    within: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    times: set[str] = field(default_factory=set)
    sensors: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)


@lru_cache(maxsize=64)
def evidence_of(facts: Facts) -> Evidence:
    """Everything that the facts of one image support; treat it as read-only (it is remembered).

    Raises:
        DataError: a fact has a value of the wrong type.
    """
    found = Evidence(settle(facts))
    for fact in facts:
        if fact.kind in _TEXTS:
            _add_text(found, mend(text_of(fact)))
            if fact.subject:
                _add_text(found, f"{mend(fact.subject)} {mend(text_of(fact))}")
        elif fact.kind == "sensor":
            found.sensors |= claims_of(text_of(fact)).sensors
            found.words.update(tokens_of(text_of(fact)))
        elif fact.kind == "date":
            _add_date(found, fact, facts)
        elif fact.kind == "location":
            lon, lat = place_of(fact)
            found.quantities += [Quantity(abs(lat), "degree", ""), Quantity(abs(lon), "degree", "")]
            found.positions |= {"north" if lat >= 0 else "south", "east" if lon >= 0 else "west"}
        else:
            _add_annotation(found, fact)
    return found


@lru_cache(maxsize=1 << 15)
def related(relation: str, first: str, second: str) -> frozenset[tuple[str, str, str]]:
    """A relation with everything it implies, between two concepts and everything they are kinds of."""
    pending, named = [(relation, first, second)], set[tuple[str, str, str]]()
    while pending:
        entry = pending.pop()
        if entry in named:
            continue
        named.add(entry)
        name, one, other = entry
        pending += [(implied, one, other) for implied in lexicon().relations[name].implies]
        if name in _SYMMETRIC:
            pending.append((name, other, one))
        if name in _INVERSE:
            pending.append((_INVERSE[name], other, one))
    general = lexicon().general
    return frozenset((name, one, other) for name, a, b in named for one in general(a) for other in general(b))


def _add_text(found: Evidence, text: str) -> None:
    claims = claims_of(text)
    general = lexicon().general
    for concept in claims.objects:
        found.objects |= general(concept)
    found.named.update(claims.objects)
    found.absent.update(claims.absent)
    found.numbers |= claims.numbers
    found.quantities += [Quantity(item.value, item.unit, "") for item in claims.measures]
    for colour, concept in claims.colours:
        found.colours |= {(colour, ""), *((colour, name) for name in general(concept))}
    for item in claims.relations:
        found.relations |= related(item.relation, item.first, item.second)
    found.positions |= {item.position for item in claims.positions}
    found.times |= claims.times
    found.sensors |= claims.sensors
    found.words.update(tokens_of(text))


def _add_date(found: Evidence, fact: Fact, facts: Facts) -> None:
    date = parse_date(text_of(fact), f"{facts.name}, {fact.source}")
    found.times |= {MONTHS[date.month - 1].lower(), str(date.year)}
    found.words.add(MONTHS[date.month - 1].lower())  # "May" alone reads as a name
    found.numbers |= {float(date.day), float(date.month), float(date.year)}
    for place in facts.of("location"):
        name = season(date, place_of(place)[1])
        if name is not None:
            found.times.add(name)


def _add_annotation(found: Evidence, fact: Fact) -> None:
    """A fact from boxes, masks or records: its subject is there, and its number or position holds."""
    known = lexicon()
    concepts = set(claims_of(fact.subject).objects) | ({fact.subject.lower()} if fact.subject else set())
    found.words.update(tokens_of(fact.subject))
    if fact.kind in ("count", "share") and number_of(fact) == 0:
        found.absent |= concepts
    else:
        found.named |= concepts
        for concept in concepts:
            found.objects |= known.general(concept)
    for colour, concept in claims_of(fact.subject).colours:
        found.colours |= {(colour, ""), (colour, concept)}
    match fact.kind:
        case "position":
            names = {item.position for item in claims_of(f"it is in the {text_of(fact)}").positions}
            if not claims_of(fact.subject).objects:
                found.positions |= names
            for concept in concepts:
                found.placed[concept] |= names
                for general in known.general(concept):
                    found.within[general] |= names
        case "length" | "width":
            found.quantities += [Quantity(number_of(fact), "m", concept) for concept in concepts]
        case "area":
            found.quantities += [Quantity(number_of(fact), "ha", concept) for concept in concepts]
        case "share":
            found.quantities += [Quantity(100 * number_of(fact), "%", concept) for concept in concepts]
        case "gsd":
            found.quantities.append(Quantity(number_of(fact), "m", ""))
        case _:
            found.numbers.add(number_of(fact))
