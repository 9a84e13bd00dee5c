"""From chips and features to checked rows of an archive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from swath.archive.schema import chip_table, unit_vectors
from swath.archive.tokens import pack
from swath.chips import Chip
from swath.errors import InputError

if TYPE_CHECKING:
    import torch

    from swath.features import Features


def make_rows(
    chips: Sequence[Chip],
    vectors: Features | NDArray[np.floating] | torch.Tensor,
    tokens: Sequence[bytes | None] | None,
    thumbnails: Sequence[bytes | None] | None,
    model_id: str,
    dim: int,
) -> pa.Table:
    """Check chips and their embeddings and make rows of them; of a chip given twice the first counts.

    Raises:
        InputError: see `Archive.add`.
    """
    if not isinstance(vectors, np.ndarray):
        from swath.features import Features  # imports torch, which arrays do without

        if isinstance(vectors, Features):
            tokens = tokens if tokens is not None else pack_features(vectors)
            vectors = vectors.pooled
        vectors = vectors.detach().float().cpu().numpy()
    count = len(chips)
    for name, given in (("tokens", tokens), ("thumbnails", thumbnails)):
        if given is not None and len(given) != count:
            raise InputError(f"{count} chips need as many {name}, got {len(given)}")
    ids = [chip.id for chip in chips]
    names = [f"chip {chip_id} ({chip.scene.href})" for chip_id, chip in zip(ids, chips, strict=True)]
    units = unit_vectors(vectors, dim, names)
    nothing = [None] * count
    return unique(chip_table(chips, units, tokens or nothing, thumbnails or nothing, model_id))


def unique(rows: pa.Table) -> pa.Table:
    """Rows with every id once; of several the first counts."""
    ids = rows["id"].to_pylist()
    first = {chip_id: place for place, chip_id in reversed(list(enumerate(ids)))}
    return rows if len(first) == len(ids) else rows.take(sorted(first.values()))


def pack_features(features: Features) -> list[bytes | None]:
    """Packed tokens of each image, masked positions left out; None where features carry no tokens."""
    tokens, mask = features.tokens.detach().float().cpu().numpy(), features.mask.cpu().numpy()
    if tokens.shape[1] == 0:
        return [None] * len(tokens)
    return [pack(image[real]) for image, real in zip(tokens, mask, strict=True)]
