"""Semantic localisation: the engine against the published procedure, taken word for word, on the same scenes.

    python benchmarks/localization.py [--model NAME] [--scenes 3] [--tiles 5] [--tile 512] [--queries 3] [--threads 2]

Scenes are mosaics of RSICD test images, enlarged so that a scene is a JPEG of 6.6 million pixels, like those of the
published test, whose regions reach to 2,840 x 2,300; queries are captions of tiles: 3 a scene, as that test has 59 for
22 images. The published procedure cuts the scene into files anew for each query, encodes them one by one, adds up and
divides in a loop over pixels, and finds the map's peaks and scores. Ours looks at a scene once for all of its queries.

Times are by the clock, both with all cores of the machine; the reference runs in single precision as published, ours
with the library's defaults. `speedup` is the ratio of times from reading a scene to the scores of all its queries, as
`swath evaluate localization` gives them; `core_speedup` the same in processor seconds of all threads; `legacy_speedup`
as `speedup` where ours gives the published scores of maps at full size, `map_speedup` up to these maps,
`tokens_speedup` as `speedup` by tokens, `speedup_at_8_queries` with 8 queries a scene (the reference's time a query is
the same however many there are). Left out of the reference, in its favour: JPEG coding of the windows and the overlay
pictures. Both blur the map by the same exact median. Runs of ours are short, so each is the mean of several.

`max_abs_error` is the largest difference of maps (cosines) and published scores when both run in single precision;
`exact_speedup` (and `exact_speedup_at_8_queries`) is `speedup` with ours in single precision too, so that its maps
agree as closely. In the library's default precision, which the other ratios are of, `default_map_error` is the largest
difference of maps and `default_rmi_error` that of a query's `rmi` from single precision's. `rmi` is the mean indicator,
`rmi_legacy` that of the published code.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import data_root, write_result
from localization_mosaic import Mosaic, corners_of, make_mosaics
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from swath.chips import Pixels
from swath.data import read_dataset
from swath.evaluation.localization import LocalizationScore, published_map, score_map
from swath.localize import PUBLISHED_SCALES, By, localize
from swath.models import DualEncoder
from swath.raster import scene_from_file
from swath.sensors import sensor

MANY = 8
REPEATS = 3
PIXELS_OF_LOOP = 2**21
"""Pixels of the division loop that are run; a larger map's loop is timed on these and counted in proportion."""


@dataclass(frozen=True)
class Seconds:
    """By the clock, and of all processors."""

    clock: float = 0.0
    core: float = 0.0

    @classmethod
    def now(cls) -> Seconds:
        """Since some start."""
        return cls(time.perf_counter(), time.process_time())

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(self.clock + other.clock, self.core + other.core)

    def __sub__(self, other: Seconds) -> Seconds:
        return Seconds(self.clock - other.clock, self.core - other.core)

    def __mul__(self, factor: float) -> Seconds:
        return Seconds(self.clock * factor, self.core * factor)


