"""A model on a set of scenes with outlined regions: Rsu, Ras, Rda, Rmi, pointing accuracy, intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from swath.errors import EvaluationError, SwathError
from swath.evaluation.annotated_scenes import BadQuery, RegionQuery, read_region_queries
from swath.evaluation.localization import LocalizationScore, score_map
from swath.evaluation.resampling import interval
from swath.localize import PUBLISHED_SCALES, By, HeatMap, localize
from swath.raster import scene_from_file

if TYPE_CHECKING:
    from swath.archive import Encoder

_Scored = tuple[RegionQuery, LocalizationScore]

METRICS = ("rsu", "ras", "rda", "rmi", "pointing")


@dataclass(frozen=True)
class LocalizationReport:
    """What a model is worth at semantic localisation.

    Attributes:
        dataset: the annotation file.
        model: the model's id.
        settings: how it was measured.
        metrics: means over the queries.
        intervals: 95 % bootstrap intervals, images drawn with all their queries.
        queries: (query, score), in the order of the file.
        failures: entries that could not be scored.
    """

    dataset: str
    model: str
    settings: dict[str, Any]
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    queries: list[_Scored] = field(repr=False)
    failures: list[BadQuery] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "dataset": self.dataset,
            "model": self.model,
            "settings": self.settings,
            "metrics": self.metrics,
            "intervals": {name: list(bounds) for name, bounds in self.intervals.items()},
            "queries": [
                {"place": query.place, "caption": query.caption, "image": query.image, **score.to_dict()}
                for query, score in self.queries
            ],
            "failures": [{"place": bad.place, "reason": bad.reason} for bad in self.failures],
        }


def evaluate_localization(
    encoder: Encoder,
    annotations: str | Path,
    images: str | Path | None = None,
    *,
    scales: Sequence[int] = PUBLISHED_SCALES,
    by: By = "windows",
    legacy: bool = False,
    pixel: int | None = None,
    sensor: str | None = None,
    rounds: int = 2000,
    batch_size: int = 32,
    progress: Callable[[int, int], None] | None = None,
) -> LocalizationReport:
    """Score a model on annotated scenes; each scene is looked at once for all its queries.

    A scene that cannot be read, or a query that cannot be scored, is listed in the report and stops nothing.

    Args:
        encoder: the model.
        annotations: an AIR-SLT ``anno.json``.
        images: the folder of images; default ``imgs`` beside the file's folder, as in AIR-SLT, else the file's folder.
        scales: sides of the windows in pixels.
        by: see `swath.localize.localize`.
        legacy: the published code's numbers, see `swath.evaluation.localization`.
        pixel: side of a map's pixel; default 1 in legacy, else an eighth of what `localize` takes.
        sensor: the images' sensor; default recognised.
        rounds: bootstrap resamples.
        batch_size: windows encoded at once.
        progress: told (images done, images in all).

    Raises:
        EvaluationError: nothing could be scored, or `legacy` with another pixel than 1.
        DataError: the annotations cannot be used.
    """
    side = _side(scales, legacy, pixel)
    queries, failures = read_region_queries(annotations)
    by_file = _by_file(queries, _folder(Path(annotations), images))
    look = partial(localize, encoder=encoder, scales=scales, by=by, pixel=side, batch_size=batch_size)
    scored: list[_Scored] = []
    for done, (file, asked) in enumerate(by_file.items(), start=1):
        try:
            heat = look(scene_from_file(str(file), sensor=sensor), [query.caption for query in asked])
        except SwathError as error:
            failures += [BadQuery(query.place, str(error)) for query in asked]
        else:
            _score(heat, asked, legacy, scored, failures)
        if progress is not None:
            progress(done, len(by_file))
    if not scored:
        first = failures[0]
        raise EvaluationError(f"{annotations}: no query could be scored; entry {first.place}: {first.reason}")
    scored.sort(key=lambda item: item[0].place)
    failures.sort(key=lambda bad: bad.place)
    metrics, intervals = summarise([score for _, score in scored], [query.image for query, _ in scored], rounds)
    settings = {
        "scales": list(scales), "by": by, "legacy": legacy, "pixel": side, "images": len(by_file),
        "queries": len(scored), "failures": len(failures), "rounds": rounds,
    }  # fmt: skip
    return LocalizationReport(str(annotations), encoder.model_id, settings, metrics, intervals, scored, failures)


def _side(scales: Sequence[int], legacy: bool, pixel: int | None) -> int:
    """The side of a map's pixel."""
    if legacy and pixel not in (None, 1):
        raise EvaluationError(f"the published numbers are of maps at full size; leave pixel {pixel} out, or legacy")
    return 1 if legacy else max(1, min(scales) // 64) if pixel is None else pixel


def _by_file(queries: Sequence[RegionQuery], folder: Path) -> dict[Path, list[RegionQuery]]:
    found: dict[Path, list[RegionQuery]] = defaultdict(list)
    for query in queries:
        found[folder / query.image].append(query)
    return found


def _score(
    heat: HeatMap, asked: Sequence[RegionQuery], legacy: bool, scored: list[_Scored], failures: list[BadQuery]
) -> None:
    """Add the queries of one scene, one a map, to those with a score and those that cannot have one."""
    for text, query in enumerate(asked):
        regions = [region / heat.pixel for region in query.regions]
        apart = heat.scales[0] / 2 / heat.pixel
        try:
            scored.append((query, score_map(heat.array(text), regions, legacy=legacy, distance=apart)))
        except EvaluationError as error:
            failures.append(BadQuery(query.place, str(error)))


def summarise(
    scores: Sequence[LocalizationScore], groups: Sequence[str], rounds: int = 2000, seed: int = 0
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Means over queries, and 95 % bootstrap intervals; groups (images) are drawn with all their queries.

    Args:
        scores: one a query.
        groups: the image of each query.
        rounds: resamples; 0 for no intervals.
        seed: of the draw.
    """
    values = np.array([[getattr(score, name) for name in METRICS] for score in scores])
    metrics = dict(zip(METRICS, values.mean(axis=0).tolist(), strict=True))
    if rounds < 1:
        return metrics, {}
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.zeros((len(names), len(METRICS)))
    np.add.at(sums, member, values)
    counts = np.bincount(member)
    drawn = np.random.default_rng(seed).integers(0, len(names), (rounds, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)[:, None]
    return metrics, {name: interval(means[:, at]) for at, name in enumerate(METRICS)}


def _folder(annotations: Path, images: str | Path | None) -> Path:
    if images is not None:
        return Path(images)
    beside = annotations.parent.parent / "imgs"
    return beside if beside.is_dir() else annotations.parent
