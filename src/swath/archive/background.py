"""The background bank: general captions that a query's matches are compared with.

A cosine alone does not tell a good match from a poor one: its scale differs from model to model, from archive to
archive and from chip to chip. Some 300 packaged captions of all kinds of scenes set the scale, in two ways.

- *Of a query*: its matches are as good as the mean cosine of its ten best chips. The confidence of a query is the share
  of the bank's captions whose own ten best chips, among the same rows, match *less* well. 0.9: hardly any general
  caption finds a better match here; below 0.5, most of them do, so the archive has nothing like it.
- *Of a hit*: the share of captions that match this chip less well than the query does. 0.99 means that hardly any other
  text fits the chip better. It orders and filters hits; that a chip fits best is no proof that it fits well, so it says
  less about whether there is a match at all.

The bank is encoded once and kept in the archive, and so are its ten best of the whole archive. In archives of several
sensors it also tells each sensor's scale (`swath.archive.scale`); searches by one text are then compared with the
bank on that scale.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from swath.archive.encoder import Encoder
from swath.archive.filters import Filters
from swath.archive.ranking import pooled
from swath.archive.rows import pack_features
from swath.archive.scale import Affine, Scale, text_moments
from swath.archive.snapshot import Snapshot
from swath.archive.store import Store
from swath.archive.tokens import unpack_padded
from swath.errors import ArchiveError

if TYPE_CHECKING:
    from swath.features import Features

BEST = 10
"""Chips that say how well a text is matched: one may be a chance hit, ten are not."""

_VECTORS, _WORDS, _MEANS, _SCALE = "background", "background_words", "background_means", "background_scale"
_REMEMBERED = 64  # filters whose means are kept in memory
_VERSIONS = 4  # of an archive whose scale is kept in memory
_PRODUCTS = 2**25  # cosines computed for one filter; of larger sets fewer captions are asked, but at least _FEWEST
_FEWEST = 64
_WORTH_KEEPING = 20_000  # rows from which on reading the bank's means is faster than computing them


@cache
def captions() -> tuple[str, ...]:
    """The packaged captions."""
    text = resources.files("swath.archive").joinpath("background.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


class Background:
    """The bank of one archive."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._vectors: NDArray[np.float32] | None = None
        self._features: Features | None = None
        self._means: dict[tuple[int, str | None, int, str], NDArray[np.float64]] = {}
        self._scales: dict[int, Scale] = {}
        self._lock = threading.Lock()

    def vectors(self, encoder: Encoder) -> NDArray[np.float32]:
        """(N, D) the bank, encoded and kept if it was not there; an archive that cannot be written goes without."""
        if self._vectors is None:
            found = self._stored(_VECTORS)
            if found is None:
                found = pooled(encoder.encode_texts(captions())).astype(np.float16).tobytes()
                self._keep(_VECTORS, found)
            self._vectors = self._read(found)
        return self._vectors

    def features(self, encoder: Encoder) -> Features:
        """The bank with its words, for similarities with a local part; encoded and kept if they were not there."""
        if self._features is None:
            import torch

            from swath.features import Features  # imports torch, which a search by vectors does without

            found = self._stored(_WORDS)
            if found is None:
                packed = [words or b"" for words in pack_features(encoder.encode_texts(captions()))]
                found = b"".join(len(words).to_bytes(4, "little") + words for words in packed)
                self._keep(_WORDS, found)
            tokens, mask = unpack_padded(_split(found))
            vectors = torch.from_numpy(self.vectors(encoder))
            self._features = Features(vectors, torch.from_numpy(tokens), torch.from_numpy(mask))
        return self._features

    def keep_means(self, snapshot: Snapshot) -> None:
        """Keep the scale of each sensor, and how well the bank is matched in large archives, for other processes."""
        if self._vectors is None and (found := self._stored(_VECTORS)) is not None:
            self._vectors = self._read(found)
        if self._vectors is None or not snapshot.rows:
            return
        vectors = self._vectors
        scale = self._scale_of(snapshot, lambda: vectors)
        if self._stored(_SCALE, version=snapshot.version) is None:
            told = {name: [own.gain, own.offset] for name, own in scale.sensors.items()}
            self._keep(_SCALE, json.dumps(told).encode(), version=snapshot.version)
        about: dict[str, int | str] = {"version": snapshot.version, "scale": _name(_several(scale))}
        if snapshot.rows >= _WORTH_KEEPING and self._stored(_MEANS, **about) is None:
            means = self._means_of(snapshot, Filters(), min(BEST, snapshot.rows), _several(scale))
            self._keep(_MEANS, means.tobytes(), **about)

    def match(self, snapshot: Snapshot) -> None:
        """Find what searches of a snapshot would wait for: its scale, and how well the bank, once read, is matched."""
        vectors = self._vectors
        if vectors is not None and snapshot.rows:
            scale = _several(self._scale_of(snapshot, lambda: vectors))
            self._means_of(snapshot, Filters(), min(BEST, snapshot.rows), scale)

    def scale(self, snapshot: Snapshot, encoder: Callable[[], Encoder]) -> Scale | None:
        """What brings a text's scores in each sensor to one scale; None where the archive has but one sensor.

        It belongs to the archive, not to a query's filters, so a chip's calibrated score is the same in every search.
        """
        known = self._scales.get(snapshot.version)
        if known is None:
            known = self._scale_of(snapshot, lambda: self.vectors(encoder()))
        return _several(known)

    def _scale_of(self, snapshot: Snapshot, vectors: Callable[[], NDArray[np.float32]]) -> Scale:
        """The scale of all sensors, computed where no process has kept it."""
        found = self._stored(_SCALE, version=snapshot.version)
        if found is not None:
            known = Scale({name: Affine(*values) for name, values in json.loads(found).items()})
        elif len(snapshot.sensors) < 2:
            known = Scale({name: Affine() for name in snapshot.sensors})
        else:
            known = Scale.of(text_moments(vectors(), snapshot.samples()))
        with self._lock:
            self._scales[snapshot.version] = known
            while len(self._scales) > _VERSIONS:
                self._scales.pop(next(iter(self._scales)))
        return known

    def query_confidence(
        self,
        means: NDArray[np.float64],
        best: int,
        snapshot: Snapshot,
        filters: Filters,
        encoder: Encoder,
        scale: Scale | None = None,
    ) -> NDArray[np.float64]:
        """Share of the bank that is matched less well than each of several queries.

        Args:
            means: (Q,) mean cosine of each query's best chips.
            best: how many they are, from 1.
            snapshot: the archive.
            filters: what they satisfy; captions are matched with the same rows (of shapes, by their bounds).
            encoder: encodes the bank if that has not been done.
            scale: what the queries' scores were calibrated with; the captions' are, too.

        Returns:
            (Q,), 0 to 1.
        """
        self.vectors(encoder)
        captions_means = np.sort(self._means_of(snapshot, filters, best, scale))
        return np.searchsorted(captions_means, means) / len(captions_means)

    def _means_of(self, snapshot: Snapshot, filters: Filters, best: int, scale: Scale | None) -> NDArray[np.float64]:
        """Mean cosine of the best chips of each caption of the bank (or, of large sets, of some of them)."""
        sql = filters.sql()
        key = (snapshot.version, sql, best, _name(scale))
        means = self._means.get(key)
        if means is None:
            if self._vectors is None:
                raise ArchiveError(f"the bank of captions of archive {snapshot.uri} has not been read")
            whole = sql is None and best == BEST
            found = self._stored(_MEANS, version=snapshot.version, scale=_name(scale)) if whole else None
            if found is not None:
                means = np.frombuffer(found, np.float64)
            else:
                asked = max(_FEWEST, _PRODUCTS // max(1, snapshot.count(sql)))
                step = 1 if sql is None else max(1, len(self._vectors) // asked)
                if sql is not None and scale is not None and snapshot.prefers_index(sql, best):
                    step = max(step, len(scale.sensors))  # each caption is asked of each sensor
                means = snapshot.best_means(self._vectors[::step], filters, best, scale)
            with self._lock:
                self._means[key] = means
                while len(self._means) > _REMEMBERED:
                    self._means.pop(next(iter(self._means)))
        return means

    def _read(self, data: bytes) -> NDArray[np.float32]:
        return np.frombuffer(data, np.float16).astype(np.float32).reshape(-1, self._store.about.dim)

    def _stored(self, key: str, **about: int | str) -> bytes | None:
        found = self._store.get(key)
        wanted = {"captions": _digest(), **about}
        if found is None or found[1] is None or any(found[0].get(name) != value for name, value in wanted.items()):
            return None
        return found[1]

    def _keep(self, key: str, data: bytes, **about: int | str) -> None:
        try:
            self._store.put(key, {"captions": _digest(), **about}, data)
        except ArchiveError:
            return  # a read-only archive: found again by the next process


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


def _name(scale: Scale | None) -> str:
    return "" if scale is None else scale.digest


def _several(scale: Scale) -> Scale | None:
    """A scale, where it calibrates anything: None for a single sensor."""
    return scale if len(scale.sensors) > 1 else None


def _split(data: bytes) -> list[bytes]:
    """The parts of a sequence of (length, bytes)."""
    parts, at = [], 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "little")
        parts.append(data[at + 4 : end])
        at = end
    return parts


@cache
def _digest() -> str:
    return hashlib.sha256("\n".join(captions()).encode()).hexdigest()[:16]
