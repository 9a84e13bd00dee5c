# ruff: noqa: E501 - a pattern and its test stand together
"""An independent reading of narrated captions: every sentence is parsed here and held against the raw annotation.

It shares no code with the narrator: patterns are its own, regions are measured with scipy, and a sentence that no pattern
reads counts as an error. What is measured on two ways (shapes, places) must agree within a tolerance.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from scipy import ndimage

Check = tuple[re.Pattern[str], Callable[[re.Match[str]], bool]]

WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
COUNT = r"(?:\d+|" + "|".join(WORDS[1:]) + ")"
PLACE = r"(?:in the (?:upper|lower) (?:left|right)|in the middle|on the (?:left|right)|at the (?:top|bottom))"
MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
SHARES = {
    "almost all": (0.9, 0.99), "most": (0.69, 0.91), "more than half": (0.5, 0.71), "about half": (0.44, 0.56),
    "about a third": (0.29, 0.38), "about a quarter": (0.21, 0.29), "about a fifth": (0.16, 0.23),
    "about a tenth": (0.08, 0.12), "a small part": (0.0, 0.055),
}  # fmt: skip
COLOURS = [
    "red",
    "orange",
    "yellow",
    "golden",
    "green",
    "blue",
    "cyan",
    "turquoise",
    "purple",
    "violet",
    "pink",
    "brown",
    "khaki",
    "black",
    "white",
    "gray",
    "grey",
    "silver",
]


def sentences(text: str) -> list[str]:
    """The sentences of a caption, without full stops, in lower case."""
    return [part.rstrip(".").lower() for part in re.split(r"(?<=\.)\s+(?=[A-Z0-9])", text.strip())]


def errors(text: str, checks: Sequence[Check]) -> list[str]:
    """Sentences of a caption that are not true, or that nothing here understands."""
    wrong = []
    for sentence in sentences(text):
        matches = [(match, test) for pattern, test in checks if (match := pattern.fullmatch(sentence)) is not None]
        if not matches:
            wrong.append(f"not understood: {sentence}")
        elif not any(test(match) for match, test in matches):
            wrong.append(f"not true: {sentence}")
    return wrong


def value(word: str) -> int:
    """A number word or digits as a number."""
    return WORDS.index(word) if word in WORDS else int(word)


def _check(pattern: str, test: Callable[[re.Match[str]], bool]) -> Check:
    return re.compile(pattern), test


def circumstances(moment: datetime | None, lonlat: tuple[float, float] | None) -> list[Check]:
    """Sentences about date and place."""

    def dated(match: re.Match[str]) -> bool:
        if moment is None:
            return False
        day, month, year = match["day"], match["month"], match["year"]
        season = match.groupdict().get("season")
        right = month == MONTHS[moment.month - 1] and int(year) == moment.year
        if season is not None:
            north = lonlat is not None and lonlat[1] > 0
            index = (moment.month % 12 // 3 + (0 if north else 2)) % 4
            right &= season == ("winter", "spring", "summer", "autumn")[index]
        return right and (day is None or int(day) == moment.day)

    def placed(match: re.Match[str]) -> bool:
        return lonlat is not None and _degrees(match, lonlat)

    date = rf"(?P<day>\d+ )?(?P<month>{'|'.join(MONTHS)}) (?P<year>\d{{4}})"
    return [
        _check(rf"(?:the image was taken in|the image dates from|sentinel-1 took the image on) {date}", dated),
        _check(rf"the image was taken in (?P<season>\w+), in {date}", dated),
        _check(rf"(?:the scene lies at|the image is centred on) {DEGREES}", placed),
    ]


DEGREES = r"(?P<lat>[\d.]+) degrees (?P<ns>north|south), (?P<lon>[\d.]+) degrees (?P<ew>east|west)"


def _degrees(match: re.Match[str], lonlat: tuple[float, float]) -> bool:
    lon = float(match["lon"]) * (1 if match["ew"] == "east" else -1)
    lat = float(match["lat"]) * (1 if match["ns"] == "north" else -1)
    return abs(lon - lonlat[0]) < 0.006 and abs(lat - lonlat[1]) < 0.006


KINDS = {
    "cargo": ("cargo", "carrier", "container", "reefer"), "tanker": ("tanker",), "passenger": ("passenger",),
}  # fmt: skip


def ship_checks(record: Mapping[str, Any]) -> list[Check]:
    """What may be said of an OpenSARShip record."""
    length, width = float(record["length_m"]), float(record["width_m"])
    fields = f"{record['elaborated_type']} {record['ship_class']}".lower()
    year, month, rest = record["utc"].split("/")
    day, clock = rest.split(".")
    hour, minute, _ = (int(part) for part in clock.split(":"))
    place = float(record["lon"]), float(record["lat"])

    def kind(words: str) -> bool:
        size, _, thing = words.partition(" ") if words.split()[0] in ("large", "small") else ("", "", words)
        if (size == "large" and length < 200) or (size == "small" and not 0 < length < 60):
            return False
        heads = {"cargo ship": "cargo", "passenger ship": "passenger", "fishing vessel": "fishing", "tug": "tug"}
        if thing == "ship":
            return True
        if thing in heads:
            return any(word in fields for word in KINDS.get(heads[thing], (heads[thing],)))
        return any(word in fields for word in re.split(r"[ -]", thing) if word not in ("ship", "vessel", "and"))

    def long(text: str) -> bool:
        return length > 0 and int(text) == round(length)

    def wide(text: str) -> bool:
        return width > 0 and int(text) == round(width)

    def when(match: re.Match[str]) -> bool:
        return match["date"] == f"{int(day)} {MONTHS[int(month) - 1]} {int(year)}"

    def polarised(match: re.Match[str]) -> bool:
        return (match.groupdict().get("pol") or record["pol"]) == record["pol"]

    thing, date = r"(?:an? |the )?(?P<kind>[\w -]+?)", rf"(?P<date>\d+ (?:{'|'.join(MONTHS)}) \d{{4}})"
    pol, metres = r"(?: in (?P<pol>v[vh]|h[vh]) polarisation)?", r"(?P<long>\d+) metres"
    across = r"(?P<wide>\d+) metres"

    def whole(match: re.Match[str]) -> bool:
        found = match.groupdict()
        return (
            kind(match["kind"]) and polarised(match)
            and (found.get("long") is None or long(match["long"])) and (found.get("wide") is None or wide(match["wide"]))
            and (found.get("date") is None or when(match)) and (found.get("lat") is None or _degrees(match, place))
        )  # fmt: skip

    def types(match: re.Match[str]) -> bool:
        return kind(match["kind"]) and kind(match["above"])

    return [
        _check(rf"(?:the radar image|this sar image{pol}) shows {thing}", whole),
        _check(rf"{thing} in a sar image{pol}", whole),
        _check(rf"a sentinel-1 radar image of {thing}", whole),
        _check(rf"the sar image shows {thing} with a length of {metres}", whole),
        _check(rf"{thing} with a length of {metres}, seen by radar{pol}", whole),
        _check(rf"a sar image{pol} of {thing} that is {metres} long", whole),
        _check(rf"{thing}(?: is)? {metres} long(?: and {across} wide)?", whole),
        _check(rf"{thing} (?:measures|of) {metres} from bow to stern and {across} across", whole),
        _check(rf"from bow to stern {thing} measures {metres}", whole),
        _check(rf"{thing} has a length of {metres} and a beam of {across}", whole),
        _check(rf"(?:the ship is) {thing}, which is a type of (?P<above>[\w -]+)", types),
        _check(r"the (?P<above>[\w -]+) in the image is an? (?P<kind>[\w -]+)", types),
        _check(rf"on {date} {thing} was at {DEGREES}", whole),
        _check(rf"{thing} was seen by sentinel-1 on {date}, at {DEGREES}", whole),
        _check(rf"{thing} imaged on {date} at {DEGREES}", whole),
        _check(
            rf"(?:the image was taken on {date} at|sentinel-1 passed at) (?P<time>\d\d:\d\d) utc(?: on (?P<late>.+))?",
            lambda match: match["time"] == f"{hour:02d}:{minute:02d}"
            and (match["date"] or match["late"]) == f"{int(day)} {MONTHS[int(month) - 1]} {int(year)}",
        ),
        _check(r"the polarisation is (?P<pol>\w\w)|the radar sends and receives in (?P<pol2>\w\w) polarisation",
               lambda match: (match["pol"] or match["pol2"]) == record["pol"]),
        _check(r"it is a (?P<way>co|cross)-polarised image \((?P<pol>\w\w)\)",
               lambda match: polarised(match) and (match["way"] == "co") == (match["pol"][0] == match["pol"][1])),
        _check(r"(?:the incidence angle is|the radar looks down at an incidence angle of) (?P<angle>\d+) degrees",
               lambda match: abs(int(match["angle"]) - float(record["incidence"])) <= 0.56),
    ]  # fmt: skip


class Mask:
    """A label raster, measured with scipy.

    Args:
        codes: (H, W) classes.
        known: (H, W) False where there is none.
        names: code -> name in the singular.
        pixel: square metres a pixel, or None.
    """

    def __init__(self, codes: np.ndarray, known: np.ndarray, names: Mapping[int, str], pixel: float | None) -> None:
        self.codes, self.known, self.pixel = codes, known, pixel
        self.forms: dict[str, int] = {}
        for code, name in names.items():
            for form in (name, name + "s", name + "es", name[:-1] + "ies"):
                for article in ("", "the ", "a ", "an "):
                    self.forms.setdefault((article + form).lower(), code)
        self.total = int(known.sum())

    def mask(self, form: str) -> np.ndarray:
        """Where a class is."""
        return (self.codes == self.forms[form]) & self.known

    def share(self, form: str) -> float:
        """The part of the known pixels that a class has."""
        return float(self.mask(form).sum() / self.total)

    def pieces(self, form: str) -> np.ndarray:
        """Areas of the patches of a class, the largest first."""
        labels, count = ndimage.label(self.mask(form))
        return np.sort(np.bincount(labels.ravel(), minlength=count + 1)[1:])[::-1]

    def largest(self, form: str) -> np.ndarray:
        """The largest patch of a class."""
        labels, count = ndimage.label(self.mask(form))
        if not count:
            return labels > 0
        return labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))

    def lies(self, form: str, place: str) -> bool:
        """Whether a place says where most of a class is."""
        rows, cols = np.nonzero(self.mask(form))
        if not len(rows):
            return False
        down, right = (rows + 0.5) / self.codes.shape[0], (cols + 0.5) / self.codes.shape[1]
        words = set(place.split())
        tall = 0 if words & {"upper", "top"} else 2 if words & {"lower", "bottom"} else 1
        wide = 0 if "left" in words else 2 if "right" in words else 1
        ninth = float(
            np.mean(
                (np.minimum(down * 3, 2.999).astype(int) == tall) & (np.minimum(right * 3, 2.999).astype(int) == wide)
            )
        )
        if ninth >= 0.55:
            return True
        halves = {"left": right < 0.5, "right": right >= 0.5, "top": down < 0.5, "bottom": down >= 0.5}
        return any(word in words and np.mean(half) >= 0.77 for word, half in halves.items())

    def elongation(self, form: str) -> float:
        """Axes' ratio of the largest patch."""
        points = np.argwhere(self.largest(form)).astype(float)
        if len(points) < 3:
            return 1.0
        values = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        return float(values[0] / max(values[1], 0.29 * math.sqrt(len(points))))

    def outline(self, form: str) -> float:
        """Share of the largest patch's pixels that lie on its outline, against that of a disc of its area."""
        patch = self.largest(form)
        inner = ndimage.binary_erosion(patch, border_value=0)
        area = patch.sum()
        return float((area - inner.sum()) / max(2 * math.sqrt(math.pi * area), 1e-9))

    def contact(self, one: str, other: str) -> float:
        """Share of the other known pixels around a class that are of another."""
        mask = self.mask(one)
        ring = ndimage.binary_dilation(mask) & ~mask & self.known
        return float((self.mask(other) & ring).sum() / max(ring.sum(), 1))


