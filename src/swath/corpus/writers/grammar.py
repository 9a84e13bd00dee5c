"""The grammar writer: facts to paragraphs by rules, deterministic by seed, without a network.

It says what the facts say and nothing else: few facts make a short text. Captions are taken over sentence by sentence,
without near repeats; a number on which captions disagree is replaced by an amount that all of them allow, or its
sentence is left out; every sentence passes the checker before it is used.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from swath.corpus.checker import Checker, Finding
from swath.corpus.counting import Key, settle
from swath.corpus.facts import Fact, Facts, number_of, place_of, text_of
from swath.corpus.language import claims_of, lexicon
from swath.corpus.language.lexicon import is_mass, is_plural, plural, singular
from swath.corpus.seasons import MONTHS, degrees, parse_date, season
from swath.corpus.sentences import distinct, finish, mend
from swath.corpus.tokens import LONGEST_CONTEXT, token_count
from swath.corpus.writers.base import Sentence

MOST_TOKENS = LONGEST_CONTEXT - 8
"""Byte-pair tokens of a paragraph at most, start and end not counted."""

_THINGS = 7
"""Things that the overview names at most."""

_RELATED = 4
"""Colours and relations that are told apart at most."""

_BETWEEN = {
    "near": "near",
    "around": "around",
    "inside": "surrounded by",
    "front": "in front of",
    "behind": "behind",
    "under": "under",
}

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


_SIDES = {"left": "on", "right": "on", "top": "at", "bottom": "at"}
"""The preposition of a position; "in" of all others."""

_COARSE = 10.0
"""Metres from which a length is told in whole ones."""

_LARGE = 1000.0
"""Metres a pixel from which no digit of them is left out."""

_CONSONANTS = ("uni", "use", "eu", "one")
"""How words begin that are written with a vowel and spoken with a consonant."""


class GrammarWriter:
    """Writes paragraphs by rules.

    Args:
        seed: chooses among wordings; the same seed and facts give the same text.
        most_tokens: longest paragraph, in byte-pair tokens of CLIP.
    """

    name = "grammar"
    model = ""
    workers = 1

    def __init__(self, seed: int = 0, most_tokens: int = MOST_TOKENS) -> None:
        self._seed = seed
        self._most_tokens = most_tokens
        self._checker = Checker()

    @property
    def settings(self) -> dict[str, object]:
        """Everything the texts depend on beside the facts."""
        return {"writer": self.name, "seed": self._seed, "most_tokens": self._most_tokens}

    def write(self, facts: Facts, rejected: Sequence[Finding] = ()) -> tuple[Sentence, ...]:  # noqa: ARG002
        """A paragraph; empty where the facts say nothing. Findings change nothing: the rules know no other text."""
        rng = random.Random(f"{self._seed}:{facts.name}:{facts.id}")
        written: list[Sentence] = []
        length = 0
        for candidate in _candidates(facts, rng):
            tokens = token_count(candidate.text)
            if length + tokens > self._most_tokens or any(candidate.text == one.text for one in written):
                continue
            if not self._checker.check(candidate.text, facts):
                written.append(candidate)
                length += tokens
        while written and self._checker.check(" ".join(one.text for one in written), facts):
            written.pop()
        return tuple(written)


def _candidates(facts: Facts, rng: random.Random) -> Iterator[Sentence]:
    # What a single caption says needs no summary.
    several = len({text_of(fact) for fact in facts.of("statement", "caption")}) > 1
    before, after = ((_overview,), (_colours, _relations)) if several else ((), ())
    for part in (_opening, *before, _statements, _captions, *after, *_ANNOTATED, _circumstances):
        yield from part(facts, rng)


def _opening(facts: Facts, rng: random.Random) -> Iterator[Sentence]:
    for fact in facts.of("class"):
        name = text_of(fact)
        if lexicon().concept(name) is None:
            text = rng.choice(("The scene is classified as {}.", "The class of the scene is {}.")).format(name)
        else:
            shown = _with_article(name)
            text = rng.choice(
                ("The image shows {}.", "This is an image of {}.", "The scene shows {}.", "This view shows {}.")
            ).format(shown)
        yield Sentence(text, (fact.source,))


def _overview(facts: Facts, rng: random.Random) -> Iterator[Sentence]:
    """The things that captions name, those of most captions first; where they name at least three."""
    named: dict[str, list[Fact]] = {}
    phrases: dict[str, str] = {}
    for fact in facts.of("statement", "caption"):
        for concept, phrase in claims_of(text_of(fact)).objects.items():
            named.setdefault(concept, []).append(fact)
            phrases.setdefault(concept, phrase)
    concepts = sorted(named, key=lambda concept: -len({text_of(fact) for fact in named[concept]}))[:_THINGS]
    if len(concepts) >= 3:
        things = _listed([_with_article(phrases[concept]) for concept in concepts])
        sources = {fact.source: None for concept in concepts for fact in named[concept]}
        text = rng.choice(
            (
                "Its main elements are {}.",
                "It is made up of {}.",
                "One can make out {}.",
                "Among other things it holds {}.",
            )
        )
        yield Sentence(text.format(things), tuple(sources))


def _statements(facts: Facts, rng: random.Random) -> Iterator[Sentence]:
    for fact in facts.of("statement"):
        text = mend(f"{fact.subject} {text_of(fact)}" if fact.subject else text_of(fact))
        if text:
            yield Sentence(finish(text, rng), (fact.source,))


def _captions(facts: Facts, rng: random.Random) -> Iterator[Sentence]:
    """The captions that differ, in an order of their own; each names the captions that it stands for."""
    settled = settle(facts)
    sources: dict[str, list[str]] = {}
    for fact in facts.of("caption"):
        text = _softened(mend(text_of(fact)), settled.disputed)
        if text:
            sources.setdefault(text[0].upper() + text[1:], []).append(fact.source)
    texts = [text for text in sources if not Checker().check(text + ".", facts)]
    kept = [texts[index] for index in distinct(texts)]
    rng.shuffle(kept)
    for text in kept:
        yield Sentence(finish(text, rng), tuple(sources[text]))


def _softened(caption: str, disputed: Mapping[Key, frozenset[int]]) -> str:
    """A caption with every disputed number replaced by an amount that all captions allow; empty where there is none."""
    for count in claims_of(caption).counts:
        said = disputed.get((count.concept, count.about))
        if not count.exact or said is None:
            continue
        if min(said) < 2:
            return ""
        amount = "several" if min(said) >= 3 else "some"
        first = count.phrase.split()[0]
        caption = _replace_word(caption, first, amount)
    return caption


def _replace_word(text: str, word: str, by: str) -> str:
    words = text.split(" ")
    return " ".join(by if part.lower() == word else part for part in words)


def _colours(facts: Facts, rng: random.Random) -> Iterator[Sentence]:  # noqa: ARG001 - one signature for all
    """Which thing has which colours, in one sentence, as the captions say in passing."""
    colours: dict[str, dict[str, None]] = {}
    phrases: dict[str, str] = {}
    sources: dict[str, None] = {}
    for fact in facts.of("statement", "caption"):
        text = text_of(fact).lower()
        claims = claims_of(text_of(fact))
        for colour, concept in sorted(claims.colours):
            # Only a colour right before its thing is surely that thing's, and "blue-green" is neither blue nor green.
            if concept and f" {colour} {claims.objects[concept]}" in f" {text}":
                colours.setdefault(concept, {})[colour] = None
                phrases.setdefault(concept, claims.objects[concept])
                sources[fact.source] = None
    told = [
        f"the {phrases[concept]} {_be(phrases[concept])} {' and '.join(found)}"
        for concept, found in colours.items()
        if len(found) <= 2
    ][:_RELATED]
    if told:
        yield _sentence(_listed(told) + ".", tuple(sources))


def _relations(facts: Facts, rng: random.Random) -> Iterator[Sentence]:  # noqa: ARG001 - one signature for all
    """How the things that captions name lie to each other, each relation once."""
    told: dict[tuple[str, frozenset[str]], Sentence] = {}
    for fact in facts.of("statement", "caption"):
        claims = claims_of(text_of(fact))
        for item in claims.relations:
            between = _BETWEEN.get(item.relation)
            key = (item.relation, frozenset((item.first, item.second)))
            if between is None or not item.strict or key in told or item.first == item.second:
                continue
            first, second = claims.objects[item.first], claims.objects[item.second]
            told[key] = _sentence(f"the {first} {_be(first)} {between} the {second}.", (fact.source,))
    yield from list(told.values())[:_RELATED]


def _counts(facts: Facts, rng: random.Random) -> Iterator[Sentence]:
    for fact in facts.of("count"):
        number = int(number_of(fact))
        if number == 0:
            continue
        told = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
        thing = _one(fact.subject) if number == 1 else _many(fact.subject)
        be = "is" if number == 1 else "are"
        text = rng.choice(
            ("there {be} {told} {thing}.", "{told} {thing} can be counted.", "in all, {told} {thing} {be} visible.")
        )
        yield _sentence(text.format(be=be, told=told, thing=thing), (fact.source,))


def _positions(facts: Facts, rng: random.Random) -> Iterator[Sentence]:
    ordered = sorted(facts.of("position"), key=lambda fact: fact.subject)
    for subject, group in groupby(ordered, key=lambda fact: fact.subject):
        found = list(group)
        places = list(dict.fromkeys(text_of(fact) for fact in found))[:4]
        sources = tuple(fact.source for fact in found if fact.value in places)
        where = _listed([f"{_SIDES.get(place, 'in')} the {place}" for place in places])
        if len(found) == 1:
            text = rng.choice(("{} lies {}.", "{} can be seen {}.")).format(_with_article(_one(subject)), where)
        else:
            text = rng.choice(("{} lie {}.", "{} can be seen {}.")).format(_many(subject), where)
        yield _sentence(text, sources)


def _lengths(facts: Facts, rng: random.Random) -> Iterator[Sentence]:
    """The longest thing of each kind; it is called so only where all of its kind have been counted and measured."""
    counts = {fact.subject: number_of(fact) for fact in facts.of("count")}
    ordered = sorted(facts.of("length"), key=lambda fact: (fact.subject, -number_of(fact)))
    for subject, group in groupby(ordered, key=lambda fact: fact.subject):
        found = list(group)
        length, thing = number_of(found[0]), _one(subject)
        if counts.get(subject) != len(found):
            which = _with_article(thing)
        else:
            which = f"the {thing}" if len(found) == 1 else f"the longest {thing}"
        metres = f"{length:.0f}" if length >= _COARSE else f"{length:.1f}"
        yield _sentence(f"{which} is {rng.choice(('about', 'roughly'))} {metres} metres long.", (found[0].source,))


def _shares(facts: Facts, rng: random.Random) -> Iterator[Sentence]:
    for fact in sorted(facts.of("share"), key=lambda fact: (-number_of(fact), fact.subject)):
        percent = 100 * number_of(fact)
        if percent >= 1:
            many = is_plural(fact.subject) or " and " in fact.subject
            verb = rng.choice(("cover", "take up") if many else ("covers", "takes up"))
            yield _sentence(f"{fact.subject} {verb} about {percent:.0f} percent of the image.", (fact.source,))


def _labels(facts: Facts, rng: random.Random) -> Iterator[Sentence]:
    found = facts.of("label")
    if found:
        its = "Its labels are {}." if len(found) > 1 else "Its label is {}."
        text = rng.choice(("The image is labelled with {}.", its))
        yield _sentence(text.format(_listed([text_of(fact) for fact in found])), tuple(fact.source for fact in found))


def _tags(facts: Facts, rng: random.Random) -> Iterator[Sentence]:  # noqa: ARG001 - one signature for all
    for fact in facts.of("tag"):
        key, value = mend(fact.subject).replace("_", " "), mend(text_of(fact)).replace("_", " ")
        if key and value:
            yield _sentence(f"the map gives {key}: {value}.", (fact.source,))
    for fact in facts.of("place"):
        yield _sentence(f"the place is {mend(text_of(fact))}.", (fact.source,))


def _circumstances(facts: Facts, rng: random.Random) -> Iterator[Sentence]:
    """Sensor, date, size of a pixel and coordinates."""
    sensors, dates, places = facts.of("sensor"), facts.of("date"), facts.of("location")
    moments = [parse_date(text_of(fact), f"{facts.name}, {fact.source}") for fact in dates]
    when = [f"in {MONTHS[moment.month - 1]} {moment.year}" for moment in moments[:1]]
    for moment, place in list(zip(moments, places, strict=False))[:1]:
        name = season(moment, place_of(place)[1])
        when += [f"in {name}"] if name else []
    if sensors:
        text = rng.choice(("The scene was imaged by {}", "It was taken by {}")).format(text_of(sensors[0]))
        yield _sentence(", ".join([text, *when]) + ".", _sources(sensors[:1], dates[:1]))
    elif when:
        yield _sentence(f"the image was taken {', '.join(when)}.", _sources(dates[:1], places[:1]))
    for fact in facts.of("gsd"):
        metres = f"{number_of(fact):.4g}" if number_of(fact) < _LARGE else f"{number_of(fact):.0f}"
        unit = "metre" if metres == "1" else "metres"
        yield _sentence(f"a pixel covers {metres} {unit} on the ground.", (fact.source,))
    for fact in places[:1]:
        yield _sentence(f"the scene lies at {degrees(*place_of(fact))}.", (fact.source,))


_ANNOTATED = (_counts, _positions, _lengths, _shares, _labels, _tags)
"""Sentences from boxes, masks, records, labels and maps."""


def _sources(*groups: tuple[Fact, ...]) -> tuple[str, ...]:
    return tuple(fact.source for group in groups for fact in group)


def _sentence(text: str, sources: tuple[str, ...]) -> Sentence:
    return Sentence(text[:1].upper() + text[1:], tuple(dict.fromkeys(sources)))


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _one(thing: str) -> str:
    """A thing in the singular."""
    head, _, last = (thing.lower() if len(thing) > 1 else thing).rpartition(" ")
    return f"{head} {singular(last)}".strip()


def _many(thing: str) -> str:
    """A thing in the plural."""
    thing = thing.lower() if len(thing) > 1 else thing
    return thing if is_mass(thing) or is_plural(thing) else plural(thing)


def _be(phrase: str) -> str:
    return "are" if is_plural(phrase) else "is"


def _with_article(phrase: str) -> str:
    if is_mass(phrase) or is_plural(phrase):
        return phrase
    vowel = phrase[:1].lower() in tuple("aeiou") and not phrase.lower().startswith(_CONSONANTS)
    return f"{'an' if vowel else 'a'} {phrase}"
