from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from scipy import ndimage

from swath.errors import InputError
from swath.localize.peaks import find_peaks, published_peaks, scaled


def hills(*places: tuple[float, float, float], shape: tuple[int, int] = (60, 80), width: float = 5.0) -> np.ndarray:
    """A map of round hills (x, y, height)."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    return np.max([h * np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * width**2)) for a, b, h in places], axis=0)


def test_peaks_come_highest_first_with_their_places():
    found = find_peaks(hills((20.5, 15.5, 1.0), (60.5, 40.5, 0.8), (20.5, 45.5, 0.6), (70.5, 10.5, 0.3)))
    assert [(peak.x, peak.y) for peak in found] == [(20.5, 15.5), (60.5, 40.5), (20.5, 45.5)]
    assert [round(peak.relative, 2) for peak in found] == [1.0, 0.8, 0.6]
    for peak in found:
        assert peak.outline.contains(shapely.Point(peak.x, peak.y))
    assert not any(a.outline.intersects(b.outline) for a, b in pairwise(found))


def test_a_bump_on_a_slope_is_no_peak_unless_prominence_is_small():
    heat = hills((30.5, 30.5, 1.0), (38.5, 30.5, 0.8))
    assert len(find_peaks(heat, prominence=0.15)) == 1
    assert len(find_peaks(heat, prominence=0.01)) == 2
    assert len(find_peaks(heat, prominence=0.01, distance=12)) == 1
    assert len(find_peaks(heat, prominence=0.01, limit=1)) == 1


def test_prominence_equals_flooding_from_above():
    rng = np.random.default_rng(3)
    heat = scaled(ndimage.gaussian_filter(rng.random((50, 50)), 2))
    wanted = 0
    for height in sorted(set(heat[(heat == ndimage.maximum_filter(heat, 3)) & (heat >= 0.5)]), reverse=True):
        label, _ = ndimage.label(heat >= height - 0.1, np.ones((3, 3)))
        wanted += heat[label == label[heat == height][0]].max() == height
    assert len(find_peaks(heat, prominence=0.1, limit=999)) == wanted > 3


def test_a_plateau_has_one_peak_on_it_even_where_its_middle_is_low():
    ring = np.zeros((40, 40))
    ring[5:35, 5:35] = 1.0
    ring[10:30, 10:30] = 0.1
    (peak,) = find_peaks(ring)
    assert ring[int(peak.y), int(peak.x)] == 1.0
    block = np.zeros((40, 40))
    block[4:10, 6:20] = 1.0
    (peak,) = find_peaks(block)
    assert (peak.x, peak.y, peak.outline.area) == (13.0, 7.0, 84.0)


def test_flat_maps_have_no_peak_and_unknown_ground_is_none():
    assert find_peaks(np.full((20, 20), 0.3)) == []
    heat = hills((20.5, 15.5, 1.0))
    heat[:, 40:] = np.nan
    assert [(peak.x, peak.y) for peak in find_peaks(heat)] == [(20.5, 15.5)]


def test_scale_and_shift_change_no_peak():
    heat = hills((20.5, 15.5, 1.0), (60.5, 40.5, 0.8))
    moved = find_peaks(heat * 0.01 - 3.0)
    assert [(peak.x, peak.y) for peak in moved] == [(peak.x, peak.y) for peak in find_peaks(heat)]
    assert moved[0].value == pytest.approx(-2.99, abs=1e-3)


@pytest.mark.parametrize("heat", [np.full((3, 3), np.nan), np.zeros(5), np.zeros((0, 4))])
def test_no_map_is_refused(heat):
    with pytest.raises(InputError, match="at least one finite value"):
        find_peaks(heat)


@pytest.mark.parametrize("settings", [{"prominence": 0.0}, {"floor": 2.0}, {"distance": -1.0}, {"limit": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError, match="peaks need"):
        find_peaks(np.eye(4), **settings)


def test_published_peaks_of_a_map_without_any():
    assert published_peaks(np.zeros((300, 300))) == []
    low = np.zeros((300, 300))
    low[100:200, 100:200] = 0.4
    assert published_peaks(low) == []
    low[140:160, 40:60] = 1.0
    assert published_peaks(np.where(low == 0.4, 0.9, 0.0)) != []
