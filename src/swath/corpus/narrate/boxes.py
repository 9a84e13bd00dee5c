"""`Box` and `BoxedImage`: what every box format is read into, and what a box must be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from swath.errors import DataError

Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Box:
    """One annotated thing.

    Attributes:
        label: its class as the annotation calls it.
        corners: its four corners in order around it, in pixels from the upper left corner of the image.
        source: where it stands ("boxes[3]").
        oriented: whether the box turns with the thing; the sides of other boxes bound it, and are no measure of it
            unless it lies along them.
    """

    label: str
    corners: Corners
    source: str
    oriented: bool = False

    @property
    def centre(self) -> Point:
        """(x, y) of its middle in pixels."""
        return sum(x for x, _ in self.corners) / 4, sum(y for _, y in self.corners) / 4

    @property
    def sides(self) -> tuple[float, float]:
        """(long, short) side in pixels."""
        one, two = math.dist(self.corners[0], self.corners[1]), math.dist(self.corners[1], self.corners[2])
        return max(one, two), min(one, two)

    @property
    def area(self) -> float:
        """Pixels that it covers (shoelace formula)."""
        pairs = zip(self.corners, (*self.corners[1:], self.corners[0]), strict=True)
        return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2

    def inside(self, width: float, height: float, slack: float = 1.0) -> bool:
        """Whether all of it lies in an image, but for `slack` pixels."""
        return all(-slack <= x <= width + slack and -slack <= y <= height + slack for x, y in self.corners)

    def overlaps(self, width: float, height: float) -> bool:
        """Whether its middle lies in an image."""
        x, y = self.centre
        return 0 <= x <= width and 0 <= y <= height


@dataclass(frozen=True, slots=True)
class BoxedImage:
    """One image with its boxes.

    Attributes:
        name: its path relative to the image folder.
        boxes: its boxes; `defects`: what was wrong with others, one entry each.
        size: (width, height) in pixels as the annotation gives it; None where it does not.
        broken: classes of which a box could not be used, so that their number is not known; ``*`` stands for all.
        split: the official split.
    """

    name: str
    boxes: tuple[Box, ...]
    defects: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    broken: frozenset[str] = frozenset()
    split: str = ""


def upright(x: float, y: float, width: float, height: float) -> Corners:
    """Corners of a horizontal box from its upper left corner and its sides."""
    return (x, y), (x + width, y), (x + width, y + height), (x, y + height)


def turned(x: float, y: float, width: float, height: float, radians: float) -> Corners:
    """Corners of a box from its middle, its sides and the angle of its first side."""
    cos, sin = math.cos(radians), math.sin(radians)
    along, across = (width / 2 * cos, width / 2 * sin), (-height / 2 * sin, height / 2 * cos)
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    one, two, three, four = ((x + s * along[0] + t * across[0], y + s * along[1] + t * across[1]) for s, t in signs)
    return one, two, three, four


def polygon(values: Sequence[float]) -> Corners:
    """Corners from eight numbers x1 y1 ... x4 y4."""
    one, two, three, four = ((values[at], values[at + 1]) for at in (0, 2, 4, 6))
    return one, two, three, four


def numbers(values: object, where: str) -> list[float]:
    """A list of finite numbers.

    Raises:
        DataError: it is something else; the message names `where`.
    """
    good = isinstance(values, list | tuple) and values
    try:
        found = [float(value) for value in values] if isinstance(values, list | tuple) else []
    except (TypeError, ValueError):
        found, good = [], False
    if not good or not all(map(math.isfinite, found)):
        raise DataError(f"{where}: a box must be a list of numbers; found {values!r:.80}")
    return found


class Gatherer:
    """Collects the boxes of one image; what cannot be used becomes a defect, and the number of its class unknown.

    Args:
        name: the image.
        size: (width, height) in pixels; None where unknown, then boxes are not held against it.
    """

    def __init__(self, name: str, size: tuple[int, int] | None) -> None:
        self._name, self._size = name, size
        self._boxes: list[Box] = []
        self._defects: list[str] = []
        self._broken: set[str] = set()

    def add(self, box: Box) -> None:
        """Take a box, unless it has no area or lies outside the image."""
        if box.area < 1e-6:
            self.refuse(f"{box.source} ({box.label}) has no area", box.label)
        elif self._size is not None and not box.overlaps(*self._size):
            x, y = box.centre
            self.refuse(
                f"{box.source} ({box.label}) at {x:.0f}, {y:.0f} lies outside the image of "
                f"{self._size[0]} x {self._size[1]} pixels",
                box.label,
            )
        else:
            self._boxes.append(box)

    def refuse(self, message: str, label: str = "*") -> None:
        """Note that a box cannot be used."""
        self._defects.append(f"{self._name}: {message}")
        self._broken.add(label)

    def image(self, split: str = "") -> BoxedImage:
        """The image with what was collected."""
        return BoxedImage(
            self._name, tuple(self._boxes), tuple(self._defects), self._size, frozenset(self._broken), split
        )
