"""English for measured facts: numbers, lists, shares, sizes and parts of an image."""

from __future__ import annotations

from collections.abc import Sequence

from swath.corpus.language.lexicon import is_mass, plural

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

THIRDS = ("upper", "", "lower"), ("left", "", "right")
_SIDES = {"upper": "top", "lower": "bottom", "": "middle"}

_SHARES = (
    (0.985, 1.01, "all"),
    (0.90, 0.985, "almost all"),
    (0.70, 0.90, "most"),
    (0.55, 0.70, "more than half"),
    (0.45, 0.55, "about half"),
    (0.30, 0.37, "about a third"),
    (0.22, 0.28, "about a quarter"),
    (0.17, 0.22, "about a fifth"),
    (0.085, 0.115, "about a tenth"),
    (0.0, 0.05, "a small part"),
)
"""(from, below, words): what a share of an image may be called."""


_SPELLED_WITH_VOWEL = "AEFHILMNORSX"
"""Letters whose names begin with a vowel: "an LPG tanker"."""


def number(count: int) -> str:
    """A count in words up to twelve, in digits beyond."""
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def a(thing: str) -> str:
    """A noun phrase, not empty, with its article; mass nouns and plurals take none."""
    if is_mass(thing) or is_plural(thing):
        return thing
    first = thing.partition(" ")[0]
    spelled = len(first) > 1 and first.isupper()
    vowel = first[0] in _SPELLED_WITH_VOWEL if spelled else first[:1].lower() in "aeiou"
    return f"{'an' if vowel else 'a'} {thing}"


def many(thing: str) -> str:
    """The plural of a noun phrase; mass nouns and plurals stay."""
    return thing if is_mass(thing) or is_plural(thing) else plural(thing)


def is_plural(thing: str) -> bool:
    """Whether a noun phrase looks like a plural."""
    return thing.endswith("s") and not thing.endswith(("ss", "us", "is"))


def counted(count: int, thing: str) -> str:
    """``one ship``, ``seven ships``."""
    return f"{number(count)} {thing if count == 1 else many(thing)}"


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def verb(thing: str, one: str, several: str) -> str:
    """The form of a verb that goes with a noun phrase."""
    return several if is_plural(thing) else one


def share_in_words(share: float) -> str:
    """A share of an image (0 to 1) in words ("about a third"); empty where none fits well."""
    return next((words for low, high, words in _SHARES if low <= share < high), "")


def percent(share: float) -> str:
    """``about 36 percent``; below one percent "less than one percent"."""
    value = round(100 * share)
    return f"about {value} percent" if value >= 1 else "less than one percent"


def part_of_image(across: float, down: float) -> str:
    """In which of nine parts of an image a point lies: "upper left", "top", "middle".

    Args:
        across: from the left edge, 0 to 1.
        down: from the top edge, 0 to 1.
    """
    tall, wide = THIRDS[0][min(int(3 * down), 2)], THIRDS[1][min(int(3 * across), 2)]
    return f"{tall} {wide}" if tall and wide else wide or _SIDES[tall]


def where(part: str) -> str:
    """A part of an image as a place: "in the upper left", "at the top", "on the right"."""
    return {
        "left": "on the left",
        "right": "on the right",
        "top": "at the top",
        "bottom": "at the bottom",
        "middle": "in the middle",
    }.get(part, f"in the {part}")


def rounded(metres: float, step: float) -> int:
    """A length in metres, rounded to what was measured: to `step` (the pixel), and to two digits where it is large."""
    grain = max(1.0, step, 10.0 if metres >= 100 else 1.0, 50.0 if metres >= 1000 else 1.0)
    return max(int(round(metres / grain) * grain), 1)
