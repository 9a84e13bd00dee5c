"""Texts encoded at their own length, in batches sorted by length.

CLIP's text tower is causal and pools at the end token, so padding changes nothing and need not be computed: captions
average about 13 of 77 positions. Equal texts (RSICD has three captions for each distinct one) are encoded once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from swath.features import Features
from swath.models.towers import TextTower

CPU_TOKENS = 1024
"""Positions in one batch on a CPU: enough to keep it busy, few enough that texts of one batch are of one length."""

GPU_TOKENS = 65_536
"""Positions in one batch on a GPU."""


def encode(
    tower: TextTower, ids: Sequence[list[int]], device: torch.device, *, pad_to_context: bool, tokens: bool
) -> Features:
    """Encode token id lists.

    Args:
        tower: the text tower, on `device`.
        ids: one list a text, start and end included, no padding.
        device: where to compute.
        pad_to_context: compute and give all positions up to the context length, all marked as real.
        tokens: whether to keep the token vectors.

    Returns:
        float32 features in the order of `ids`.
    """
    keys: dict[tuple[int, ...], int] = {}
    rows = torch.tensor([keys.setdefault(tuple(text), len(keys)) for text in ids])
    distinct = list(keys)
    width = tower.context_length if pad_to_context else max(map(len, distinct))
    fixed = tower.context_length if pad_to_context or not tower.ragged else None
    pooled: Tensor | None = None
    words = masks = torch.empty(0)
    for members in batches(list(map(len, distinct)), GPU_TOKENS if device.type == "cuda" else CPU_TOKENS, fixed):
        batch, mask = pad([distinct[member] for member in members], tower, fixed)
        vectors, positions = tower(batch.to(device), mask.to(device))
        if pooled is None:
            # Without tokens, keep the arrays but give them no positions; a tower may have none of its own either.
            kept = width if tokens and positions.shape[1] else 0
            pooled = torch.empty(len(distinct), vectors.shape[1], device=device)
            words = torch.zeros(len(distinct), kept, vectors.shape[1], device=device)
            masks = torch.zeros(len(distinct), kept, dtype=torch.bool, device=device)
        index = torch.tensor(members, device=device)
        pooled[index] = F.normalize(vectors.float(), dim=-1)
        if words.shape[1]:
            shown = (torch.ones_like(mask) if pad_to_context else mask)[:, :width].to(device)
            count = shown.shape[1]
            words[index, :count] = F.normalize(positions[:, :count].float(), dim=-1) * shown[..., None]
            masks[index, :count] = shown
    assert pooled is not None  # noqa: S101 - there is at least one text
    if len(distinct) == len(rows):
        return Features(pooled, words, masks)
    return Features(pooled, words, masks).select(rows.to(device))


def batches(lengths: Sequence[int], budget: int, fixed: int | None = None) -> Iterator[list[int]]:
    """Group texts by length so that a batch's padded size stays within `budget` positions.

    Args:
        lengths: tokens of each text.
        budget: most positions (texts x longest) of one batch; one text always fits.
        fixed: length that every text is padded to; None pads to the longest of the batch.

    Yields:
        indices into `lengths`; each index exactly once.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * (fixed or lengths[index]) > budget:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def pad(ids: Sequence[Sequence[int]], tower: TextTower, length: int | None = None) -> tuple[Tensor, Tensor]:
    """Stack id lists.

    Args:
        ids: at least one list.
        tower: names the padding id, and the length where the tower wants all its positions.
        length: number of columns; by default that of the longest list.

    Returns:
        ids (B, N) int64 and mask (B, N) bool.
    """
    width = length or (max(map(len, ids)) if tower.ragged else tower.context_length)
    batch = torch.full((len(ids), width), tower.pad_id, dtype=torch.long)
    mask = torch.zeros(len(ids), width, dtype=torch.bool)
    for row, text in enumerate(ids):
        batch[row, : len(text)] = torch.tensor(text)
        mask[row, : len(text)] = True
    return batch, mask
