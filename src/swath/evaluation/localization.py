"""Metrics of semantic localisation: how well a heat map agrees with outlined regions. Arrays only.

After Yuan et al. 2022 ("Learning to Evaluate Performance of Multi-modal Semantic Localization"). With the map p (scaled
to 0..1), the mask m of all regions, and the peaks of p:

    Rsu = 1 - exp(-0.707 (sum(p m) / (sum(p) - sum(p m) + 1e-7)) ((HW - sum(m)) / sum(m)))
    Ras = (e^{3x} - 1) / (e^3 - 1), x = mean over regions of (mean distance of the peaks within r, or r) / r
    Rda = mean over regions of 0, 1, or for n >= 2 peaks within r: (1 - mean distance to their centroid / r) / 2
          + exp(-(n + 2) / 2)
    Rmi = 0.4 Rsu + 0.35 (1 - Ras) + 0.25 Rda

where r is 1.5 times the mean distance of a region's vertices from its centre. Rsu (salient area), Rda (how few peaks)
and Rmi (all) are better high, Ras (how far peaks are off) low; Rsu, Ras and Rmi lie in 0..1.

`legacy` gives the numbers of the published code; the default corrects what the formulas do not ask for:

| | legacy | default |
|---|---|---|
| map | 8 bits, median of 251 pixels, JPEG file | as it is |
| mask | vertices cut to whole pixels, outline included, regions that overlap cancel out | centres inside any region |
| centre of a region | mean of the vertices, repeated ones counted repeatedly, whole pixels | centroid of the area |
| radius | likewise, whole pixels | distinct vertices |
| peaks | maxima of 1000-pixel windows after a box of 50, five times, at any size of map | prominence, `find_peaks` |
| no data | has no answer | NaN pixels count nowhere |
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image

from swath.errors import EvaluationError
from swath.localize.filters import median_blur
from swath.localize.peaks import find_peaks, published_peaks, scaled
from swath.localize.regions import fill_like_opencv, fill_polygon

EXPAND = 1.5
"""Radius of a region over the mean distance of its vertices from its centre."""

_BETA, _EPSILON, _SCALE = 0.707, 1e-7, 3.0
_WEIGHTS = (0.4, 0.35, 0.25)
_MEDIAN = 251
_JPEG_QUALITY = 95

Points = NDArray[np.float64]
"""(N, 2) points (x, y) in pixels."""


@dataclass(frozen=True, slots=True)
class LocalizationScore:
    """What one map is worth.

    Attributes:
        rsu: salient area proportion, 0..1, high is good.
        ras: attention shift, 0..1, low is good.
        rda: discrete attention, 0..1, high is good.
        rmi: mean indicator, 0..1, high is good.
        pointing: 1 where the map's highest pixel lies in a region, else 0.
        peaks: how many peaks were found.
    """

    rsu: float
    ras: float
    rda: float
    rmi: float
    pointing: float
    peaks: int

    def to_dict(self) -> dict[str, float]:
        """The numbers by name."""
        return asdict(self)


def score_map(
    heat: NDArray[np.floating], regions: Sequence[Points], *, legacy: bool = False, distance: float = 0.0
) -> LocalizationScore:
    """Score one map.

    Args:
        heat: (H, W) of any range, which is scaled to 0..1; NaN where nothing is known.
        regions: polygons, each (N, 2) vertices (x, y) in pixels of the map.
        legacy: give the numbers of the published code, from the map averaged over windows.
        distance: least distance between two peaks in pixels; not in legacy.

    Raises:
        EvaluationError: no region, one without area or wholly outside the map, a map without finite values, or (in
            legacy) one with NaN.
    """
    shape = _check(heat, regions)
    outlines = [np.asarray(region, dtype=np.float64) for region in regions]
    if legacy:
        if not np.isfinite(heat).all():
            raise EvaluationError("the published code has no answer for maps with NaN; score without legacy")
        level = published_map(heat)
        mask = fill_like_opencv(outlines, shape)
        circles = [_published_circle(outline) for outline in outlines]
        peaks = np.array(published_peaks(level), dtype=np.float64).reshape(-1, 2)
    else:
        level = scaled(heat).astype(np.float64)
        mask = np.logical_or.reduce([fill_polygon(outline, shape) for outline in outlines])
        circles = [_circle(outline) for outline in outlines]
        found = find_peaks(heat, distance=distance)
        peaks = np.array([(peak.x, peak.y) for peak in found], dtype=np.float64).reshape(-1, 2)
    known = np.isfinite(level)
    mask &= known
    if not mask.any():
        raise EvaluationError("the regions hold no pixel with data; check that they belong to this scene")
    if min(radius for _, _, radius in circles) <= 0:
        raise EvaluationError("a region is too small for the published code: its radius is 0; score without legacy")
    salient, shift, discrete = rsu(level, mask), ras(circles, peaks), rda(circles, peaks)
    best = np.nanargmax(level)
    return LocalizationScore(
        salient, shift, discrete, rmi(salient, shift, discrete), float(mask.flat[best]), len(peaks)
    )


def rsu(level: NDArray[np.float64], mask: NDArray[np.bool_]) -> float:
    """Salient area proportion of a map (H, W) in 0..1 (NaN: unknown) under a mask (H, W) with True pixels."""
    known = np.isfinite(level)
    inside = float(level[mask & known].sum())
    outside = float(level[known].sum()) - inside
    area = float((mask & known).sum())
    return float(1 - np.exp(-_BETA * inside / (outside + _EPSILON) * (known.sum() - area) / area))


def ras(circles: Sequence[tuple[float, float, float]], peaks: Points) -> float:
    """Attention shift of peaks (N, 2) against regions' circles (x, y, radius); 1 without any peak."""
    shifts = []
    for x, y, radius in circles:
        away = _distances(x, y, peaks)
        near = away[away <= radius]
        shifts.append(near.mean() / radius if len(near) else 1.0)
    return float(np.expm1(_SCALE * np.mean(shifts)) / np.expm1(_SCALE))


