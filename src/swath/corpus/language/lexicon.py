"""The words that claims are made of, read from the package: things by concept, and words by what they say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

MarkKind = Literal[
    "object",
    "colour",
    "number",
    "amount",
    "unit",
    "relation",
    "weak relation",
    "position",
    "time",
    "sensor",
    "place",
    "negation",
    "absent",
    "filler",
]

Phrase = tuple[str, ...]

_TOKEN = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)?|[^\w\s]")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_PLURALS = {"people": "people", "men": "man", "women": "woman", "children": "child", "feet": "foot", "buses": "bus"}


def tokens_of(text: str) -> list[str]:
    """Lower-case words, numbers and punctuation marks; hyphens part words, so that "high-rise" equals "high rise"."""
    plain = _THOUSANDS.sub("", text.lower()).replace("-", " ")
    return _TOKEN.findall(plain)


def singular(word: str) -> str:
    """The singular of an English noun, by its ending; words that are no plural mostly stay as they are."""
    if word in _PLURALS:
        return _PLURALS[word]
    if len(word) <= 3 or word.endswith(("ss", "us", "is")) or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("ches", "shes", "xes", "sses")) else word[:-1]


def is_plural(phrase: str) -> bool:
    """Whether a noun phrase is a plural, by the ending of its last word."""
    last = phrase.rpartition(" ")[2].lower()
    return last in _PLURALS or singular(last) != last


def plural(phrase: str) -> str:
    """The plural of an English noun phrase: its last word with the right ending; mass nouns stay."""
    head, _, last = phrase.rpartition(" ")
    if last in _UNCOUNTABLE or last in _PLURALS:
        return phrase
    if last.endswith(("ch", "sh", "x", "ss", "s")):
        ending = last + "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        ending = last[:-1] + "ies"
    else:
        ending = last + "s"
    return f"{head} {ending}".strip()


_UNCOUNTABLE = frozenset((
    "land", "farmland", "grass", "sand", "water", "soil", "snow", "ice", "vegetation", "chaparral", "foam", "wheat",
    "rice", "corn", "rubble", "pasture", "people", "turf", "grassland", "woodland", "cropland", "bareland", "smoke",
    "fog", "pavement", "dirt", "aircraft",
))  # fmt: skip


def is_mass(phrase: str) -> bool:
    """Whether a noun phrase takes neither article nor plural ("farmland", "bare land")."""
    return phrase.rpartition(" ")[2] in _UNCOUNTABLE


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a word or phrase of the lexicon stands for.

    Attributes:
        kind: what sort of claim it makes.
        name: the meaning's name: a concept, a colour, a relation.
    """

    kind: MarkKind
    name: str


@dataclass(frozen=True, slots=True)
class Relation:
    """How two things lie to each other.

    Attributes:
        name: the relation's name.
        implies: relations that are then true, too.
    """

    name: str
    implies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Everything that is known of words.

    Attributes:
        phrases: tokens (the last one singular) -> meaning.
        longest: number of tokens of the longest phrase.
        parents: concept -> more general concepts, direct ones.
        lines: concept -> itself and everything it is a kind of.
        relations: relation by name.
        numbers: number word -> value.
        amounts: vague amount -> (least, most) things it can mean; most 0 is without limit.
    """

    phrases: Mapping[Phrase, Meaning]
    longest: int
    parents: Mapping[str, tuple[str, ...]]
    lines: Mapping[str, frozenset[str]]
    relations: Mapping[str, Relation]
    numbers: Mapping[str, int]
    amounts: Mapping[str, tuple[int, int]]

    def general(self, concept: str) -> frozenset[str]:
        """A concept and everything it is a kind of ("ferry": ferry, ship, vehicle)."""
        return self.lines.get(concept) or frozenset({concept})

    def concept(self, phrase: str) -> str | None:
        """The concept that a whole phrase names, in singular or plural; None where it names none."""
        meaning = self.find(tokens_of(phrase))
        return meaning.name if meaning is not None and meaning.kind == "object" else None

    def find(self, tokens: Sequence[str]) -> Meaning | None:
        """The meaning of exactly these tokens; the last one may be a plural."""
        if not tokens:
            return None
        direct = self.phrases.get(tuple(tokens))
        return direct if direct is not None else self.phrases.get((*tokens[:-1], singular(tokens[-1])))


@cache
def lexicon() -> Lexicon:
    """The package's lexicon."""
    phrases: dict[Phrase, Meaning] = {}
    table = tomllib.loads(_read("attributes.toml"))
    parents = _add_objects(phrases)
    for word in table["numbers"]:
        _add(phrases, word, Meaning("number", word))
    for word in table["amounts"]:
        _add(phrases, word, Meaning("amount", word))
    for key, kind in _LISTS.items():
        for names in table[key]["names"]:
            for word in names:
                _add(phrases, word, Meaning(kind, names[0]))
    for name in table["places"]["names"]:
        _add(phrases, name, Meaning("place", name))
    relations = {}
    for name, entry in table["relations"].items():
        relations[name] = Relation(name, tuple(entry["implies"]))
        for kind, key in _STRENGTHS.items():
            for phrase in entry.get(key, ()):
                _add(phrases, phrase, Meaning(kind, name))
    lines = {concept: _line(concept, parents) for concept in parents}
    amounts = {word: (int(least), int(most)) for word, (least, most) in table["amounts"].items()}
    return Lexicon(phrases, max(map(len, phrases)), parents, lines, relations, table["numbers"], amounts)


_LISTS: dict[str, MarkKind] = {
    "colours": "colour",
    "units": "unit",
    "positions": "position",
    "times": "time",
    "sensors": "sensor",
    "negations": "negation",
    "fillers": "filler",
}
_STRENGTHS: dict[MarkKind, str] = {"relation": "of", "weak relation": "weak"}


def _add_objects(phrases: dict[Phrase, Meaning]) -> dict[str, tuple[str, ...]]:
    """Add the things; returns concept -> its direct parents."""
    parents = {}
    for line in _read("objects.txt").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        concept, others, above = (part.strip() for part in line.split("|"))
        parents[concept] = tuple(name.strip() for name in above.split(",") if name.strip())
        for word in (concept, *(other.strip() for other in others.split(","))):
            if word:
                _add(phrases, word, Meaning("object", concept))
    return parents


def _line(concept: str, parents: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    found, pending = set[str](), [concept]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(parents.get(name, ()))
    return frozenset(found)


def _add(phrases: dict[Phrase, Meaning], words: str, meaning: Meaning) -> None:
    tokens = tokens_of(words)
    phrases.setdefault(tuple(tokens), meaning)
    phrases.setdefault((*tokens[:-1], singular(tokens[-1])), meaning)


def _read(name: str) -> str:
    return resources.files("swath.corpus.language").joinpath(name).read_text(encoding="utf-8")