def mask_checks(mask: Mask) -> list[Check]:
    """What may be said of a label raster."""
    name = "|".join(sorted(map(re.escape, mask.forms), key=len, reverse=True))
    item, what = rf"(?:{name})(?: {PLACE})?", rf"(?P<what>{name})"
    listing = rf"(?P<list>{item}(?:, {item})*(?: and {item})?)"
    single = re.compile(rf"({name})(?: ({PLACE}))?(?=,| and |$)")

    def listed(text: str) -> bool:
        at, good = 0, True
        while at < len(text):
            found = single.match(text, at)
            if found is None:
                return False
            good &= mask.share(found[1]) >= 0.0095 and (found[2] is None or mask.lies(found[1], found[2]))
            at = found.end()
            at += len(re.match(r"(?:, | and )?", text[at:])[0])  # type: ignore[index]
        return good

    def mostly(match: re.Match[str]) -> bool:
        return mask.share(match["what"]) >= 0.55 and listed(match["list"])

    def part(match: re.Match[str]) -> bool:
        share, told = mask.share(match["what"]), match["part"]
        if told.startswith("about") and "percent" in told:
            return abs(int(told.split()[1]) - 100 * share) <= 0.51
        low, high = SHARES[told]
        return low <= share <= high

    def counted(match: re.Match[str]) -> bool:
        return value(match["count"]) == len(mask.pieces(match["what"]))

    def several(match: re.Match[str]) -> bool:
        return (
            np.count_nonzero(mask.pieces(match["what"]) >= 0.004 * mask.total)
            >= {"many": 9, "several": 3}[match["some"]]
        )

    def shape(match: re.Match[str]) -> bool:
        told = match["shape"]
        if "narrow" in told:
            return mask.elongation(match["what"]) >= 3.0
        if "compact" in told:
            return mask.elongation(match["what"]) <= 1.8 and mask.outline(match["what"]) < 2.0
        return mask.outline(match["what"]) >= 1.3

    def band(match: re.Match[str]) -> bool:
        patch = mask.largest(match["what"])
        lines = (patch[:, 0], patch[:, -1]) if "left" in match["way"] else (patch[0], patch[-1])
        return all(line.any() for line in lines)

    def area(match: re.Match[str]) -> bool:
        if mask.pixel is None:
            return False
        hectares, told = mask.mask(match["what"]).sum() * mask.pixel / 1e4, int(match["area"])
        return abs(told - hectares) <= max(0.51, 0.051 * hectares)

    which = rf"the (?:largest )?(?:patch of )?{what}"
    filled = rf"(?:the radar image shows(?: nothing but)?|the whole scene is|a sar image of) {what}"
    return [
        _check(rf"{filled}|(?P<what2>{name}) (?:covers?|fills?) the (?:whole image|sar image)|(?P<what3>{name}) seen by radar",
               lambda match: mask.share(match["what"] or match["what2"] or match["what3"]) >= 0.97),
        _check(rf"(?:the radar image shows mostly|most of the scene is) {what}, with {listing}", mostly),
        _check(rf"(?:a sar image of )?{what} with {listing}", mostly),
        _check(rf"(?:the radar image shows|the sar image is made up of|a sar image of) {listing}", lambda match: listed(match["list"])),
        _check(rf"{listing}, seen by radar", lambda match: listed(match["list"])),
        _check(rf"{what} (?:covers?|takes? up) (?P<part>about \d+ percent|{'|'.join(SHARES)}) of the (?:image|scene)", part),
        _check(rf"(?P<part>about \d+ percent) of the area is covered by {what}", part),
        _check(rf"{what} lies? mainly (?P<place>{PLACE}) of the image|most of (?P<what2>{name}) (?:is|are) (?P<place2>{PLACE})",
               lambda match: mask.lies(match["what"] or match["what2"], match["place"] or match["place2"])),
        _check(rf"there are (?P<count>{COUNT}) (?:separate patches of )?{what}(?: in the image)?", counted),
        _check(rf"{what} forms? (?P<count>{COUNT}) separate patches|(?P<count2>{COUNT}) (?P<what2>{name}) can be seen",
               lambda match: counted(match) if match["count"] else value(match["count2"]) == len(mask.pieces(match["what2"]))),
        _check(rf"the image holds (?P<some>many|several) separate (?:patches of )?{what}", several),
        _check(rf"(?P<some>many|several) (?:patches of )?{what} are scattered over the scene", several),
        _check(rf"{which} (?P<shape>is long and narrow|has a long, narrow shape|has a ragged outline|has a compact shape|is compact)", shape),
        _check(rf"(?P<shape>the outline of) {which} is irregular", shape),
        _check(rf"(?:a band of |the largest |the ){what} (?:runs through the image|stretches across the scene) (?P<way>from left to right|from top to bottom)", band),
        _check(rf"{what} covers? about (?P<area>\d+) hectares?", area),
        _check(rf"{what} (?:lies? next to|borders? on) (?P<other>{name})", lambda match: mask.contact(match["what"], match["other"]) >= 0.15),
        _check(rf"{what} (?:is|are) surrounded by (?P<other>{name})", lambda match: mask.contact(match["what"], match["other"]) >= 0.85),
    ]  # fmt: skip


