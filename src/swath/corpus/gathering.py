"""From a `Pair` to its `Facts`: captions, class, labels, place, date and sensor, in a fixed order."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache, lru_cache

from swath.corpus.facts import Fact, FactKind, Facts
from swath.corpus.language import lexicon
from swath.corpus.language.lexicon import singular
from swath.corpus.sentences import mend
from swath.data.audit.contradictions import LabelledCaptions, contradictions
from swath.data.dataset import Dataset
from swath.data.pairs import Pair

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|[_/\-\s]+")


def facts_of(pair: Pair, doubted: Collection[str] = ()) -> Facts:
    """What a pair says of its image.

    Args:
        pair: the pair; a single label is the image's class.
        doubted: names of images whose captions are left out (see `contradicting`).
    """
    items: list[Fact] = []
    if pair.name not in doubted:
        items += [
            Fact("caption", "", mend(text), f"captions[{number}]")
            for number, text in enumerate(pair.captions)
            if mend(text)
        ]
    kind: FactKind = "class" if len(pair.labels) == 1 else "label"
    items += [
        Fact(kind, "", class_name(label), f"labels[{number}]")
        for number, label in enumerate(pair.labels)
        if label.strip()
    ]
    footprint = pair.chip.footprint
    if pair.location is not None:
        items.append(Fact("location", "", pair.location, "location"))
    elif footprint is not None:
        items.append(Fact("location", "", footprint.centre, "footprint"))
    if pair.chip.scene.datetime is not None:
        items.append(Fact("date", "", pair.chip.scene.datetime.isoformat(), "datetime"))
    sensor = pair.chip.sensor
    # A photograph's title says nothing that its pixels do not.
    if sensor.family != "rgb":
        title = sensor.title.partition(",")[0]
        radar = " radar" if sensor.is_radar and "radar" not in title.lower() else ""
        items.append(Fact("sensor", "", title + radar, "sensor"))
    return Facts(pair.name, tuple(items))


def contradicting(dataset: Dataset) -> dict[str, str]:
    """Images whose captions plainly describe another class than their own: name -> that other class.

    The audit's finding (`swath.data.audit.contradictions`): UCM-Captions, for example, has planes and tanks captioned
    as farmland. Their captions are no facts.
    """
    items = [
        LabelledCaptions(dataset.name, pair.split, pair.name, pair.labels[0], pair.captions)
        for pair in dataset.pairs
        if len(pair.labels) == 1 and pair.captions
    ]
    return {found.item.image: found.looks_like for found in contradictions(items)}


@lru_cache(maxsize=4096)
def class_name(label: str) -> str:
    """A class in words: ``BareLand`` -> "bare land", ``storagetanks`` -> "storage tanks".

    ``Industrial`` becomes "industrial area". Run-together words are parted where the lexicon knows the parts; an
    adjective gets the noun "area" where the lexicon knows the two together. Anything else stays, in lower case.
    """
    text = " ".join(part for part in _CAMEL.split(mend(label)) if part).lower()
    known = lexicon()
    if " " not in text:
        text = _parted(text)
    if known.concept(text) is None and known.concept(f"{text} area") is not None:
        text = f"{text} area"
    return text


def _parted(text: str) -> str:
    """A run-together word in its parts, if its parts make a phrase of the lexicon and it is no word of its own."""
    concept = lexicon().concept(text)
    return text if concept in (text, singular(text)) else _run_together().get(text, text)


@cache
def _run_together() -> dict[str, str]:
    """Phrases of things without their spaces -> the phrases; without "area", too."""
    table: dict[str, str] = {}
    for phrase, meaning in lexicon().phrases.items():
        if meaning.kind == "object" and len(phrase) > 1:
            text = " ".join(phrase)
            table.setdefault("".join(phrase), text)
            table.setdefault("".join(phrase) + "s", text + "s")
            if phrase[-1] == "area":
                table.setdefault("".join(phrase[:-1]), text)
    return table
