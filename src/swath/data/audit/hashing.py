"""Perceptual hashes: 64 bits that stay nearly the same when a picture is resized, recompressed or lightly retouched.

The DCT hash ("pHash"): grey picture, 32 x 32, two-dimensional DCT-II, the 8 x 8 lowest frequencies, one bit each: above
their median or not. Bit for bit the hash of the ``imagehash`` package, so lists made with it can be compared.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from swath.errors import InputError

SIDE = 32
"""Pixels on each side of the picture that is hashed."""

_LOW = 8


def grey_thumbnail(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A colour picture (3, H, W) as the (32, 32) grey picture that is hashed (ITU-R 601 luma, Lanczos)."""
    image = Image.fromarray(np.ascontiguousarray(np.moveaxis(picture, 0, -1))).convert("L")
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def perceptual_hash(grey: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash pictures.

    Args:
        grey: (N, 32, 32) grey pictures.

    Returns:
        (N,) 64-bit hashes; the most significant bit is the mean (frequency 0, 0), then row by row.

    Raises:
        InputError: the pictures have another shape.
    """
    return _pack(_low_frequencies(grey))


def dihedral_hashes(grey: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash pictures in their eight positions: turned by 0, 90, 180, 270 degrees, and each of these mirrored.

    Nothing is transformed: a mirror image changes the sign of every odd frequency along one axis, and a transposed
    picture has transposed frequencies.

    Args:
        grey: (N, 32, 32) grey pictures.

    Returns:
        (N, 8) hashes; column 0 is `perceptual_hash`. Two pictures that are turned or mirrored copies of each other
        have the same set of eight (up to rounding).

    Raises:
        InputError: the pictures have another shape.
    """
    low = _low_frequencies(grey)
    odd = np.where(np.arange(_LOW) % 2, -1.0, 1.0)
    variants = []
    for base in (low, low.transpose(0, 2, 1)):
        for rows in (1.0, odd[:, None]):
            variants += [base * rows, base * rows * odd[None, :]]
    return np.stack([_pack(variant) for variant in variants], axis=1)


def hamming(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Number of differing bits, 0 to 64, elementwise."""
    counts: NDArray[np.uint8] = np.bitwise_count(first ^ second)
    return counts


def _low_frequencies(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    if grey.ndim != 3 or grey.shape[1:] != (SIDE, SIDE):
        raise InputError(f"pictures to hash must be (N, {SIDE}, {SIDE}), got {grey.shape}")
    basis = 2.0 * np.cos(np.pi * np.outer(np.arange(_LOW), 2 * np.arange(SIDE) + 1) / (2 * SIDE))
    low: NDArray[np.float64] = basis @ grey.astype(np.float64) @ basis.T
    return low


def _pack(low: NDArray[np.float64]) -> NDArray[np.uint64]:
    flat = low.reshape(len(low), _LOW * _LOW)
    bits = flat > np.median(flat, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).reshape(len(low))
