"""Maps with regions, and what the published code of semantic localisation says of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PUBLISHED = {
    0: (0.523928707, 1.0, 0.0, 0.209571483, 2),
    1: (0.490108204, 0.196621261, 1.0, 0.72722584, 1),
    2: (0.472219926, 0.51040436, 0.666666667, 0.526913111, 2),
    3: (0.571545112, 1.0, 0.0, 0.228618045, 2),
    4: (0.493437529, 1.0, 0.0, 0.197375012, 1),
    5: (0.498393869, 0.859197425, 0.333333333, 0.331971782, 2),
}
"""Rsu, Ras, Rda, Rmi and peaks of `case`, from the published formulas run with OpenCV 4.10, SciPy and scikit-image."""


def case(seed: int) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """A map of blocks of two sizes, and one to three polygons, some with a repeated vertex."""
    rng = np.random.default_rng(seed)
    height, width, parts = (int(value) for value in rng.integers((520, 520, 3), (900, 900, 7)))
    heat = np.zeros((height, width))
    for count, weight in ((parts, 1.0), (2 * parts, 0.5)):
        block = np.ones((height // count + 1, width // count + 1))
        heat += weight * np.kron(rng.random((count, count)), block)[:height, :width]
    regions = [rng.uniform(0.05, 0.95, (int(rng.integers(3, 8)), 2)) * (width, height) for _ in range(seed % 3 + 1)]
    regions[0] = np.concatenate([regions[0], regions[0][-1:]])
    return heat, regions
