"""`Scale`: scores of several sensors on one scale.

A model puts the images of each sensor into a part of the space of its own: texts as a whole are nearer to one sensor's
images than to another's, and spread wider (the gap of Liang et al. 2022, "Mind the gap", between towers). Sorted by the
cosine alone, hits of one sensor then hide those of another.

For each sensor, ``centre`` is the median of the cosines of general captions (`swath.archive.background`) with a sample
of its chips, and ``spread`` the distance from there to their 99th percentile: how far above the middle a text stands
that fits well. A score becomes

    calibrated = C + S (score - centre_sensor) / spread_sensor,

with C and S the means over the archive's sensors, so that scores stay of the cosine's size, and stay the cosine where
all sensors are alike. The map rises, so it never changes the order within a sensor. The sample, not the query, sets
the scale: a sensor whose chips do not show what is asked for does not get its share of the hits by force.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

UPPER = 0.99
"""The quantile that stands for a text that fits well."""

_NARROW = 1e-6  # a spread below this is none: one chip, or all the same


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """The sensors of rows, as numbers.

    Attributes:
        codes: (N,) places in `names`.
        names: the sensors' names.
    """

    codes: NDArray[np.int32]
    names: tuple[str, ...]

    @classmethod
    def of(cls, column: pa.Array | pa.ChunkedArray) -> Coded:
        """A column of names."""
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        encoded = whole.dictionary_encode()
        return cls(encoded.indices.to_numpy(zero_copy_only=False), tuple(encoded.dictionary.to_pylist()))

    def __getitem__(self, places: NDArray[np.integer]) -> Coded:
        """The sensors of some of the rows."""
        return Coded(self.codes[places], self.names)


@dataclass(frozen=True, slots=True)
class Affine:
    """``gain * score + offset``; the gain is positive."""

    gain: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """What brings each sensor's scores to one scale.

    Attributes:
        sensors: by the sensor's name.
    """

    sensors: Mapping[str, Affine]

    @classmethod
    def of(cls, moments: Mapping[str, tuple[float, float]]) -> Scale:
        """The scale on which all sensors have one centre and one spread.

        Args:
            moments: centre and spread of each sensor's scores; spreads that are (nearly) zero count as the others'.
        """
        if len(moments) < 2:
            return cls({name: Affine() for name in moments})
        known = [spread for _, spread in moments.values() if spread > _NARROW] or [1.0]
        spreads = {name: spread if spread > _NARROW else float(np.mean(known)) for name, (_, spread) in moments.items()}
        centre, spread = float(np.mean([own for own, _ in moments.values()])), float(np.mean(list(spreads.values())))
        gains = {name: spread / own for name, own in spreads.items()}
        return cls({name: Affine(gains[name], centre - gains[name] * own) for name, (own, _) in moments.items()})

    @property
    def digest(self) -> str:
        """Changes with the scale."""
        told = [(name, own.gain, own.offset) for name, own in sorted(self.sensors.items())]
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    def after(self, offset: float, scale: float) -> Scale:
        """The scale of plain inner products of which scores are ``(product - offset) / scale``."""
        return Scale(
            {name: Affine(own.gain / scale, own.offset - own.gain * offset / scale) for name, own in self._items()}
        )

    def apply(self, scores: NDArray[np.floating], sensors: Coded) -> NDArray[np.float32]:
        """(N,) calibrated scores of (N,) rows of these sensors."""
        gain, offset = self.columns(sensors)
        return np.asarray(scores * gain + offset, dtype=np.float32)

    def columns(self, sensors: Coded) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(N,) gains and offsets of (N,) rows of these sensors."""
        own = [self.sensors[name] for name in sensors.names]
        gain = np.array([one.gain for one in own], dtype=np.float32)
        offset = np.array([one.offset for one in own], dtype=np.float32)
        return gain[sensors.codes], offset[sensors.codes]

    def calibrated(self, score: float, sensor: str) -> float:
        """One row's calibrated score."""
        return self.sensors[sensor].gain * score + self.sensors[sensor].offset

    def raw(self, score: float, sensor: str) -> float:
        """One row's score before calibration."""
        return (score - self.sensors[sensor].offset) / self.sensors[sensor].gain

    def _items(self) -> list[tuple[str, Affine]]:
        return list(self.sensors.items())


def text_moments(
    bank: NDArray[np.float32], samples: Mapping[str, NDArray[np.float32]]
) -> dict[str, tuple[float, float]]:
    """Centre and spread of the scores of general captions, sensor by sensor.

    Args:
        bank: (T, D) captions.
        samples: sensor -> (N, D) chips.
    """
    found = {}
    for name, sample in samples.items():
        middle, upper = np.quantile(sample @ bank.T, [0.5, UPPER])
        found[name] = (float(middle), float(upper - middle))
    return found


def query_moments(
    vector: NDArray[np.float32], samples: Mapping[str, NDArray[np.float32]]
) -> dict[str, tuple[float, float]]:
    """Mean and deviation of one query's own scores, for queries that are more than a text: no bank tells their scale.

    Args:
        vector: (D,).
        samples: sensor -> (N, D) chips.
    """
    scores = {name: sample @ vector for name, sample in samples.items()}
    return {name: (float(own.mean()), float(own.std())) for name, own in scores.items()}