class Published:
    """The published procedure."""

    def __init__(self, model: DualEncoder, folder: Path) -> None:
        self.model, self.folder = model, folder
        self.unmeasured = Seconds()

    def heat_map(self, path: Path, text: str, scales: Sequence[int]) -> NDArray[np.float64]:
        """One query: cut into files, encode one by one, add up, divide pixel by pixel."""
        scene = np.asarray(Image.open(path))
        height, width = scene.shape[:2]
        files = {}
        for step in scales:
            for gap in (step, step // 2):
                for top in range(step - gap, height, step):
                    rows = (top, top + step) if top + step < height else (height - step, height)
                    for left in range(step - gap, width, step):
                        columns = (left, left + step) if left + step < width else (width - step, width)
                        file = self.folder / f"{rows[0]}_{rows[1]}_{columns[0]}_{columns[1]}.bmp"
                        Image.fromarray(scene[slice(*rows), slice(*columns)]).save(file)
                        files[file] = (rows, columns)
        query = self.model.encode_texts([text]).pooled[0]
        total, count = np.zeros((height, width)), np.zeros((height, width))
        for file, (rows, columns) in files.items():
            data = np.moveaxis(np.asarray(Image.open(file)), -1, 0)
            pixels = Pixels(data, np.ones(data.shape[1:], dtype=bool), sensor("rgb"))
            image = self.model.encode_images(self.model.prepare(pixels)[None], "rgb").pooled[0]
            total[slice(*rows), slice(*columns)] += float(image @ query)
            count[slice(*rows), slice(*columns)] += 1
            file.unlink()
        return self._divide(total, count)

    def _divide(self, total: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
        height, width = total.shape
        rows = min(height, max(1, PIXELS_OF_LOOP // width))
        start = Seconds.now()
        for i in range(rows):
            for j in range(width):
                total[i, j] = total[i, j] / count[i, j]
        self.unmeasured += (Seconds.now() - start) * ((height - rows) / rows)
        total[rows:] /= count[rows:]
        return total


def published_score(heat: NDArray[np.float64], region: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rsu, Ras, Rda, Rmi of a rectangle by the published formulas, on SciPy, apart from the library's."""
    level = published_map(heat)
    left, top, right, bottom = region[0, 0], region[0, 1], region[2, 0], region[2, 1]
    mask = np.zeros(level.shape)
    # OpenCV fills the outline too.
    mask[int(top) : int(bottom) + 1, int(left) : int(right) + 1] = 1
    inside = (level * mask).sum()
    salient = 1 - np.exp(-0.707 * inside / (level.sum() - inside + 1e-7) * (mask.size - mask.sum()) / mask.sum())
    x, y = (int(value) for value in region.mean(axis=0))
    radius = int(1.5 * np.mean([np.linalg.norm(point - (x, y)) for point in region]))
    shift, discrete = 1.0, 0.0
    for _ in range(2):  # Ras and Rda look for the peaks anew
        near = [peak for peak in _peaks(level) if np.linalg.norm(np.subtract(peak, (x, y))) <= radius]
    if near:
        shift = float(np.mean([np.linalg.norm(np.subtract(peak, (x, y))) for peak in near]) / radius)
        discrete = 1.0
    if len(near) > 1:
        middle = np.mean(near, axis=0)
        spread = np.mean([np.linalg.norm(middle - peak) for peak in near]) / radius
        discrete = 0.5 * (1 - spread) + np.exp(-0.5 * (len(near) + 2))
    shift = float((np.exp(3 * shift) - 1) / (np.exp(3) - 1))
    return np.array([salient, shift, discrete, 0.4 * salient + 0.35 * (1 - shift) + 0.25 * discrete])


def _peaks(level: NDArray[np.float64]) -> list[tuple[int, int]]:
    grey = np.asarray(level * 255.0, dtype=np.uint8)
    for _ in range(5):
        # OpenCV's box of 50 reaches 25 pixels up and left and 24 down and right, over a mirrored border.
        sums = ndimage.correlate1d(grey.astype(np.float64), np.ones(50), axis=0, mode="mirror")
        sums = ndimage.correlate1d(sums, np.ones(50), axis=1, mode="mirror")
        grey = np.rint(sums.astype(np.float32) * np.float32(1 / 2500)).astype(np.uint8)
    highest = (ndimage.maximum_filter(grey, size=1000) == grey) & (grey > 0)
    label, count = ndimage.label(highest, np.ones((3, 3)))
    centres = [(int(x), int(y)) for y, x in ndimage.center_of_mass(highest, label, range(1, count + 1))]
    return [(x, y) for x, y in centres if level[y, x] >= 0.5]


def timed(work: Callable[[], Any]) -> tuple[Any, Seconds]:
    """What `work` gives, and the seconds it takes."""
    start = Seconds.now()
    found = work()
    return found, Seconds.now() - start


def run_legacy(
    model: DualEncoder, mosaic: Mosaic
) -> tuple[NDArray[np.float32], list[LocalizationScore], Seconds, Seconds]:
    """Maps at full size and published scores of a scene's queries, with the seconds for each."""

    def look() -> NDArray[np.float32]:
        scene = scene_from_file(str(mosaic.path), sensor="rgb")
        heat = localize(scene, mosaic.captions, model, scales=PUBLISHED_SCALES, pixel=1)
        return np.stack([heat.array(number) for number in range(len(mosaic.captions))])

    maps, looking = timed(look)
    scores, scoring = timed(
        lambda: [score_map(heat, [corners_of(t)], legacy=True) for heat, t in zip(maps, mosaic.tiles, strict=True)]
    )
    return maps, scores, looking, scoring


def run_default(model: DualEncoder, mosaic: Mosaic, by: By = "windows") -> list[LocalizationScore]:
    """Scores of a scene's queries with the library's defaults."""
    scene = scene_from_file(str(mosaic.path), sensor="rgb")
    side = min(PUBLISHED_SCALES) // 64
    heat = localize(scene, mosaic.captions, model, scales=PUBLISHED_SCALES, by=by, pixel=side)
    return [
        score_map(heat.array(number), [corners_of(tile) / side], distance=min(PUBLISHED_SCALES) / 2 / side)
        for number, tile in enumerate(mosaic.tiles)
    ]


def compare(
    exact: DualEncoder, ours: DualEncoder, mosaics: list[Mosaic], queries: int, folder: Path
) -> dict[str, float]:
    """Times, errors and scores over all mosaics; the reference answers the first `queries` of each."""
    reference, errors, map_errors, rmi_errors = Published(exact, folder), [], [], []
    seconds: dict[str, Seconds] = defaultdict(Seconds)
    rmi, legacy_rmi = [], []
    for mosaic in mosaics:
        few = Mosaic(mosaic.path, mosaic.captions[:queries], mosaic.tiles[:queries])
        for name, work in (
            ("default", lambda: run_default(ours, few)),  # noqa: B023
            ("tokens", lambda: run_default(ours, few, "tokens")),  # noqa: B023
            ("many", lambda: run_default(ours, mosaic)),  # noqa: B023
            ("exact", lambda: run_default(exact, few)),  # noqa: B023
            ("exact_many", lambda: run_default(exact, mosaic)),  # noqa: B023
        ):
            for _ in range(REPEATS):
                seconds[name] += timed(work)[1] * (1 / REPEATS)
        scores = run_default(ours, few)
        rmi += [score.rmi for score in scores]
        rmi_errors += [abs(a.rmi - b.rmi) for a, b in zip(scores, run_default(exact, few), strict=True)]
        for _ in range(REPEATS):
            ours_maps, scores, looking, scoring = run_legacy(ours, few)
            seconds["maps"] += looking * (1 / REPEATS)
            seconds["legacy"] += (looking + scoring) * (1 / REPEATS)
        legacy_rmi += [score.rmi for score in scores]
        maps, scores, _, _ = run_legacy(exact, few)
        for number, (heat, score, text, tile) in enumerate(zip(maps, scores, few.captions, few.tiles, strict=True)):
            wanted, spent = timed(lambda: reference.heat_map(few.path, text, PUBLISHED_SCALES))  # noqa: B023
            seconds["published_maps"] += spent
            numbers, spent = timed(lambda: published_score(wanted, corners_of(tile)))  # noqa: B023
            seconds["published_scores"] += spent
            errors.append(np.abs(heat - wanted).max())
            errors.append(np.abs(numbers - (score.rsu, score.ras, score.rda, score.rmi)).max())
            map_errors.append(np.abs(ours_maps[number] - wanted).max())
    seconds["published_maps"] += reference.unmeasured
    published = seconds["published_maps"] + seconds["published_scores"]
    clock = {name: spent.clock for name, spent in seconds.items()}
    return {
        "speedup": published.clock / clock["default"],
        "core_speedup": published.core / seconds["default"].core,
        "legacy_speedup": published.clock / clock["legacy"],
        "map_speedup": clock["published_maps"] / clock["maps"],
        "tokens_speedup": published.clock / clock["tokens"],
        f"speedup_at_{MANY}_queries": published.clock * MANY / queries / clock["many"],
        "exact_speedup": published.clock / clock["exact"],
        f"exact_speedup_at_{MANY}_queries": published.clock * MANY / queries / clock["exact_many"],
        "exact_core_speedup": published.core / seconds["exact"].core,
        "max_abs_error": float(np.max(errors)),
        "default_map_error": float(np.max(map_errors)),
        "default_rmi_error": float(np.max(rmi_errors)),
        "rmi": float(np.mean(rmi)),
        "rmi_legacy": float(np.mean(legacy_rmi)),
        "published_seconds": published.clock,
        "default_seconds": clock["default"],
    }


def main() -> None:
    """Time, compare, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="swath-mini")
    parser.add_argument("--scenes", type=int, default=3)
    parser.add_argument("--tiles", type=int, default=5)
    parser.add_argument("--tile", type=int, default=512, help="pixels; --tile 224 for scenes as small as 1,120 pixels")
    parser.add_argument("--queries", type=int, default=3)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    exact = DualEncoder.from_pretrained(options.model, dtype="float32")
    ours = DualEncoder.from_pretrained(options.model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = read_dataset(data_root() / "rsicd").split("test")
        mosaics = make_mosaics(
            pairs, options.tile, folder, count=options.scenes, side=options.tiles, queries=MANY, jpeg=True
        )
        side = options.tiles * options.tile
        for model in (ours, exact):
            run_default(model, mosaics[0])  # warms up
        metrics = compare(exact, ours, mosaics, options.queries, folder)
    write_result(
        "localization",
        {
            "model": ours.model_id,
            "dtype": str(ours.dtype).removeprefix("torch."),
            "scene": f"{side} x {side} px, JPEG, mosaic of RSICD test images",
            "scenes": options.scenes,
            "queries_a_scene": options.queries,
            "scales": list(PUBLISHED_SCALES),
            "threads": torch.get_num_threads(),
            "times": "by the clock",
        },
        metrics,
    )


if __name__ == "__main__":
    main()
