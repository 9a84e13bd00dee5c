"""Local tokens in a quarter of their space: eight bits a component and one scale a token.

A chip's (N, D) tokens are stored as ``N, D`` (two little-endian uint16), N float16 scales, then N x D int8, where
``token = scale * int8 / 127``. A unit token comes back with a cosine above 0.999 to the original, which is all that
local similarity (sums of squared cosines) needs.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from swath.errors import ArchiveCorruptError, InputError

_HEADER = struct.Struct("<HH")


def pack(tokens: NDArray[np.floating]) -> bytes:
    """Compress tokens.

    Args:
        tokens: (N, D) real tokens (padding left out), N and D below 65,536.

    Raises:
        InputError: not two axes, too large, or a value that is not finite.
    """
    values = np.asarray(tokens, dtype=np.float32)
    if values.ndim != 2 or max(values.shape) > 0xFFFF:
        raise InputError(f"tokens must be (N, D) with both below 65,536, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise InputError("tokens hold NaN or infinite values")
    scale = np.abs(values).max(axis=1, initial=0.0).astype(np.float16)
    # float16 can round the scale below the largest component: the quotient is clipped, at most one step of 127.
    divisor = np.where(scale > 0, scale, 1.0).astype(np.float32)[:, None]
    steps = np.clip(np.rint(values * (127.0 / divisor)), -127, 127).astype(np.int8)
    return b"".join([_HEADER.pack(*values.shape), scale.tobytes(), steps.tobytes()])


def unpack(data: bytes) -> NDArray[np.float32]:
    """Restore (N, D) L2-normalised tokens from `pack`; a zero token stays zero.

    Raises:
        ArchiveCorruptError: the bytes are not what `pack` wrote.
    """
    if len(data) < _HEADER.size:
        raise ArchiveCorruptError(f"stored tokens are cut short ({len(data)} bytes)")
    count, dim = _HEADER.unpack_from(data)
    wanted = _HEADER.size + 2 * count + count * dim
    if len(data) != wanted:
        raise ArchiveCorruptError(f"stored tokens of {count} x {dim} need {wanted} bytes, found {len(data)}")
    scale = np.frombuffer(data, np.dtype("<f2"), count, _HEADER.size).astype(np.float32)
    steps = np.frombuffer(data, np.int8, count * dim, _HEADER.size + 2 * count).reshape(count, dim)
    values = steps.astype(np.float32) * scale[:, None]
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(norms > 0, norms, 1.0), dtype=np.float32)


def unpack_padded(stored: Sequence[bytes]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Restore the tokens of several chips (or texts) in one array.

    Returns:
        (B, N, D) tokens, N being the largest number among them, and (B, N) True where a token is real.

    Raises:
        ArchiveCorruptError: the bytes are not what `pack` wrote, or differ in D.
    """
    parts = [unpack(data) for data in stored]
    if len(sizes := {part.shape[1] for part in parts}) > 1:
        raise ArchiveCorruptError(f"stored tokens differ in length ({', '.join(map(str, sorted(sizes)))}); verify it")
    longest, size = max((len(part) for part in parts), default=0), sizes.pop() if sizes else 0
    tokens, mask = np.zeros((len(parts), longest, size), np.float32), np.zeros((len(parts), longest), np.bool_)
    for row, part in enumerate(parts):
        tokens[row, : len(part)], mask[row, : len(part)] = part, True
    return tokens, mask
