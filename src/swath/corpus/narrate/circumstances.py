"""When, where and by what an image was taken: facts and statements that every route shares."""

from __future__ import annotations

from swath.chips import Chip
from swath.corpus.facts import Fact, Facts, place_of, text_of
from swath.corpus.gathering import facts_of
from swath.corpus.narrate.material import Material, Statement
from swath.corpus.seasons import MONTHS, degrees, parse_date, season
from swath.data.pairs import Pair
from swath.errors import DataError

_OPTICAL = frozenset({"s2"})
"""Families of sensors that are surely no radar; pictures of 8 bits may be either."""


def with_circumstances(material: Material, chip: Chip) -> Material:
    """The material with what the chip itself tells: sensor, date and place.

    Args:
        material: what a route knows of the chip.
        chip: the image; a picture of unknown origin is taken as radar, for that is what the narrator writes about.

    Raises:
        DataError: the image is certainly no radar image.
    """
    if chip.sensor.family in _OPTICAL:
        raise DataError(f"{material.facts.name} is {chip.sensor.title}, no radar image; name the right --sensor")
    found = [fact for fact in facts_of(Pair(chip)) if fact.kind in ("location", "date")]
    title = chip.sensor.title.partition(",")[0] if chip.sensor.family == "s1" else ""
    found.insert(0, Fact("sensor", "", f"{title} radar (SAR)".strip(), "sensor"))
    facts = Facts(material.facts.name, (*material.facts.items, *found))
    told = [statement for statement in (_when(facts, title), _where(facts)) if statement is not None]
    return Material(facts, (*material.statements, *told), material.labels, material.notes, material.origin)


def _when(facts: Facts, title: str) -> Statement | None:
    """The date, and the season where the place is known."""
    dates = facts.of("date")
    if not dates:
        return None
    moment = parse_date(text_of(dates[0]), facts.name)
    month = f"{MONTHS[moment.month - 1]} {moment.year}"
    wordings = [f"the image was taken in {month}", f"the image dates from {moment.day} {month}"]
    sources = ["sensor", dates[0].source]
    if title.startswith("Sentinel-1"):
        wordings.append(f"Sentinel-1 took the image on {moment.day} {month}")
    places = facts.of("location")
    name = season(moment, place_of(places[0])[1]) if places else None
    if name:
        wordings.append(f"the image was taken in {name}, in {month}")
        sources.append(places[0].source)
    return Statement("time", tuple(wordings), tuple(sources), opens=False)


def _where(facts: Facts) -> Statement | None:
    places = facts.of("location")
    if not places:
        return None
    at = degrees(*place_of(places[0]))
    return Statement(
        "location",
        (f"the scene lies at {at}", f"the image is centred on {at}"),
        ("sensor", places[0].source),
        opens=False,
    )