def rda(circles: Sequence[tuple[float, float, float]], peaks: Points) -> float:
    """Discrete attention of peaks (N, 2) in regions' circles (x, y, radius)."""
    values = []
    for x, y, radius in circles:
        near = peaks[_distances(x, y, peaks) <= radius]
        if len(near) < 2:
            values.append(float(len(near)))
            continue
        middle_x, middle_y = near.mean(axis=0)
        spread = _distances(middle_x, middle_y, near).mean() / radius
        values.append(0.5 * (1 - spread) + np.exp(-0.5 * (len(near) + 2)))
    return float(np.mean(values))


def rmi(salient: float, shift: float, discrete: float) -> float:
    """The mean indicator of Rsu, Ras and Rda."""
    return _WEIGHTS[0] * salient + _WEIGHTS[1] * (1 - shift) + _WEIGHTS[2] * discrete


def published_map(heat: NDArray[np.floating]) -> NDArray[np.float64]:
    """The map as the published code hands it from generation to evaluation: 8 bits, blurred, through a JPEG file.

    Args:
        heat: (H, W) average similarity, finite.

    Returns:
        (H, W) multiples of 1/255.
    """
    grey = (255 * scaled(heat.astype(np.float64))).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(median_blur(grey, _MEDIAN)).save(file, "JPEG", quality=_JPEG_QUALITY)
    with Image.open(file) as picture:
        return np.asarray(picture, dtype=np.float64) / 255.0


def _distances(x: float, y: float, points: Points) -> NDArray[np.float64]:
    return np.hypot(points[:, 0] - x, points[:, 1] - y)


def _circle(region: Points) -> tuple[float, float, float]:
    """Centroid of the area, and `EXPAND` times the mean distance of the distinct vertices from it."""
    centre = shapely.make_valid(shapely.Polygon(region)).centroid
    distinct = np.unique(region, axis=0)
    return centre.x, centre.y, EXPAND * float(_distances(centre.x, centre.y, distinct).mean())


def _published_circle(region: Points) -> tuple[float, float, float]:
    x, y = (int(value) for value in region.sum(axis=0) / len(region))
    return x, y, int(_distances(x, y, region).mean() * EXPAND)


def _check(heat: NDArray[np.floating], regions: Sequence[Points]) -> tuple[int, int]:
    """(H, W) of a map that can be scored against regions that can be scored."""
    if heat.ndim != 2 or not np.isfinite(heat).any():
        raise EvaluationError(f"a heat map is (H, W) with at least one finite value, got shape {heat.shape}")
    height, width = heat.shape
    if not regions:
        raise EvaluationError("no region to score against; give at least one polygon")
    whole = shapely.box(0, 0, width, height)
    for number, region in enumerate(regions, start=1):
        points = np.asarray(region, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3 or not np.isfinite(points).all():
            raise EvaluationError(f"region {number} of {len(regions)} is no polygon of 3 or more points (x, y)")
        polygon = shapely.make_valid(shapely.Polygon(points))
        if polygon.area == 0:
            raise EvaluationError(f"region {number} of {len(regions)} has no area; remove it or outline it again")
        if polygon.intersection(whole).area == 0:
            raise EvaluationError(
                f"region {number} of {len(regions)} lies outside the scene of {width} x {height} px "
                f"(x {points[:, 0].min():g} to {points[:, 0].max():g}, y {points[:, 1].min():g} to "
                f"{points[:, 1].max():g}); check that it belongs to this scene"
            )
    return height, width
