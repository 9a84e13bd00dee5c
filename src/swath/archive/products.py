"""Inner products of stored vectors with one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GATHERED = 1024  # rows that are gathered at a time: they stay in the processor's cache for the product


def products(
    vectors: NDArray[np.float32], vector: NDArray[np.float32], places: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """Inner products of vectors, or of those at some places, with one.

    Args:
        vectors: (M, D).
        vector: (D,).
        places: (N,) rows of `vectors`; None takes all.

    Returns:
        (N,).
    """
    import torch  # its products do not suffer on a busy machine, as those of OpenBLAS do

    matrix, column = torch.from_numpy(vectors), torch.from_numpy(np.array(vector, dtype=np.float32))
    if places is None:
        return (matrix @ column).numpy()
    found = torch.empty(len(places))
    for start in range(0, len(places), _GATHERED):
        block = torch.from_numpy(places[start : start + _GATHERED])
        torch.mv(matrix.index_select(0, block), column, out=found[start : start + _GATHERED])
    return found.numpy()
