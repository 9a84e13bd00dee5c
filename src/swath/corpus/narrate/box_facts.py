"""From boxes to facts and statements: how many, how large, where, how they lie to each other, what kind of thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from swath.corpus.facts import Fact, Facts
from swath.corpus.narrate.arrangement import arrange
from swath.corpus.narrate.boxes import Box, BoxedImage
from swath.corpus.narrate.hierarchy import Hierarchy, thing
from swath.corpus.narrate.material import Material
from swath.corpus.narrate.phrasing import a, counted, is_plural, listed, many, number, part_of_image, rounded, where
from swath.corpus.narrate.telling import Teller

_NEXT = 1.5
"""Two different things are next to each other within so many of their mean sizes."""

_FAR_SIDE = 0.25
"""One thing is left of another from this share of the image's width between their middles, and little up or down."""

_MOST_CLASSES = 5


@dataclass(frozen=True, slots=True)
class _Group:
    """The boxes of one class."""

    name: str
    boxes: tuple[Box, ...]
    known: bool  # whether their number is known

    @property
    def shown(self) -> str:
        """The class in the right number."""
        return self.name if len(self.boxes) == 1 else many(self.name)

    @property
    def be(self) -> str:
        return "is" if len(self.boxes) == 1 else "are"


class BoxTeller(Teller):
    """Tells what the boxes of one image say.

    Args:
        image: the image with its boxes.
        width: of the image in pixels; `height` likewise.
        gsd: metres a pixel; None claims no metres.
        hierarchy: what is a kind of what.
    """

    def __init__(self, image: BoxedImage, width: int, height: int, gsd: float | None, hierarchy: Hierarchy) -> None:
        super().__init__()
        self._image, self._width, self._height, self._gsd = image, width, height, gsd
        self._hierarchy = hierarchy
        members: dict[str, list[Box]] = {}
        for box in image.boxes:
            members.setdefault(thing(box.label), []).append(box)
        broken = {"*"} & image.broken or {thing(label) for label in image.broken}
        ordered = sorted(members, key=lambda name: (-len(members[name]), name))
        self._groups = [_Group(name, tuple(members[name]), not broken & {"*", name}) for name in ordered]

    def material(self) -> Material:
        """Facts and statements of the image."""
        self._whole()
        for group in self._groups[:_MOST_CLASSES]:
            self._positions(group)
            self._arrangement(group)
            self._sizes(group)
        self._relations()
        labels = dict.fromkeys(
            name for group in self._groups for name in (group.name, *self._hierarchy.line(group.name))
        )
        return Material(
            Facts(self._image.name, tuple(self._facts)), tuple(self._statements), tuple(labels), self._image.defects
        )

    def _whole(self) -> None:
        """How many of what."""
        parts, sources = [], []
        for group in self._groups[:_MOST_CLASSES]:
            source = f"boxes.{group.name}"
            sources.append(source)
            if group.known:
                self._facts.append(Fact("count", group.name, len(group.boxes), source))
            else:
                self._facts.append(Fact("label", "", group.name, source))
            some = len(group.boxes) == 1 or not group.known
            parts.append(a(group.name) if len(group.boxes) == 1 else many(group.name) if some else _counted(group))
        told = listed(parts)
        be = "is" if len(self._groups) == 1 and not is_plural(parts[0]) and len(self._groups[0].boxes) == 1 else "are"
        wordings = [
            f"the radar image shows {told}",
            f"there {be} {told} in the image",
            f"{told} {be} visible in the SAR image",
        ]
        fragments = (f"a SAR image with {told}", f"{told} seen by radar")
        self._say("count", wordings, sources, follows=False, fragments=fragments)
        self._kinds()

    def _kinds(self) -> None:
        """The class above: of all classes together, or of the only one."""
        names = [group.name for group in self._groups]
        common = self._hierarchy.common(names)
        sources = [f"boxes.{name}" for name in names]
        if (
            common
            and all(group.known for group in self._groups)
            and len(names) <= _MOST_CLASSES
            and common not in names
        ):
            total = sum(len(group.boxes) for group in self._groups)
            each = listed([counted(len(group.boxes), group.name) for group in self._groups])
            self._facts.append(Fact("count", common, total, "boxes"))
            self._say(
                "kind",
                [f"the {counted(total, common)} are {each}", f"{counted(total, common)} can be made out: {each}"],
                sources,
            )
        elif len(names) == 1 and (line := self._hierarchy.line(names[0])):
            self._facts.append(Fact("label", "", line[0], sources[0]))
            group = self._groups[0]
            kind = a(line[0]) if len(group.boxes) == 1 else many(line[0])
            article = "the " if len(group.boxes) == 1 or group.known else ""
            self._say("kind", [f"{article}{group.shown} {group.be} {kind}"], [sources[0], "hierarchy"], opens=False)

    def _positions(self, group: _Group) -> None:
        """Where in the image the things of a class lie: most of them, or the only one."""
        places = Counter(self._part(box) for box in group.boxes)
        source = f"boxes.{group.name}.position"
        (part, held), total = places.most_common(1)[0], len(group.boxes)
        for other in places:
            self._facts.append(Fact("position", group.name, other, source))
        sources = [f"boxes.{group.name}", source]
        if total == 1:
            self._say("position", [
                f"the {group.name} lies {where(part)} of the image", f"the {group.name} is {where(part)}",
            ], sources, fragments=(f"{a(group.name)} {where(part)} of a SAR image",))  # fmt: skip
        elif held == total:
            self._say("position", [f"all {many(group.name)} lie {where(part)} of the image"], sources)
        elif total == 2 and len(places) == 2:
            one, two = places
            self._say("position", [f"the {many(group.name)} lie {where(one)} and {where(two)} of the image"], sources)
        elif held > total / 2:
            self._say("position", [
                f"most of the {many(group.name)} lie {where(part)} of the image",
                f"the {many(group.name)} are mostly {where(part)}",
            ], sources)  # fmt: skip

    def _arrangement(self, group: _Group) -> None:
        """Rows, clusters, things alone, things spread."""
        if len(group.boxes) < 2 or not group.known:
            return
        centres = np.array([box.centre for box in group.boxes])
        sizes = np.array([box.sides[0] for box in group.boxes])
        found = arrange(centres, sizes, self._width, self._height)
        names, total, source = many(group.name), len(group.boxes), f"boxes.{group.name}.arrangement"
        wordings: list[str] = []
        if found.row is not None:
            way = {"horizontal": "horizontally", "vertical": "vertically", "diagonal": "diagonally"}[found.row]
            wordings = [f"the {names} form a {found.row} row", f"the {names} are lined up {way}"]
        elif found.clusters and len(found.clusters[0]) == total:
            wordings = [f"the {names} lie close together", f"the {names} form one group"]
        elif found.clusters:
            held = len(found.clusters[0])
            part = self._part_of(centres[list(found.clusters[0])].mean(axis=0))
            wordings = [f"{number(held)} of the {names} form a group {where(part)}"]
            self._facts.append(Fact("count", f"{group.name} in a group", held, source))
        elif len(found.alone) == total:
            wordings = [f"the {names} lie far apart from each other", f"the {names} are far apart"]
        elif found.spread:
            wordings = [f"the {names} are spread over the image", f"the {names} are scattered over the scene"]
        if wordings:
            self._facts.append(Fact("statement", "", wordings[0], source))
            self._say("arrangement", wordings, [f"boxes.{group.name}", source])

    def _sizes(self, group: _Group) -> None:
        """Metres: of the only thing, or of the longest and the shortest of several."""
        whole = [box for box in group.boxes if box.inside(self._width, self._height, 0.5)]
        if self._gsd is None or not whole or len(whole) < len(group.boxes):
            return
        lengths = [rounded(box.sides[0] * self._gsd, self._gsd) for box in whole]
        sources = [f"boxes.{group.name}", f"boxes.{group.name}.size"]
        self._facts += [Fact("length", group.name, float(value), sources[1]) for value in sorted(set(lengths))]
        longest, shortest = max(lengths), min(lengths)
        if len(whole) == 1:
            self._only_size(group, whole[0], longest, sources)
        elif longest > 1.2 * shortest:
            self._say("size", [
                f"the longest {group.name} is about {longest} metres long, the shortest {group.name} {shortest} metres",
                f"the {many(group.name)} are between {shortest} metres and {longest} metres long",
            ], sources)  # fmt: skip
        else:
            self._say("size", [f"each {group.name} is about {longest} metres long"] if longest == shortest else [
                f"the {many(group.name)} are about {shortest} metres to {longest} metres long",
            ], sources)  # fmt: skip

    def _only_size(self, group: _Group, box: Box, length: int, sources: list[str]) -> None:
        width = rounded(box.sides[1] * (self._gsd or 0.0), self._gsd or 1.0)
        if box.oriented:
            self._facts.append(Fact("width", group.name, float(width), sources[1]))
            told = f"the {group.name} is about {length} metres long and {width} metres wide"
            self._say("size", [told], sources, fragments=(f"{a(group.name)} about {length} metres long",))
        else:
            self._say("size", [f"the {group.name} measures about {length} metres along its longer side"], sources)

    def _relations(self) -> None:
        """Two single things of different classes: next to each other, or one left of or above the other."""
        singles = [group for group in self._groups if len(group.boxes) == 1 and group.known][:4]
        for place, first in enumerate(singles):
            for second in singles[place + 1 :]:
                self._relation(first, second)

    def _relation(self, first: _Group, second: _Group) -> None:
        (x1, y1), (x2, y2) = first.boxes[0].centre, second.boxes[0].centre
        across, down = (x2 - x1) / self._width, (y2 - y1) / self._height
        size = (first.boxes[0].sides[0] + second.boxes[0].sides[0]) / 2
        if np.hypot(x2 - x1, y2 - y1) <= _NEXT * size:
            words = "next to"
        elif abs(across) >= _FAR_SIDE and abs(down) < abs(across) / 2:
            words = "to the left of" if across > 0 else "to the right of"
        else:
            return
        source = f"boxes.{first.name}.{second.name}"
        text = f"the {first.name} lies {words} the {second.name}"
        self._facts.append(Fact("statement", "", text, source))
        self._say("relation", [text, f"{a(first.name)} {words} {a(second.name)}"][:1], [f"boxes.{first.name}", source])

    def _part(self, box: Box) -> str:
        return self._part_of(box.centre)

    def _part_of(self, point: Sequence[float]) -> str:
        across, down = float(point[0]) / self._width, float(point[1]) / self._height
        return part_of_image(min(max(across, 0.0), 1.0), min(max(down, 0.0), 1.0))


def _counted(group: _Group) -> str:
    return counted(len(group.boxes), group.name)
