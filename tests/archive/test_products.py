from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from swath.archive.products import products


@given(rows=st.integers(1, 3000), asked=st.integers(0, 2500), seed=st.integers(0, 99))
def test_products_are_those_of_numpy_at_all_places_and_at_some(rows: int, asked: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, vector = rng.standard_normal((rows, 4), np.float32), rng.standard_normal(4, np.float32)
    np.testing.assert_allclose(products(vectors, vector), vectors @ vector, atol=1e-5)
    places = rng.integers(0, rows, asked)
    np.testing.assert_allclose(products(vectors, vector, places), vectors[places] @ vector, atol=1e-5)
