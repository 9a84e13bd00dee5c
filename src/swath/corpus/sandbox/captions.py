"""Short captions: five sentences about a chip, in the plain lower-case style of remote-sensing caption sets.

Each sentence states facts (`facts.Facts`): what there is, where, beside what, how many, in what state, what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from swath.corpus.sandbox.facts import Facts
from swath.corpus.sandbox.words import WILD, is_plural, noun, number, pick, place, verb

_Writer = Callable[[np.random.Generator, Facts], Iterator[str]]

_EVENTS = ("flood", "drowned", "burn", "damage")
_THIN = ("river", "road", "runway", "beach")
_AREAS = ("lake", "town", "fields", "paddies", "industry", "vineyards", "orchards", "grass", "glacier", "sand", "reef",
          "mangrove", "rock", "wetland", "shrub", "conifer", "broadleaf", "rainforest")  # fmt: skip


def write(rng: np.random.Generator, facts: Facts, count: int = 5) -> list[str]:
    """Different short captions of a chip, each true of it.

    Args:
        rng: chooses among phrasings.
        facts: what is true.
        count: how many.

    Returns:
        sentences that end in `` .``; distinct.
    """
    telling = [sentence for writer in _TELLING for sentence in writer(rng, facts)]
    plain = [sentence for writer in _PLAIN for sentence in writer(rng, facts)]
    order = [telling[i] for i in rng.permutation(len(telling))][: count - 1]
    order += [plain[i] for i in rng.permutation(len(plain))]
    found: list[str] = []
    for sentence in order:
        finished = f"{sentence} ."
        if finished not in found:
            found.append(finished)
        if len(found) == count:
            return [found[i] for i in rng.permutation(count)]
    for _ in range(200):  # a chip of one cover has little to tell: say it in other words
        finished = f"{pick(rng, _FRAMES).format(_main(rng, facts))} ."
        if finished not in found:
            found.append(finished)
        if len(found) == count:
            break
    return [found[i] for i in rng.permutation(len(found))]


_FRAMES = (
    "{} in the scene", "it is a scene of {}", "this is {}", "an image of {}", "{} seen from above", "we can see {}",
    "{} fills the scene", "the whole area shows {}", "a view of {}", "{} in the picture", "the land cover is {}",
    "{} without much else", "here we see {}",
)  # fmt: skip


def _main(rng: np.random.Generator, facts: Facts) -> str:
    return noun(rng, facts, next(iter(facts.parts)))


def _covers(facts: Facts) -> list[str]:
    """Themes that can be a subject, the largest first."""
    return [theme for theme in facts.parts if theme not in _THIN and theme not in _EVENTS]


def _event(rng: np.random.Generator, facts: Facts) -> Iterator[str]:
    if "flood" in facts.parts:
        where = place(facts.parts["flood"].where)
        drowned = next((name for name, _ in facts.parts["flood"].beside if name in ("fields", "paddies", "grass")), "")
        land = {"fields": "farmland", "paddies": "rice land", "grass": "grassland"}.get(drowned, "land")
        yield f"flood water covers the {land} {where}"
        yield pick(rng, ("the land is flooded after heavy rain", "a flood has spread over the low land"))
        if any(name == "river" for name, _ in facts.parts["flood"].beside):
            yield pick(rng, ("the river has overflowed its banks", "the river floods the land on its banks"))
        if "town" in facts.parts:
            yield "a flood surrounds some of the houses" if facts.share("flood") > 0.06 else "houses stand near a flood"
    if "drowned" in facts.parts:
        yield f"trees and bushes stand in flood water {place(facts.parts['drowned'].where)}"
    if "burn" in facts.parts:
        part = facts.parts["burn"]
        size = "a large" if part.share > 0.25 else "a"
        yield (
            f"{size} burned area lies {place(part.where)} of the scene"
            if part.where != "everywhere"
            else (f"{size} burned area spreads across the scene")
        )
        wild = [WILD[name] for name, _ in part.beside if name in WILD]
        if wild:
            yield f"a fire has burned a part of {wild[0]}"
        yield pick(rng, ("the vegetation has been burned by a wildfire", "a dark burn scar is left by a wildfire"))
    if "damage" in facts.parts:
        yield pick(rng, (
            "many buildings in the town have collapsed after an earthquake", "an earthquake has damaged the town",
            "collapsed buildings and rubble lie between the houses", "parts of the town are damaged by an earthquake",
        ))  # fmt: skip


def _relations(rng: np.random.Generator, facts: Facts) -> Iterator[str]:
    for theme in _AREAS:
        part = facts.parts.get(theme)
        if part is None or not part.beside:
            continue
        near, contact = part.beside[0]
        if near not in facts.parts or near in _EVENTS:
            continue
        subject, other = noun(rng, facts, theme), noun(rng, facts, near)
        if part.enclosed and contact > 0.7 and part.pieces == 1 and part.share < 0.4 and near not in _THIN:
            yield f"{subject} {verb(subject, 'is', 'are')} surrounded by {other}"
        elif contact > 0.25:
            word = pick(rng, ("next to", "beside", "near", "close to"))
            yield f"{subject} {verb(subject, 'is', 'are')} {word} {other}"
        second = [name for name, held in part.beside[1:3] if held > 0.2 and name in facts.parts and name not in _EVENTS]
        if second and part.share < 0.4:
            yield f"{subject} {verb(subject, 'lies', 'lie')} between {other} and {noun(rng, facts, second[0])}"


def _water(rng: np.random.Generator, facts: Facts) -> Iterator[str]:
    land = facts.land()
    if facts.course is not None and "river" in facts.parts:
        river = noun(rng, facts, "river")
        if land:
            through = pick(
                rng, ("runs through", "flows through", "winds through" if facts.course.winding else "crosses")
            )
            yield f"{river} {through} {noun(rng, facts, land[0])}"
        if facts.course.source != facts.course.mouth and "middle" not in (facts.course.source, facts.course.mouth):
            yield f"{river} flows from the {facts.course.source} to the {facts.course.mouth}"
        banks = [theme for theme in land if theme in facts.course.banks]
        if len(banks) > 1:
            yield f"{noun(rng, facts, banks[0])} and {noun(rng, facts, banks[1])} are on both sides of {river}"
        if "town" in facts.parts:
            yield f"{noun(rng, facts, 'town')} on the banks of {river}"
    elif "river" in facts.parts and land:
        yield f"{noun(rng, facts, 'river')} in {noun(rng, facts, land[0])}"
    if "sea" in facts.parts and land and facts.parts["sea"].share < 0.95:
        yield f"{noun(rng, facts, land[0])} on the coast of {pick(rng, ('the sea', 'the ocean'))}"
        yield f"an irregular coast with {noun(rng, facts, land[0])} beside the sea"
    if "beach" in facts.parts and ("sea" in facts.parts or "reef" in facts.parts):
        yield f"{noun(rng, facts, 'beach')} lies along the coast"
    if "ice" in facts.parts:
        yield pick(rng, ("the lakes and rivers are frozen", "the water is covered by ice"))


def _counted(rng: np.random.Generator, facts: Facts) -> Iterator[str]:
    counts = facts.counts
    if counts["ships"]:
        many = counts["ships"] > 1
        yield f"{number(counts['ships'])} ship{'s are' if many else ' is'} on the sea"
    if counts["bridge"]:
        many = counts["bridge"] > 1
        over = "the river" if "river" in facts.parts else "the water"
        yield f"{number(counts['bridge'])} bridge{'s cross' if many else ' crosses'} {over}"
    if counts["pivot"] and "fields" in facts.parts:
        many = counts["pivot"] > 1
        yield f"{number(counts['pivot'])} round irrigated field{'s' if many else ''} in the dry land"
    if counts["airport"] and "runway" in facts.parts:
        yield f"an airport with a long runway {place(facts.parts['runway'].where)}"
    if counts["harbour"] and "industry" in facts.parts:
        yield "a harbour with piers and a breakwater on the coast"
    for theme, one in (("lake", "lake"), ("town", "settlement"), ("clearcut", "clear-cut")):
        part = facts.parts.get(theme)
        if part is not None and part.pieces > 1:
            border = dict(part.beside)
            others = [name for name in _covers(facts) if border.get(name, 0.0) > 0.25]
            if others:
                scattered = pick(rng, ("lie in", "are scattered in", "are in"))
                yield f"{number(part.pieces)} {one}s {scattered} {noun(rng, facts, others[0])}"


def _texture(rng: np.random.Generator, facts: Facts) -> Iterator[str]:
    if facts.crops and facts.counts["fields"] > 3:
        size = "small" if facts.field_hectares < 1.0 else "large" if facts.field_hectares > 3.2 else "medium sized"
        theme = "paddies" if facts.share("paddies") > facts.share("fields") else "fields"
        shape = pick(rng, ("rectangular", "regular", "neatly arranged"))
        yield f"{number(facts.counts['fields'])} {size} {shape} fields form a regular pattern"
        state = {
            "green": "green with growing crops",
            "ripe": "yellow and ready for harvest",
            "bare": "bare without crops",
            "mixed": "in different colors",
            "flooded": "covered by shallow water",
        }
        yield f"the {'paddy fields' if theme == 'paddies' else 'fields'} are {state[facts.crops]}"
    if facts.share("town") > 0.12:
        yield pick(rng, ("houses are arranged along a regular grid of streets", "many houses stand in neat rows"))
    for theme in ("conifer", "broadleaf", "rainforest"):
        part = facts.parts.get(theme)
        if part is not None and part.pieces > 4 and part.share < 0.35:
            yield f"patches of {noun(rng, facts, theme)} are scattered over the land"
    land = facts.land()
    if facts.relief in ("mountainous", "hilly") and land:
        hills = "steep mountains" if facts.relief == "mountainous" else "hills"
        yield f"{hills} with {noun(rng, facts, land[0])}"
        if len(land) > 1:
            yield f"{hills} with {noun(rng, facts, land[0])} and {noun(rng, facts, land[1])}"
    if facts.share("snow") > 0.3:
        when = " in winter" if facts.season == "winter" else ""
        yield pick(rng, (f"snow covers the ground{when}", "the land is white with snow"))


def _places(rng: np.random.Generator, facts: Facts) -> Iterator[str]:
    for theme in [*_covers(facts)[:4], *(name for name in _THIN if name in facts.parts)]:
        part = facts.parts[theme]
        if part.where == "everywhere" or part.share > 0.5:
            continue
        subject = noun(rng, facts, theme)
        yield f"there {verb(subject, 'is', 'are')} {subject} {place(part.where)} of the scene"


def _lists(rng: np.random.Generator, facts: Facts) -> Iterator[str]:
    themes = [name for name in facts.parts if name not in _EVENTS]
    if len(themes) >= 2:
        first, second = (noun(rng, facts, theme) for theme in themes[:2])
        yield f"{first} and {second}"
        yield f"{first} with {second}"
        start = "there are" if is_plural(first) else "there is"
        yield f"{start} {first} and {second} in the scene"
    if len(themes) >= 3:
        picked = [themes[0], *(themes[1 + i] for i in sorted(rng.permutation(len(themes) - 1)[:2]))]
        one, two, three = (noun(rng, facts, theme) for theme in picked)
        yield f"{one} , {two} and {three}"
        yield f"{one} with {two} and {three} around"


def _whole(rng: np.random.Generator, facts: Facts) -> Iterator[str]:
    if not facts.parts:
        return
    theme, part = next(iter(facts.parts.items()))
    subject = noun(rng, facts, theme)
    if part.share > 0.5:
        extent = "almost the whole scene" if part.share > 0.9 else "most of the scene"
        yield f"{subject} {verb(subject, 'covers', 'cover')} {extent}"
    else:
        yield f"{subject} {verb(subject, 'takes', 'take')} up the largest part of the scene"
    yield f"{subject} {facts.when}"


_TELLING: tuple[_Writer, ...] = (_event, _event, _relations, _water, _counted, _texture)
_PLAIN: tuple[_Writer, ...] = (_places, _lists, _whole)
