"""Long captions: a paragraph of 60 to 150 words that describes a chip from the whole to the parts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from swath.corpus.sandbox.facts import Facts, Part
from swath.corpus.sandbox.words import WILD, amount, is_plural, noun, number, pick, place, verb

LEAST, MOST = 60, 150
"""Words of a long caption."""


def write(rng: np.random.Generator, facts: Facts) -> str:
    """A paragraph about a chip, 60 to 150 words, true of it."""
    sentences: list[str] = []
    length = 0
    for source in (_opening, _event, _parts, _water, _counts, _relations, _texture, _absent, _closing):
        for sentence in source(rng, facts):
            finished = sentence[0].upper() + sentence[1:] + "."
            words = len(finished.split())
            late = source in (_absent, _closing)
            if finished in sentences or length + words > MOST or (late and length >= LEAST + 25):
                continue
            sentences.append(finished)
            length += words
    return " ".join(sentences)


def _opening(rng: np.random.Generator, facts: Facts) -> Iterator[str]:
    ground = {"flat": "flat land", "gently rolling": "gently rolling land", "hilly": "hilly land",
              "mountainous": "steep mountain slopes"}[facts.relief]  # fmt: skip
    if facts.share("sea", "reef") > 0.6:
        ground = "mostly water"
    yield pick(rng, (
        f"this scene {facts.when} shows {ground}", f"the image, taken {facts.when}, shows {ground}",
        f"{facts.when}, seen from above, there {'are' if ground.endswith('slopes') else 'is'} {ground}",
        f"{ground} {facts.when}",
    ))  # fmt: skip


def _event(rng: np.random.Generator, facts: Facts) -> Iterator[str]:  # noqa: ARG001 - one signature for all
    if facts.event == "flood":
        parts = facts.parts.get("flood") or facts.parts["drowned"]
        where = ", spread over all of it" if parts.where == "everywhere" else f", mainly {place(parts.where)}"
        yield f"a flood has covered {amount(facts.share('flood', 'drowned'))}{where}"
        if "drowned" in facts.parts:
            yield "trees and bushes stand in the water, so that their stems and crowns rise out of it"
        if any(name == "river" for name, _ in parts.beside):
            yield "the river has left its bed and the muddy water spreads over the low ground beside it"
    elif facts.event == "fire":
        part = facts.parts["burn"]
        yield f"a wildfire has burned {amount(part.share)}, and its dark scar lies {place(part.where)}"
        wild = [WILD[name] for name, _ in part.beside if name in WILD]
        if wild:
            yield f"the edge of the burned area is irregular and borders on {wild[0]}"
    elif facts.event == "earthquake":
        yield f"an earthquake has struck the settlement {place(facts.parts['damage'].where)}"
        yield "some of its blocks have collapsed to rubble while others still stand"


def _parts(rng: np.random.Generator, facts: Facts) -> Iterator[str]:
    told = [
        name for name in facts.parts if name not in ("flood", "drowned", "burn", "damage", "river", "road", "runway")
    ]
    for rank, theme in enumerate(told[:5]):
        part = facts.parts[theme]
        subject = noun(rng, facts, theme)
        if rank == 0 or part.share > 0.15:
            yield f"{subject} {verb(subject, 'covers', 'cover')} {amount(part.share)}{_at(part)}"
        elif part.where == "everywhere":
            yield f"{subject} {verb(subject, 'is', 'are')} spread {place(part.where)}"
        else:
            yield f"{place(part.where)} there {verb(subject, 'is', 'are')} {subject}"


def _at(part: Part) -> str:
    if part.where == "everywhere" or part.share > 0.55:
        return ""
    return f", most of it {place(part.where)}"


def _water(rng: np.random.Generator, facts: Facts) -> Iterator[str]:
    course = facts.course
    if course is not None and "river" in facts.parts:
        river = noun(rng, facts, "river")
        way = ""
        if course.source != course.mouth and "middle" not in (course.source, course.mouth):
            way = f" from the {course.source} to the {course.mouth}"
        width = int(round(course.width, -1))
        yield f"{river}, about {max(width, 10)} metres wide, runs{way} through the scene"
    elif "river" in facts.parts:
        yield "a narrow stream drains the land"
    if "ice" in facts.parts:
        yield "the open water is frozen"
    if "sea" in facts.parts and facts.land():
        yield "the coast line is irregular, with small bays and headlands"
    if "reef" in facts.parts:
        yield "shallow water over sand and coral shines through in light turquoise and ends at the deep dark sea"


def _counts(rng: np.random.Generator, facts: Facts) -> Iterator[str]:  # noqa: ARG001 - one signature for all
    counts = facts.counts
    things = [
        (counts["ships"], "ship", "on the water"),
        (counts["bridge"], "bridge", "where a road crosses the water"),
        (
            counts["pivot"] if "fields" in facts.parts else 0,
            "round field with a pivot for irrigation",
            "on the dry land",
        ),
    ]
    for count, name, where in things:
        if count:
            plural = (
                name
                if count == 1
                else name.replace("ship", "ships").replace("bridge", "bridges").replace("field with", "fields with")
            )
            yield f"there {'is' if count == 1 else 'are'} {number(count)} {plural} {where}"
    if counts["airport"] and "runway" in facts.parts:
        yield f"an airport with a long straight runway and a terminal lies {place(facts.parts['runway'].where)}"
    if counts["harbour"] and "industry" in facts.parts:
        yield "a harbour with piers, warehouses and a breakwater has been built on the shore"
    if "road" in facts.parts:
        yield f"a road runs {place(facts.parts['road'].where)}"


def _relations(rng: np.random.Generator, facts: Facts) -> Iterator[str]:
    told: list[set[str]] = []
    for theme, part in facts.parts.items():
        if len(told) == 2 or theme in ("river", "road", "flood", "drowned", "burn", "damage") or not part.beside:
            continue
        near, contact = part.beside[0]
        if near not in facts.parts or near in ("flood", "drowned", "burn", "damage") or {theme, near} in told:
            continue
        subject, other = noun(rng, facts, theme), noun(rng, facts, near)
        if part.enclosed and contact > 0.7 and part.pieces == 1 and part.share < 0.4:
            told.append({theme, near})
            yield f"{subject} {verb(subject, 'is', 'are')} surrounded by {other}"
        elif contact > 0.3:
            told.append({theme, near})
            yield f"{subject} {verb(subject, 'borders', 'border')} on {other}"


def _texture(rng: np.random.Generator, facts: Facts) -> Iterator[str]:
    if facts.crops and facts.counts["fields"] > 2:
        size = f"about {facts.field_hectares:.1f} hectares" if facts.field_hectares < 10 else "more than ten hectares"
        yield f"{number(facts.counts['fields'])} fields of {size} each on average form a regular pattern of rectangles"
        state = {
            "green": "their crops are green and dense",
            "ripe": "their crops are ripe and yellow",
            "bare": "most of them are bare soil at this time of the year",
            "mixed": "some are green, others dry or bare",
            "flooded": "most of them stand under shallow water",
        }
        yield state[facts.crops]
    if facts.share("town") > 0.05:
        yield "the houses stand in blocks along a grid of streets"
    if facts.leafless and "broadleaf" in facts.parts:
        yield "the broadleaf trees have no leaves in this season"
    for theme in ("conifer", "broadleaf", "rainforest", "shrub"):
        part = facts.parts.get(theme)
        if part is not None and part.pieces > 4:
            what = noun(rng, facts, theme)
            yield f"{what} {'form' if is_plural(what) else 'forms'} many separate patches with ragged edges"
            return


def _absent(rng: np.random.Generator, facts: Facts) -> Iterator[str]:  # noqa: ARG001 - one signature for all
    if not facts.share("town", "industry", "damage", "road", "runway"):
        yield "hardly any buildings or main roads can be made out"
    if not facts.share("fields", "paddies", "vineyards", "orchards", *_HIDING):
        yield "there is hardly any farmland"
    if not facts.share("sea", "reef", "lake", "river", "ice", "flood"):
        yield "there is hardly any open water in the scene"
    if not facts.share("conifer", "broadleaf", "rainforest", "mangrove", "drowned", "burn"):
        yield "hardly any forest grows in this place"


_HIDING = ("flood", "drowned", "burn", "snow")
"""Themes under which fields may lie."""


def _closing(rng: np.random.Generator, facts: Facts) -> Iterator[str]:
    count = len(facts.parts)
    if count == 1:
        yield "the scene is uniform, with almost the same surface from one side to the other"
        theme = next(iter(facts.parts), "")
        if theme:
            yield f"apart from {noun(rng, facts, theme)} little else can be told apart at this scale"
    elif count > 1:
        yield f"in all, {number(min(count, 10))} kinds of land cover can be told apart, and their borders are clear"
    yield f"the scene measures about {facts.kilometres:.1f} kilometres from side to side"
    yield pick(rng, ("lighter and darker parts come from the surface and from the slope of the ground",
                     "small differences in brightness come from the texture of the surface"))  # fmt: skip
