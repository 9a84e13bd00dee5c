"""What may be said of a radar image: words that it cannot support, and optical captions rewritten without them."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from swath.corpus.checker import Finding
from swath.corpus.facts import Facts
from swath.corpus.language import claims_of, lexicon
from swath.corpus.language.claims import sentences_of
from swath.corpus.sentences import mend

_COLOURS = (
    r"(?:red|crimson|scarlet|orange|yellow|golden|green|emerald|greenish|blue|azure|navy|bluish|cyan|turquoise|teal|"
    r"purple|violet|pink|brown|brownish|khaki|beige|tan|cream|ochre|black|white|whitish|gr[ae]y|gr[ae]yish|silver|silvery)"
)
_SHADE = r"(?:(?:light|dark|deep|bright|pale|very|dull)[ -])*"
_LIST = rf"{_SHADE}{_COLOURS}(?:(?:[ -]|, | and | or |, and ){_SHADE}{_COLOURS})*"
_PREDICATE = re.compile(
    rf"\b(?:is|are|looks?|appears?|turns?) (?:\w+ly |all )?(?>{_LIST})(?=$|[,.;]| (?:and|with|in|or|but)\b)",
    re.IGNORECASE,
)
_COMPLEMENT = re.compile(
    rf",? \b(?:in|of|with) (?>{_LIST})(?=$|[,.;]| (?:and|is|are|lies?|near|with|in|on|beside|by|next)\b)",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(rf"\b{_LIST}(?= \w)", re.IGNORECASE)
_ANY_COLOUR = re.compile(rf"\b{_COLOURS}\b", re.IGNORECASE)
_ARTICLE = re.compile(r"\b([Aa])n?(?= (\w+))")
_DANGLING = re.compile(
    r"\b(?:is|are|look|looks|and|with|or|of|in|the|a|an|some|many|several|between|near|by|on|to)$|"
    r"\b(?:the|an?|is|are|with|of) (?:and|is|are|with|in|on|or|of)\b|^(?:and|or|with|of)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Rules:
    """The package's table `sar.toml`, compiled."""

    inadmissible: re.Pattern[str]
    replacements: tuple[tuple[re.Pattern[str], str], ...]
    sizes: dict[str, float]


@cache
def _rules() -> _Rules:
    table = tomllib.loads(resources.files(__package__).joinpath("sar.toml").read_text(encoding="utf-8"))
    words = [re.escape(word).replace(r"\*", r"\w*") for word in table["inadmissible"]]
    return _Rules(
        re.compile(rf"(?<!radar )\b(?:{'|'.join(sorted(words, key=len, reverse=True))})\b", re.IGNORECASE),
        tuple((re.compile(entry["find"], re.IGNORECASE), str(entry["by"])) for entry in table["replace"]),
        {str(name): float(size) for name, size in table["sizes"].items()},
    )


def inadmissible(text: str, facts: Facts | None = None) -> tuple[Finding, ...]:  # noqa: ARG001 - a rule of `Checker`
    """The words of a text that no radar image can support: colours, sunlight, clouds, shadows, optical sensors.

    Args:
        text: a caption.
        facts: unused: no fact makes such a word admissible.
    """
    found = [match[0] for pattern in (_rules().inadmissible, _ANY_COLOUR) for match in pattern.finditer(text)]
    return tuple(Finding("wording", phrase.lower()) for phrase in dict.fromkeys(found))


def too_small(text: str, gsd: float | None) -> tuple[str, ...]:
    """Things that a text names and that are smaller than two pixels.

    Args:
        text: a caption.
        gsd: metres a pixel; None says nothing about sizes.
    """
    if gsd is None:
        return ()
    sizes = _rules().sizes
    named = claims_of(text).objects
    small = []
    for concept, phrase in named.items():
        size = sizes.get(concept) or next(
            (sizes[one] for one in lexicon().parents.get(concept, ()) if one in sizes), None
        )
        if size is not None and size < 2 * gsd and not _is_mass_of(phrase):
            small.append(phrase)
    return tuple(small)


def _is_mass_of(phrase: str) -> bool:
    """Whether many small things are meant, which are seen together ("trees", "houses")."""
    return phrase.endswith("s") and phrase.rstrip("s") in ("tree", "house", "building", "bush", "roof", "plant")


def for_radar(caption: str, gsd: float | None = None) -> str:
    """An optical caption as a radar image supports it; empty where nothing of it is left.

    Colours, light and weather go, shadows of tall things become layover, sentences whose point is a colour or that name
    what a pixel of this size cannot show are left out. Nothing is added.

    Args:
        caption: one or several sentences.
        gsd: metres a pixel.
    """
    kept = []
    for sentence in sentences_of(re.sub(r"\s+([.!?])", r"\1", caption)):
        text = _rewritten(mend(sentence))
        if text and not inadmissible(text) and not too_small(text, gsd) and claims_of(text).objects:
            kept.append(f"{text[0].upper()}{text[1:]}.")
    return " ".join(dict.fromkeys(kept))


def rules_id() -> str:
    """A stable name of the rules: 64 bits of SHA-256 in hexadecimal."""
    text = resources.files(__package__).joinpath("sar.toml").read_bytes()
    return hashlib.sha256(text + _LIST.encode()).hexdigest()[:16]


def _rewritten(sentence: str) -> str:
    """A sentence without what radar does not see; empty where no sentence is left."""
    text = sentence
    for pattern, by in _rules().replacements:
        text = pattern.sub(by, text)
    if _PREDICATE.search(text):
        return ""
    text = _ATTRIBUTE.sub("", _COMPLEMENT.sub("", text))
    text = mend(re.sub(r"\s+([,.;])", r"\1", " ".join(text.split())))
    if len(text.split()) < 2 or _DANGLING.search(text):
        return ""
    return _ARTICLE.sub(lambda match: match[1] + ("n" if match[2][0].lower() in "aeiou" else ""), text)
