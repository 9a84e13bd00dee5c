"""Nouns and adjectives for the facts of a chip: how captions name a theme as it looks on the day."""

from __future__ import annotations

import numpy as np

from swath.corpus.sandbox.facts import Facts

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

# theme: nouns to choose from; {a} stands for the adjective of the day
_NOUNS: dict[str, tuple[str, ...]] = {
    "sea": ("the sea", "the dark blue sea", "open water", "the ocean"),
    "reef": ("a shallow turquoise lagoon", "a coral reef", "a lagoon with a reef"),
    "conifer": ("dark coniferous forest", "dense coniferous forest", "evergreen conifers", "a spruce and pine forest"),
    "broadleaf": ("{leafy} forest", "{leafy} woodland", "{leafy} trees"),
    "rainforest": ("dense rainforest", "tropical rainforest", "dense green jungle"),
    "mangrove": ("mangroves", "mangrove forest", "a belt of mangrove"),
    "shrub": ("shrub land", "scrub", "sparse bushes", "shrubs"),
    "grass": ("grassland", "meadows", "grass", "pastures"),
    "wetland": ("wetland", "marsh", "a swampy wetland"),
    "vineyards": ("vineyards", "rows of vines"),
    "orchards": ("orchards", "plantations of trees in rows"),
    "rock": ("bare rock", "rocky ground", "bare rocky land"),
    "sand": ("yellow desert sand", "bare sand", "sandy desert"),
    "beach": ("a sandy beach", "a pale beach", "a strip of sand"),
    "industry": ("an industrial area", "large industrial buildings", "warehouses and halls"),
    "road": ("a road", "a grey road", "a main road"),
    "runway": ("an airport runway", "a runway"),
    "glacier": ("glacier ice", "white glaciers", "permanent ice"),
    "snow": ("snow", "a cover of snow", "white snow"),
    "flood": ("muddy flood water", "flood water", "flooded land"),
    "drowned": ("flooded vegetation", "trees standing in flood water", "flooded woodland"),
    "burn": ("burned land", "a dark burn scar", "a burned area"),
    "damage": ("damaged buildings", "collapsed buildings", "heaps of rubble"),
    "clearcut": ("clear-cut patches", "felled forest", "clear-cuts"),
}

_FIELDS: dict[str, tuple[str, ...]] = {
    "green": ("green fields", "green farmland", "many green crop fields"),
    "ripe": ("yellow ripe fields", "golden farmland", "dry yellow crop fields"),
    "bare": ("bare brown fields", "ploughed farmland", "brown bare fields"),
    "mixed": ("fields of many colors", "a patchwork of fields", "farmland in green and brown"),
    "flooded": ("fields under water", "flooded fields"),
}
_ONE_FIELD = {
    "green": "a green field", "ripe": "a dry yellow field", "bare": "a bare brown field", "mixed": "a crop field",
    "flooded": "a field under water",
}  # fmt: skip
_PADDIES: dict[str, tuple[str, ...]] = {
    "green": ("green rice paddies", "bright green paddy fields"),
    "ripe": ("ripe yellow rice paddies", "golden paddy fields"),
    "bare": ("harvested brown rice paddies", "bare paddy fields"),
    "mixed": ("a mosaic of rice paddies", "rice paddies in different stages", "small rice paddies"),
    "flooded": ("rice paddies under water", "flooded dark paddy fields"),
}

_PLURAL = frozenset({
    "trees", "conifers", "mangroves", "bushes", "shrubs", "meadows", "pastures", "vineyards", "vines", "orchards",
    "plantations of trees in rows", "buildings", "halls", "warehouses and halls", "glaciers", "patches", "clear-cuts",
    "fields", "paddies", "stages", "houses", "lakes", "ponds", "rubble", "fields of many colors",
    "heaps of rubble", "trees standing in flood water", "fields under water", "rice paddies under water",
    "rows of vines", "many houses in rows", "rice paddies in different stages", "villages",
})  # fmt: skip


def number(count: int) -> str:
    """``two``, ``five``; ``several`` or ``many`` above six."""
    if count <= 6:
        return _NUMBERS[count]
    return "several" if count < 10 else "many"


