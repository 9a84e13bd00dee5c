"""What a route may be told, beside the annotations that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from swath.errors import InputError

if TYPE_CHECKING:
    from swath.corpus.narrate.captioners import Captioner


@dataclass(frozen=True, slots=True)
class RouteOptions:
    """Options of the routes; each takes those that it has a use for.

    Attributes:
        images: the image folder, where it is not beside the annotations.
        sensor: name of the images' sensor; recognised by default.
        gsd: metres a pixel, where the annotations and the images do not tell; None claims no metres.
        size: side of the chips that scenes are cut into, in pixels; `stride`: the step between them (default `size`).
        classes: names of the classes: a label system, a table, ``1=water,0=land``, or a list of names.
        hierarchy: a CSV table ``class,parent`` of what is a kind of what.
        masks: label rasters: a file, a folder, a pattern.
        pair: (old, new): the mask of a scene has the scene's file name with `old` replaced by `new`.
        optical: source of the optical scenes; `optical_sensor`: their sensor.
        days: days between radar and optical image at most.
        overlap: share of a radar chip that its optical scene must cover.
        captioner: who captions the optical chips.
        more: further settings by name, for routes of one's own.
    """

    images: Path | None = None
    sensor: str | None = None
    gsd: float | None = None
    size: int = 256
    stride: int | None = None
    classes: str | None = None
    hierarchy: Path | None = None
    masks: str | None = None
    pair: tuple[str, str] | None = None
    optical: str | None = None
    optical_sensor: str | None = None
    days: float = 15.0
    overlap: float = 0.95
    captioner: Captioner | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.gsd is not None and not 0 < self.gsd < 1e5:
            raise InputError(f"a pixel of {self.gsd} metres is none; give --gsd in metres a pixel, or leave it out")
        if not 0 < self.overlap <= 1:
            raise InputError(f"overlap {self.overlap} must be a share above 0 and up to 1")
        if self.days < 0:
            raise InputError(f"{self.days} days apart cannot be; give a number of at least 0")
