from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.published_cases import PUBLISHED, case
from swath.errors import EvaluationError
from swath.evaluation.localization import published_map, ras, rda, rmi, rsu, score_map

SQUARE = np.array([[10.0, 10.0], [30.0, 10.0], [30.0, 30.0], [10.0, 30.0]])


def hill(x: float = 20.0, y: float = 20.0, side: int = 60) -> np.ndarray:
    down, across = np.mgrid[:side, :side] + 0.5
    return np.exp(-((across - x) ** 2 + (down - y) ** 2) / 60)


@pytest.mark.parametrize("seed", PUBLISHED)
def test_legacy_gives_the_published_numbers(seed: int) -> None:
    heat, regions = case(seed)
    found = score_map(heat, regions, legacy=True)
    # OpenCV's outlines differ in a few pixels in 100,000.
    assert (found.rsu, found.ras, found.rda, found.rmi) == pytest.approx(PUBLISHED[seed][:4], abs=1e-4)
    assert found.peaks == PUBLISHED[seed][4]


@given(st.integers(0, 2**32 - 1))
def test_rsu_equals_its_formula_written_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    level, mask = rng.random((7, 9)), rng.random((7, 9)) < 0.4
    mask[0, 0] = True
    inside = sum(level[at] for at in np.ndindex(7, 9) if mask[at])
    outside = sum(level[at] for at in np.ndindex(7, 9) if not mask[at])
    area = mask.sum()
    wanted = 1 - np.exp(-0.707 * inside / (outside + 1e-7) * (63 - area) / area)
    assert rsu(level, mask) == pytest.approx(wanted, abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.integers(1, 3))
def test_ras_and_rda_equal_their_formulas_written_out(seed: int, count: int, regions: int) -> None:
    rng = np.random.default_rng(seed)
    peaks, circles = rng.random((count, 2)), [tuple(rng.uniform(0.2, 0.8, 3)) for _ in range(regions)]
    shifts, spreads = [], []
    for x, y, r in circles:
        near = [p for p in peaks if np.linalg.norm(p - (x, y)) <= r]
        shifts.append(np.mean([np.linalg.norm(p - (x, y)) for p in near]) / r if near else 1.0)
        if len(near) < 2:
            spreads.append(len(near))
        else:
            middle = np.mean(near, axis=0)
            away = np.mean([np.linalg.norm(p - middle) for p in near]) / r
            spreads.append(0.5 * (1 - away) + np.exp(-0.5 * (len(near) + 2)))
    assert ras(circles, peaks) == pytest.approx((np.exp(3 * np.mean(shifts)) - 1) / (np.exp(3) - 1))
    assert rda(circles, peaks) == pytest.approx(np.mean(spreads))


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_rmi_lies_between_0_and_1(salient: float, shift: float, discrete: float) -> None:
    assert -1e-12 <= rmi(salient, shift, discrete) <= 1 + 1e-12


def test_a_hit_is_worth_more_than_a_miss() -> None:
    hit, miss = score_map(hill(), [SQUARE]), score_map(hill(50, 50), [SQUARE])
    assert hit.rmi > 0.9 > 0.3 > miss.rmi
    assert (hit.pointing, miss.pointing) == (1.0, 0.0)
    assert (hit.rda, miss.rda, miss.ras) == (1.0, 0.0, 1.0)
    assert hit.ras < 0.01


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_scores_do_not_depend_on_range_or_size_of_the_map(factor: float) -> None:
    wanted = score_map(hill(), [SQUARE])
    moved = score_map(hill() * factor - 7, [SQUARE])
    assert moved.rmi == pytest.approx(wanted.rmi)
    larger = score_map(np.kron(hill(), np.ones((3, 3))), [SQUARE * 3])
    assert larger.rmi == pytest.approx(wanted.rmi, abs=1e-3)


def test_overlapping_regions_count_once_and_repeated_vertices_move_nothing() -> None:
    twice = score_map(hill(), [SQUARE, SQUARE])
    once = score_map(hill(), [SQUARE])
    assert (twice.rsu, twice.ras) == (once.rsu, once.ras)
    repeated = np.concatenate([SQUARE, SQUARE[-1:], SQUARE[-1:]])
    assert score_map(hill(), [repeated]) == once


def test_unknown_pixels_count_nowhere() -> None:
    heat = hill()
    # What lies between 40 and 60 is about 0 anyway; unknown, it no longer counts as area.
    heat[:, 40:] = np.nan
    cut = score_map(heat[:, :40], [SQUARE])
    assert score_map(heat, [SQUARE]).rsu == pytest.approx(cut.rsu)
    with pytest.raises(EvaluationError, match="NaN"):
        score_map(heat, [SQUARE], legacy=True)
    heat[:, :40] = np.where(np.arange(40) < 32, np.nan, 1.0)
    with pytest.raises(EvaluationError, match="no pixel with data"):
        score_map(heat, [SQUARE])


@pytest.mark.parametrize("legacy", [False, True])
def test_a_flat_map_says_nothing(legacy: bool) -> None:
    found = score_map(np.full((60, 60), 0.25), [SQUARE], legacy=legacy)
    assert (found.rsu, found.ras, found.rda, found.peaks) == (0.0, pytest.approx(1.0), 0.0, 0)


def test_the_published_map_is_8_bits_wide() -> None:
    level = published_map(hill() * 0.03 - 2)
    np.testing.assert_allclose(level * 255, np.rint(level * 255), atol=1e-9)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("regions", "says"),
    [
        ([], "no region"),
        ([SQUARE + 100], "region 1 of 1 lies outside the scene of 60 x 60 px"),
        ([SQUARE, SQUARE - 100], "region 2 of 2 lies outside"),
        ([np.array([[1.0, 1.0], [5.0, 5.0], [9.0, 9.0]])], "has no area"),
        ([np.array([[4.0, 4.0]] * 4)], "has no area"),
        ([SQUARE[:2]], "no polygon of 3 or more"),
        ([np.array([[1.0, 1.0], [5.0, np.nan], [9.0, 1.0]])], "no polygon of 3 or more"),
    ],
)
def test_regions_that_cannot_be_scored_are_named(regions, says: str, legacy: bool) -> None:
    with pytest.raises(EvaluationError, match=says):
        score_map(hill(), regions, legacy=legacy)


def test_regions_too_small_for_the_published_code() -> None:
    dot = np.array([[20.0, 20.0], [20.5, 20.0], [20.5, 20.5], [20.0, 20.5]])
    with pytest.raises(EvaluationError, match="radius is 0"):
        score_map(hill(), [dot], legacy=True)
    speck = np.array([[20.4, 20.4], [20.9, 20.4], [20.9, 20.9], [20.4, 20.9]])
    assert score_map(hill(), [speck]).rsu > 0


def test_a_region_that_reaches_over_the_border_is_cut_off() -> None:
    assert score_map(hill(0.5, 20), [SQUARE - [20, 0]]).pointing == 1.0


@pytest.mark.parametrize("heat", [np.full((5, 5), np.nan), np.zeros(5)])
def test_no_map_is_refused(heat: np.ndarray) -> None:
    with pytest.raises(EvaluationError, match="finite value"):
        score_map(heat, [SQUARE])