def amount(share: float) -> str:
    """A share of the scene in words: ``about half of the scene``."""
    for limit, phrase in (
        (0.93, "almost the whole scene"),
        (0.72, "most of the scene"),
        (0.58, "more than half of the scene"),
        (0.43, "about half of the scene"),
        (0.28, "about a third of the scene"),
        (0.19, "about a quarter of the scene"),
        (0.09, "a smaller part of the scene"),
    ):
        if share >= limit:
            return phrase
    return "a small part of the scene"


def place(where: str) -> str:
    """A place in the scene as a phrase: ``in the upper left``, ``on the right side``, ``across the scene``."""
    if where == "everywhere":
        return "across the scene"
    if where in ("left", "right"):
        return f"on the {where} side"
    if where in ("top", "bottom"):
        return f"at the {where}"
    return f"in the {where}"


def noun(rng: np.random.Generator, facts: Facts, theme: str) -> str:
    """A noun phrase for a theme of the chip as it looks on the day, such as ``bare brown fields``."""
    if theme == "fields" and facts.counts["fields"] == 1 and "paddies" not in facts.parts:
        return _ONE_FIELD[facts.crops or "mixed"]
    if theme == "fields":
        return pick(rng, _FIELDS[facts.crops or "mixed"])
    if theme == "paddies":
        return pick(rng, _PADDIES[facts.crops or "mixed"])
    if theme == "lake":
        return _lake(rng, facts)
    if theme == "ice":
        return pick(rng, ("a frozen lake", "frozen water", "ice on the water"))
    if theme == "river":
        return _river(rng, facts)
    if theme == "town":
        return _town(rng, facts)
    if theme == "industry" and facts.counts["harbour"]:
        return pick(rng, ("a harbour with piers", "a port with piers and warehouses", "a harbour"))
    leafy = "bare leafless" if facts.leafless else pick(rng, ("green broadleaf", "deciduous", "green"))
    return pick(rng, _NOUNS[theme]).format(leafy=leafy)


def is_plural(phrase: str) -> bool:
    """Whether a noun phrase takes a plural verb."""
    if phrase in _PLURAL or phrase.startswith(("many ", "several ", "some ", *(f"{n} " for n in _NUMBERS[2:]))):
        return True
    head = phrase.split(" with ")[0].split(" of ")[0].split(" in ")[0].split(" and ")[0]
    if phrase.startswith(("a ", "an ", "the ")):
        return False
    return head.split()[-1] in _PLURAL


WILD = {"conifer": "the forest", "broadleaf": "the forest", "rainforest": "the forest", "shrub": "the scrub",
        "grass": "the grassland", "fields": "the fields", "clearcut": "a clear-cut"}  # fmt: skip
"""What a fire has burned, by what it borders on."""


def verb(phrase: str, singular: str, plural: str) -> str:
    """The form of a verb that fits a noun phrase."""
    return plural if is_plural(phrase) else singular


def pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    """One of some phrases."""
    return options[int(rng.integers(len(options)))]


def _lake(rng: np.random.Generator, facts: Facts) -> str:
    part = facts.parts["lake"]
    small = part.largest < 0.02
    if part.pieces > 1:
        return f"{number(part.pieces)} {'ponds' if small else 'lakes'}"
    size = "small" if small else "large" if part.largest > 0.15 else ""
    options = ("a lake", "a dark lake") if not size else (f"a {size} lake", f"a {size} dark lake")
    return pick(rng, ("a pond", "a small lake") if small else options)


def _river(rng: np.random.Generator, facts: Facts) -> str:
    course = facts.course
    if course is None:
        return pick(rng, ("a narrow stream", "a stream", "a narrow watercourse"))
    width = "wide" if course.width > 110 else "narrow" if course.width < 45 else ""
    bend = "winding" if course.winding else pick(rng, ("", "gently curved"))
    words = [word for word in (width, bend) if word]
    if rng.random() < 0.3:
        words = words[:1]
    return " ".join(["a", *words, "river"])


def _town(rng: np.random.Generator, facts: Facts) -> str:
    part = facts.parts["town"]
    if part.share > 0.4:
        return pick(rng, ("a dense residential area", "a town with a grid of streets", "many houses in rows"))
    if part.share > 0.12:
        return pick(rng, ("a town", "a residential area", "a small town with many houses"))
    if part.pieces > 1:
        return pick(rng, ("some scattered houses", "some small villages", f"{number(part.pieces)} groups of houses"))
    return pick(rng, ("a village", "some houses", "a small settlement"))
