"""Masks to captions: label rasters under the chips of scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from swath.corpus.landmark.evidence import LabelRasters
from swath.corpus.narrate.circumstances import with_circumstances
from swath.corpus.narrate.images import chip_items, pixel_area
from swath.corpus.narrate.mask_classes import read_classes
from swath.corpus.narrate.mask_facts import MaskTeller
from swath.corpus.narrate.material import Item, Material
from swath.corpus.narrate.options import RouteOptions
from swath.corpus.narrate.regions import regions_of
from swath.corpus.narrate.telling import tell_each
from swath.data.labels.systems import NODATA
from swath.errors import DataError, InputError, SwathError
from swath.raster import read_chip
from swath.sources import cut, open_source

LABELLED = 0.9
"""Share of an image's valid pixels that its mask must know."""


class MasksRoute:
    """Cuts scenes into chips and reads the masks under them.

    Args:
        source: scenes: a folder, a GeoTIFF, STAC items, a GeoParquet table.
        options: `masks` and `classes` are needed; `pair`, `sensor`, `size`, `stride`, `gsd`.

    Raises:
        InputError: no masks or classes are named.
        DataError: no mask or no scene is there.
    """

    name = "masks"

    def __init__(self, source: str, options: RouteOptions) -> None:
        if options.masks is None or options.classes is None:
            raise InputError(
                "masks need --masks RASTERS and --classes (1=water,0=land, a label system, or a table code,name,label)"
            )
        self._classes = read_classes(options.classes)
        self._masks = LabelRasters(options.masks, self._classes.system, options.pair)
        self._gsd = options.gsd
        scenes = open_source(source, sensor=options.sensor)
        # A pattern may also find the masks themselves among the images.
        chips = [
            chip for chip in cut(scenes, options.size, options.stride) if chip.scene.href not in set(self._masks.files)
        ]
        self.items: Sequence[Item] = chip_items(chips)
        self.failures = [f"{failure.href}: {failure.reason}" for failure in scenes.failures]
        if not self.items:
            raise DataError(f"{source} has no scene that can be used{': ' + self.failures[0] if self.failures else ''}")
        self.settings: Mapping[str, object] = {
            "route": self.name,
            "masks": self._masks.settings,
            "classes": {str(code): entry.phrase for code, entry in self._classes.by_code.items()},
            "gsd": options.gsd,
        }

    def tell(self, items: Sequence[Item]) -> list[Material | SwathError]:
        """Facts and statements of the masks under the chips."""
        return tell_each(items, self._tell)

    def _tell(self, item: Item) -> Material:
        valid = read_chip(item.chip).valid
        codes, known, files = self._masks.codes(item.chip, valid.shape)
        strange = sorted(set(np.unique(codes[known]).tolist()) - set(self._classes.system.by_code))
        where = f"{item.name} ({', '.join(files[:2]) or 'no mask under it'})"
        if strange:
            raise DataError(f"{where}: unknown class {', '.join(map(str, strange[:5]))}; name it with --classes")
        empty = [code for code, entry in self._classes.system.by_code.items() if entry.label == NODATA]
        known = known & valid & ~np.isin(codes, empty)
        if np.count_nonzero(known) < LABELLED * np.count_nonzero(valid):
            raise DataError(f"{where}: the mask knows less than {LABELLED:.0%} of the image; it is left out")
        pixel = pixel_area(item.chip, self._gsd)
        teller = MaskTeller(item.name, regions_of(codes, known), self._classes.by_code, pixel)
        return with_circumstances(teller.material(), item.chip)
