"""What numbers hold where sources disagree: captions of one image say "two", "three" and "several" of the same thing.

Counts are compared by key: the thing and the words between number and thing, so that "five big tanks" and "six tanks"
are two statements. Distinct captions vote; a repeated caption is one voice. For each key:

1. a count from annotations (boxes, records) settles it;
2. else the number that more than half of the distinct captions with a number agree on, or their only number;
3. else it is disputed: no number holds, and what all of them allow ("several") may still be said.

A vague amount that does not fit a settled number ("many" of two) does not hold either.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from swath.corpus.facts import Facts, number_of, text_of
from swath.corpus.language import claims_of, lexicon
from swath.corpus.language.claims import Count
from swath.corpus.sentences import mend
from swath.errors import DataError

Key = tuple[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Settled:
    """Which numbers hold of one image.

    Attributes:
        exact: key -> the numbers that hold.
        disputed: key -> every number that was said and that none won.
        annotated: thing -> its number from annotations, which holds whatever stands between number and thing.
    """

    exact: Mapping[Key, frozenset[int]]
    disputed: Mapping[Key, frozenset[int]]
    annotated: Mapping[str, int]

    def holds(self, count: Count) -> bool:
        """Whether a text may say this number or amount of a thing."""
        if not count.concept:
            return True
        if count.concept in self.annotated and not count.about:
            number = self.annotated[count.concept]
            return count.least == number if count.exact else _fits(number, count)
        if count.exact:
            return any(count.least in numbers for key, numbers in self.exact.items() if _same(key, count))
        if (numbers := self.exact.get((count.concept, count.about))) is not None:
            return any(_fits(number, count) for number in numbers)
        return True


def settle(facts: Facts) -> Settled:
    """Settle the counts of one image; see the module's text for the rules.

    Raises:
        DataError: a count is not a whole number of at least 0.
    """
    annotated = Counter[str]()
    voices: dict[Key, list[frozenset[int]]] = defaultdict(list)
    certain: dict[Key, set[int]] = defaultdict(set)
    for fact in facts.of("count"):
        number = number_of(fact)
        if number < 0 or not number.is_integer():
            raise DataError(f"{facts.name}: count of {fact.subject!r} ({fact.source}) is {number:g}, no whole number")
        concept = lexicon().concept(fact.subject)
        annotated[concept or fact.subject.lower()] += int(number)  # "plane" and "airplane" are one thing
        # Of "small vehicle" the lexicon knows the vehicle; "small" stands between it and its number.
        for count in claims_of(f"2 {fact.subject}").counts if concept is None else ():
            certain[count.concept, count.about].add(int(number))
    for fact in facts.of("statement"):
        for key, numbers in _exact(claims_of(text_of(fact)).counts).items():
            certain[key] |= numbers
    for text in dict.fromkeys(mend(text_of(fact)).lower() for fact in facts.of("caption")):
        for key, numbers in _exact(claims_of(text).counts).items():
            voices[key].append(frozenset(numbers))
    exact = {key: frozenset(numbers) for key, numbers in certain.items()}
    disputed: dict[Key, frozenset[int]] = {}
    for key, said in voices.items():
        if key in exact:
            continue
        winner = _winner(said)
        if key[0] in annotated and not key[1]:
            winner = frozenset({annotated[key[0]]})
        if winner is None:
            disputed[key] = frozenset().union(*said)
        else:
            exact[key] = winner
    return Settled(exact, disputed, annotated)


def _exact(counts: Iterable[Count]) -> dict[Key, set[int]]:
    found: dict[Key, set[int]] = defaultdict(set)
    for count in counts:
        if count.exact and count.concept:
            found[count.concept, count.about].add(count.least)
    return found


def _winner(said: list[frozenset[int]]) -> frozenset[int] | None:
    """What more than half of the captions say; None where no answer wins."""
    answer, votes = Counter(said).most_common(1)[0]
    return answer if 2 * votes > len(said) else None


def _same(key: Key, count: Count) -> bool:
    """Whether a count speaks of what a key names: the same thing, with the same words about it or fewer or more."""
    concept, about = key
    return concept == count.concept and (about <= count.about or count.about <= about)


def _fits(number: int, count: Count) -> bool:
    return count.least <= number and (not count.most or number <= count.most)
