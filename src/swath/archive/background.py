"""The background bank: general captions that say how well a text matches a chip, compared with other texts.

A cosine alone does not tell a good match from a poor one: its scale differs from model to model and from chip to
chip. So a hit's confidence is the share of some 300 packaged captions of all kinds of scenes that match it *less* well
than the query does. 0.99 means that hardly any other text fits the chip better; 0.5 that the query fits no better than
a random caption, so the archive has nothing like it. The bank is encoded once and kept in the archive.
"""

from __future__ import annotations

import hashlib
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from swath.archive.encoder import Encoder
from swath.archive.ranking import pooled
from swath.archive.store import Store
from swath.errors import ArchiveError

_KEY = "background"


def captions() -> list[str]:
    """The packaged captions."""
    text = resources.files("swath.archive").joinpath("background.txt").read_text(encoding="utf-8")
    return text.splitlines()


def stored(store: Store) -> NDArray[np.float32] | None:
    """The (N, D) bank kept in an archive; None if there is none yet, or of other captions."""
    found = store.get(_KEY)
    if found is None or found[1] is None or found[0].get("captions") != _digest():
        return None
    return np.frombuffer(found[1], np.float16).astype(np.float32).reshape(-1, store.about.dim)


def ensure(store: Store, encoder: Encoder) -> NDArray[np.float32]:
    """The bank of an archive, encoded and kept if it was not there; an archive that cannot be written goes without."""
    bank = stored(store)
    if bank is None:
        bank = pooled(encoder.encode_texts(captions())).astype(np.float16).astype(np.float32)
        try:
            store.put(_KEY, {"captions": _digest()}, bank.astype(np.float16).tobytes())
        except ArchiveError:
            return bank  # a read-only archive: encoded again by the next process
    return bank


def confidence(
    bank: NDArray[np.float32], text: NDArray[np.float32], vectors: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Share of the bank that matches each chip less well than a text does.

    Args:
        bank: (N, D).
        text: (D,).
        vectors: (B, D), of the chips.

    Returns:
        (B,), 0 to 1.
    """
    import torch  # its small products do not suffer on a busy machine, as those of OpenBLAS do

    found = torch.from_numpy(vectors) @ torch.from_numpy(np.vstack([bank, text])).T
    return (found[:, :-1] < found[:, -1:]).double().mean(dim=1).numpy()


def _digest() -> str:
    return hashlib.sha256("\n".join(captions()).encode()).hexdigest()[:16]
