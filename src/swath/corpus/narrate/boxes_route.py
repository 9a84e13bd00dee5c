"""Boxes to captions: COCO, YOLO and Pascal VOC annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from swath.corpus.narrate.box_facts import BoxTeller
from swath.corpus.narrate.boxes import BoxedImage
from swath.corpus.narrate.circumstances import with_circumstances
from swath.corpus.narrate.coco import read_coco
from swath.corpus.narrate.hierarchy import Hierarchy, read_hierarchy, thing
from swath.corpus.narrate.images import file_item, metres_a_pixel
from swath.corpus.narrate.material import Item, Material
from swath.corpus.narrate.options import RouteOptions
from swath.corpus.narrate.tables import read_text
from swath.corpus.narrate.telling import tell_each
from swath.corpus.narrate.voc import read_voc
from swath.corpus.narrate.yolo import read_yolo
from swath.data.annotations import ReadOptions, image_root
from swath.errors import DataError, SwathError


class BoxesRoute:
    """Reads boxes.

    Args:
        path: a COCO file (.json), a folder of YOLO labels (.txt), or Pascal VOC annotations (.xml, a file or a folder).
        options: `images`, `sensor`, `gsd`, `classes` (names of YOLO's classes, or the only classes that count),
            `hierarchy`.

    Raises:
        DataError: the annotations cannot be read, or no image with a box is there.
    """

    name = "boxes"

    def __init__(self, path: Path, options: RouteOptions) -> None:
        self.failures: list[str] = []
        names = _names(options.classes)
        images, root, above = self._read(path, options, names)
        if options.hierarchy is not None:
            above = {**above, **read_hierarchy(options.hierarchy)}
        self._hierarchy, self._gsd = Hierarchy(above), options.gsd
        self._known = None if names is None else frozenset(map(thing, names))
        self.settings: Mapping[str, object] = {
            "route": self.name, "gsd": options.gsd, "classes": names, "hierarchy": self._hierarchy.settings,
        }  # fmt: skip
        self._images: dict[str, BoxedImage] = {}
        items: list[Item] = []
        for image in images:
            if image.name in self._images:
                raise DataError(f"{path}: image {image.name!r:.80} is annotated twice")
            try:
                items.append(file_item(root, image.name, options.sensor, image.name, image.split))
            except SwathError as error:
                self.failures.append(str(error))
                continue
            self._images[image.name] = image
        if not items:
            raise DataError(f"no image of {path} can be used; first: {self.failures[0] if self.failures else 'none'}")
        self.items: Sequence[Item] = tuple(items)

    def tell(self, items: Sequence[Item]) -> list[Material | SwathError]:
        """Facts and statements of the boxes; an error for an image without one that can be used."""
        return tell_each(items, self._tell)

    def _tell(self, item: Item) -> Material:
        image = self._of_known_classes(self._images[item.name])
        window = item.chip.window
        if image.size is not None and image.size != (window.width, window.height):
            raise DataError(
                f"{image.name}: its annotation is of {image.size[0]} x {image.size[1]} pixels, the image has "
                f"{window.width} x {window.height}; the boxes do not belong to it"
            )
        if not image.boxes:
            raise DataError("; ".join(image.defects) or f"{image.name} has no boxes; nothing can be told")
        gsd = metres_a_pixel(item.chip, self._gsd)
        teller = BoxTeller(image, window.width, window.height, gsd, self._hierarchy)
        return with_circumstances(teller.material(), item.chip)

    def _of_known_classes(self, image: BoxedImage) -> BoxedImage:
        """The image without boxes of classes that are not among those given."""
        known = self._known
        if known is None:
            return image
        unknown = sorted({box.label for box in image.boxes if thing(box.label) not in known})
        defects = [f"{image.name}: unknown class {name!r}" for name in unknown]
        boxes = tuple(box for box in image.boxes if box.label not in unknown)
        return replace(image, boxes=boxes, defects=(*image.defects, *defects))

    def _read(
        self, path: Path, options: RouteOptions, names: list[str] | None
    ) -> tuple[list[BoxedImage], Path, dict[str, str]]:
        """The images, their folder, and class -> class above."""
        if path.suffix.lower() == ".json":
            images, above = read_coco(path)
            return images, image_root(path.parent, _shown(images), ReadOptions(options.images)), above
        if path.is_dir() and not any(path.rglob("*.xml")):
            images, root = read_yolo(path, options.images, names)
            return images, root, {}
        if not path.exists() or (path.is_file() and path.suffix.lower() != ".xml"):
            raise DataError(f"{path} is no COCO file (.json), VOC annotation (.xml) or folder of annotations")
        images, failures = read_voc(path)
        self.failures += failures
        folder = path if path.is_dir() else path.parent
        beside = folder.parent if folder.name == "Annotations" else folder
        return images, image_root(beside, _shown(images), ReadOptions(options.images)), {}


def _shown(images: Sequence[BoxedImage]) -> list[str]:
    return [image.name for image in images]


def _names(classes: str | None) -> list[str] | None:
    """Names of classes from ``ship,harbor`` or a text file with a name a line."""
    if classes is None:
        return None
    if classes.lower().endswith((".txt", ".names")):
        return [line.strip() for line in read_text(Path(classes)).splitlines() if line.strip()]
    return [name.strip() for name in classes.split(",") if name.strip()]
