"""Seeded random fields: named random streams, spectral fractals, smoothing and resampling. numpy only."""

from __future__ import annotations

import hashlib
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]

_Number = TypeVar("_Number", bound=np.generic)


def stream(seed: int, *key: object) -> np.random.Generator:
    """A random generator of its own for each purpose.

    Streams are named, not drawn one after the other, so that adding a region, a scene or a date to a world leaves
    every other pixel as it was.

    Args:
        seed: the world's seed.
        key: what the numbers are for (region, scene, date, purpose); any values with a stable ``str``.
    """
    name = "/".join(str(part) for part in (seed, *key))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big"))


def fractal(rng: np.random.Generator, size: int, *, beta: float = 2.0, longest: float = 256.0) -> Field:
    """An isotropic random field with a power-law spectrum, by filtering white noise in the Fourier domain.

    Natural surfaces (relief, vegetation, moisture) have power spectra close to f^-beta with beta between 1.5 and 4;
    larger is smoother.

    Args:
        rng: source of randomness.
        size: rows and columns.
        beta: exponent of the radial power spectrum.
        longest: the longest wavelength, in pixels; the spectrum is flat beyond it, so patches do not outgrow it.

    Returns:
        (size, size) float32 with mean 0 and standard deviation 1.
    """
    extent = _fast_length(size + int(min(longest, size) * 0.25))  # a margin, since Fourier noise is periodic
    rows = np.fft.fftfreq(extent)[:, None]
    cols = np.fft.rfftfreq(extent)[None, :]
    power = (rows**2 + cols**2 + 1.0 / longest**2) ** (-beta / 2.0)
    power[0, 0] = 0.0
    shape = power.shape
    spectrum = rng.standard_normal(shape, np.float32) + 1j * rng.standard_normal(shape, np.float32)
    field = np.fft.irfft2(spectrum * np.sqrt(power), s=(extent, extent))[:size, :size]
    field -= field.mean()
    return (field / max(float(field.std()), 1e-12)).astype(np.float32)


def smooth(field: NDArray[np.floating], radius: int) -> Field:
    """Blur by two box filters of half-width `radius` pixels (close to a triangle), with mirrored borders."""
    out = field.astype(np.float32)
    for _ in range(2):
        for axis in (0, 1):
            out = _box(out, radius, axis)
    return out


def resize(field: NDArray[np.floating], size: int) -> Field:
    """Bilinear resampling of a square field to (size, size); pixel centres stay where they are on the ground."""
    old = field.shape[0]
    if old == size:
        return field.astype(np.float32)
    position = np.clip((np.arange(size) + 0.5) * (old / size) - 0.5, 0, old - 1)
    low = np.minimum(position.astype(np.int64), max(old - 2, 0))
    weight = (position - low).astype(np.float32)
    high = np.minimum(low + 1, old - 1)
    rows = field[low].astype(np.float32)
    rows += (field[high] - rows) * weight[:, None]
    left = rows[:, low]
    return np.asarray(left + (rows[:, high] - left) * weight[None, :], np.float32)


def replicate(field: NDArray[_Number], factor: int) -> NDArray[_Number]:
    """Nearest-neighbour enlargement of the last two axes by a whole factor."""
    return field.repeat(factor, axis=-2).repeat(factor, axis=-1)


def block_mean(field: NDArray[np.float32], factor: int) -> Field:
    """Mean over blocks of factor x factor pixels in the last two axes, cut to whole blocks."""
    if factor == 1:
        return field
    rows, cols = field.shape[-2] // factor, field.shape[-1] // factor
    cut = field[..., : rows * factor, : cols * factor]
    parts = [cut[..., i::factor, j::factor] for i in range(factor) for j in range(factor)]
    total = parts[0].astype(np.float32)
    for part in parts[1:]:
        total += part
    return total / np.float32(factor * factor)


def hashed(ids: NDArray[np.integer], salt: int) -> Field:
    """A fixed uniform number in [0, 1) for every integer id (64-bit mix of Steele et al., SplitMix64)."""
    with np.errstate(over="ignore"):
        x = ids.astype(np.uint64) + np.uint64((salt * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) % 2**64)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return ((x >> np.uint64(40)).astype(np.float32)) * np.float32(2.0**-24)


def _box(field: Field, radius: int, axis: int) -> Field:
    radius = min(radius, field.shape[axis] - 1)
    if radius < 1:
        return field
    width = 2 * radius + 1
    pad = [(0, 0), (0, 0)]
    pad[axis] = (radius + 1, radius)
    total = np.cumsum(np.pad(field, pad, mode="symmetric"), axis=axis, dtype=np.float64)
    ends = np.take(total, range(width, total.shape[axis]), axis=axis)
    starts = np.take(total, range(total.shape[axis] - width), axis=axis)
    return ((ends - starts) / width).astype(np.float32)


def _fast_length(length: int) -> int:
    """The next even length with only factors 2, 3 and 5, where the FFT is fast."""
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1 and length % 2 == 0:
            return length
        length += 1
