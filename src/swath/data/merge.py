"""Join data sets into one without duplicates (EBAKER, section 4.1: RSICD + RSITMD + NWPU, p-hash threshold 2)."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from swath.chips import SceneRef
from swath.data.audit.duplicates import find_duplicates
from swath.data.audit.precedence import duplicate_exclusions
from swath.data.audit.scan import Progress, image_rows, scan
from swath.data.dataset import Dataset, Failure, require_distinct
from swath.data.exclusions import Exclusion, Exclusions, combine
from swath.data.karpathy import write_karpathy
from swath.data.pairs import Pair
from swath.errors import DataError

_UNSAFE = re.compile(r"[^\w.\-]+")


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What a merge made.

    Attributes:
        file: the annotation file; `read_dataset` reads it, or its folder.
        kept: images of each data set that are in it, by split.
        removed: what was left out, and why.
        failures: what reading the data sets had left out before, by data set.
    """

    file: Path
    kept: dict[str, dict[str, int]]
    removed: Exclusions
    failures: tuple[tuple[str, Failure], ...]

    @property
    def reasons(self) -> dict[str, int]:
        """How many things were left out, by reason."""
        return self.removed.reasons | dict(Counter(failure.kind for _, failure in self.failures))

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "file": str(self.file),
            "kept": self.kept,
            "reasons": self.reasons,
            "left_out": [asdict(entry) for entry in self.removed.entries],
            "failures": [{"dataset": name, **asdict(failure)} for name, failure in self.failures],
        }


def merge(
    datasets: Sequence[Dataset],
    folder: str | Path,
    *,
    name: str = "merged",
    threshold: int = 2,
    turned: bool = False,
    exclusions: Exclusions | None = None,
    images: Literal["link", "copy"] = "link",
    workers: int | None = None,
    progress: Progress | None = None,
) -> MergeReport:
    """Join data sets, leave duplicates and broken images out, and write the result in Karpathy layout.

    Of images that show the same, what is measured on stays: test before validation before training, then the order of
    `datasets`. Test images always stay. Every pair keeps its split and, in its provenance, its data set.

    Args:
        datasets: with different names, each from a folder; the first ones win.
        folder: a new folder; gets ``dataset_<name>.json``, ``images/<data set>/...`` and ``merge.json``, the report.
        name: the merged set's name.
        threshold: differing bits of perceptual hashes up to which images are duplicates.
        turned: also remove copies that are turned or mirrored.
        exclusions: things to leave out beforehand, such as an audit's list.
        images: link to each data set's image folder, or copy the images.
        workers: threads that read images.
        progress: told how far reading is.

    Raises:
        DataError: names that clash, a data set that is not of single image files, or a folder that is in use.
    """
    folder = Path(folder)
    _check(datasets, folder)
    # First, so that no image gives way to one that is left out itself.
    given = _of(datasets, exclusions or Exclusions(()))
    left = [given.apply(data) for data in datasets]
    found = scan(image_rows(left), workers, progress)
    broken = (Exclusion(one.dataset, one.split, one.image, "", "broken image", one.reason) for one in found.broken)
    seen = Exclusions((*broken, *duplicate_exclusions(find_duplicates(found, threshold, turned))))
    kept = [seen.apply(data) for data in left]
    try:
        (folder / "images").mkdir(parents=True)
        for data in kept:
            _place_images(data, folder / "images" / _folder_name(data), images)
        pairs = [_renamed(pair, data) for data in kept for pair in data]
        file = folder / f"dataset_{_UNSAFE.sub('_', name)}.json"
        write_karpathy(file, name, pairs)
        report = MergeReport(
            file,
            {data.name: dict(Counter(pair.split for pair in data)) for data in kept},
            combine([given, seen]),
            tuple((data.name, failure) for data in datasets for failure in data.failures),
        )
        text = json.dumps(report.to_dict(), indent=1, ensure_ascii=False)
        (folder / "merge.json").write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        hint = "; copy the images instead of linking to them" if images == "link" else ""
        raise DataError(f"the merged data set cannot be written to {folder}: {error}{hint}") from error
    return report


def _check(datasets: Sequence[Dataset], folder: Path) -> None:
    require_distinct([_folder_name(data) for data in datasets], "a merge needs")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} is in use; name a new folder for the merged data set")
    for data in datasets:
        for pair in data:
            data.image_file(pair)


def _of(datasets: Sequence[Dataset], exclusions: Exclusions) -> Exclusions:
    """The entries that are for one of the data sets."""
    names = {data.name for data in datasets}
    return Exclusions(tuple(entry for entry in exclusions.entries if entry.dataset in names))


def _folder_name(data: Dataset) -> str:
    return _UNSAFE.sub("_", data.name).strip(".") or "data"


def _place_images(data: Dataset, target: Path, how: Literal["link", "copy"]) -> None:
    if data.root is None:
        raise DataError(f"{data.name!r} was not read from a folder; it cannot be merged")
    if how == "link":
        target.symlink_to(data.root.resolve(), target_is_directory=True)
        return
    for pair in data:
        (target / pair.name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data.image_file(pair), target / pair.name)


def _renamed(pair: Pair, data: Dataset) -> Pair:
    scene: SceneRef = replace(pair.chip.scene, id=f"{_folder_name(data)}/{pair.name}")
    return replace(pair, chip=replace(pair.chip, scene=scene))