def box_checks(
    boxes: Sequence[tuple[str, float, float, float, float]],
    size: tuple[int, int],
    gsd: float | None,
    kinds: Mapping[str, str],
) -> list[Check]:
    """What may be said of boxes.

    Args:
        boxes: (name in the singular, x, y, width, height) of each, in pixels, upright.
        size: (width, height) of the image.
        gsd: metres a pixel; None allows no metres.
        kinds: name -> what it is a kind of.
    """
    forms: dict[str, str] = {}
    for name in {*(box[0] for box in boxes), *kinds.values()}:
        for form in (name, name + "s", name + "es"):
            for article in ("", "the ", "a ", "an "):
                forms.setdefault(article + form, name)
    alternatives = "|".join(sorted(map(re.escape, forms), key=len, reverse=True))
    what = rf"(?P<what>{alternatives})"
    item = rf"(?:{COUNT} )?(?:{alternatives})"

    def of(form: str) -> list[tuple[float, float, float, float]]:
        return [box[1:] for box in boxes if box[0] == forms[form] or kinds.get(box[0]) == forms[form]]

    def listed(text: str) -> bool:
        parts = re.split(r", | and ", text)
        return all(_counted(part) for part in parts)

    def _counted(part: str) -> bool:
        words = part.split(" ", 1)
        if len(words) == 2 and (words[0] in WORDS or words[0].isdigit()):
            return value(words[0]) == len(of(words[1]))
        return len(of(part)) == 1 if part.startswith(("a ", "an ")) else bool(of(part))

    def cell(box: tuple[float, float, float, float]) -> tuple[int, int]:
        x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
        return min(int(3 * x / size[0]), 2), min(int(3 * y / size[1]), 2)

    def at(place: str) -> tuple[int, int]:
        words = set(place.split())
        return (0 if "left" in words else 2 if "right" in words else 1,
                0 if words & {"upper", "top"} else 2 if words & {"lower", "bottom"} else 1)  # fmt: skip

    def share(match: re.Match[str], least: float) -> bool:
        found = of(match["what"])
        return bool(found) and sum(cell(box) == at(match["place"]) for box in found) / len(found) >= least

    def lengths(form: str) -> list[float]:
        return [max(box[2], box[3]) * (gsd or math.nan) for box in of(form)]

    def near(told: str, metres: float) -> bool:
        return abs(int(told) - metres) <= max(0.51 * max(gsd or 0.0, 1.0), 0.051 * metres)

    def row(match: re.Match[str]) -> bool:
        points = np.array([(box[0] + box[2] / 2, box[1] + box[3] / 2) for box in of(match["what"])])
        spread = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(points.T)), 0))
        wide, tall = np.ptp(points, axis=0)
        ways = {"horizontal": wide > 1.9 * tall, "vertical": tall > 1.9 * wide, "diagonal": min(wide, tall) > 0}
        return len(points) >= 3 and spread[0] <= 0.12 * spread[1] and bool(ways[match["way"]])

    def beside(match: re.Match[str]) -> bool:
        (one,), (other,) = of(match["what"]), of(match["other"])
        dx = (other[0] + other[2] / 2) - (one[0] + one[2] / 2)
        if match["how"] == "next to":
            return abs(dx) <= 1.6 * (max(one[2:]) + max(other[2:])) / 2
        return dx > 0 if "left" in match["how"] else dx < 0

    listing = rf"(?P<list>{item}(?:, {item})*(?: and {item})?)"
    one = lambda match: listed(match["list"])  # noqa: E731
    return [
        _check(rf"(?:the radar image shows|a sar image with) {listing}", one),
        _check(rf"there (?:is|are) {listing} in the image|(?P<list2>.+) (?:is|are) visible in the sar image|(?P<list3>.+) seen by radar",
               lambda match: listed(match["list"] or match["list2"] or match["list3"])),
        _check(rf"the (?P<count>{COUNT}) {what} are {listing}|(?P<count2>{COUNT}) (?P<what2>{alternatives}) can be made out: (?P<list2>.+)",
               lambda match: value(match["count"] or match["count2"]) == len(of(match["what"] or match["what2"])) and listed(match["list"] or match["list2"])),
        _check(rf"{what} (?:is|are) (?P<kind>{alternatives})", lambda match: forms[match["kind"]] == kinds.get(forms[match["what"]])),
        _check(rf"{what} (?:lies|is) (?P<place>{PLACE})(?: of the image)?|(?P<what2>{alternatives}) (?P<place2>{PLACE}) of a sar image",
               lambda match: cell(of(match["what"] or match["what2"])[0]) == at(match["place"] or match["place2"])),
        _check(rf"all {what} lie (?P<place>{PLACE}) of the image", lambda match: share(match, 1.0)),
        _check(rf"{what} lie (?P<place>{PLACE}) and (?P<place2>{PLACE}) of the image",
               lambda match: sorted(map(cell, of(match["what"]))) == sorted((at(match["place"]), at(match["place2"])))),
        _check(rf"(?:most of )?{what} (?:lie|are mostly) (?P<place>{PLACE})(?: of the image)?", lambda match: share(match, 0.501)),
        _check(rf"{what} (?:form a|are lined up) (?P<way>horizontal|vertical|diagonal)(?:ly| row)", row),
        _check(rf"{what} (?:lie close together|form one group|lie far apart from each other|are far apart|are spread over the image|are scattered over the scene)",
               lambda match: len(of(match["what"])) >= 2),
        _check(rf"(?P<count>{COUNT}) of {what} form a group (?P<place>{PLACE})", lambda match: 3 <= value(match["count"]) < len(of(match["what"]))),
        _check(rf"{what} measures about (?P<long>\d+) metres along its longer side|(?P<what2>{alternatives}) (?:is )?about (?P<long2>\d+) metres long(?: and \d+ metres wide)?",
               lambda match: near(match["long"] or match["long2"], lengths(match["what"] or match["what2"])[0])),
        _check(rf"the longest {what} is about (?P<long>\d+) metres long, the shortest (?P<what2>{alternatives}) (?P<short>\d+) metres",
               lambda match: near(match["long"], max(lengths(match["what"]))) and near(match["short"], min(lengths(match["what"])))),
        _check(rf"(?:each )?{what} (?:is|are) (?:between |about )?(?P<short>\d+) metres (?:and |to )?(?:(?P<long>\d+) metres )?long",
               lambda match: near(match["short"], min(lengths(match["what"]))) and near(match["long"] or match["short"], max(lengths(match["what"])))),
        _check(rf"{what} lies (?P<how>next to|to the left of|to the right of) (?P<other>{alternatives})", beside),
    ]  # fmt: skip


LEADS = ("in this radar image, ", "sar image: ")
MAY_ADD = frozenset({"radar", "image", "with", "show", "layover", "a", "an", "the"})


def pair_errors(text: str, source: str, moment: datetime | None, lonlat: tuple[float, float] | None) -> list[str]:
    """Sentences that say a word that the optical caption has not, or a colour."""
    own = set(re.findall(r"\w+", source.lower()))
    around = circumstances(moment, lonlat)
    wrong = []
    for sentence in sentences(text):
        if any(pattern.fullmatch(sentence) and test(pattern.fullmatch(sentence)) for pattern, test in around):  # type: ignore[arg-type]
            continue
        for lead in LEADS:
            sentence = sentence.removeprefix(lead)
        words = set(re.findall(r"\w+", sentence))
        if words - own - MAY_ADD or words & set(COLOURS):
            wrong.append(f"not in the source: {sentence} ({', '.join(sorted(words - own - MAY_ADD))})")
    return wrong
