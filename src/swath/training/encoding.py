"""`BatchEncoder`: a batch through the towers with gradient, whole or chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swath.errors import ModelError
from swath.features import Features
from swath.models import DualEncoder
from swath.models.captioner import look
from swath.models.config import split_key
from swath.models.towers import TextTower
from swath.models.wavelength import band_codes
from swath.sensors import sensor
from swath.training.replay import replayed

_TEXTS = 128
"""Texts encoded at once. They come sorted by length, so each group is only as wide as its longest text."""

Function = TypeVar("Function", bound=Callable[..., object])


class BatchEncoder:
    """A dual encoder's towers, as training calls them.

    Args:
        encoder: the model.
        chunk: images or texts whose activations exist at a time (see `swath.training.replay`); None keeps all.
    """

    def __init__(self, encoder: DualEncoder, chunk: int | None = None) -> None:
        self.encoder = encoder
        self.chunk = chunk

    def images(
        self, images: dict[str, Tensor], *, tokens: bool, looks: bool = False
    ) -> tuple[Tensor, Features, list[Tensor]]:
        """Encode images, ordered by tower.

        Args:
            images: (B_t, bands, S, S) by tower (`ModelConfig.batch_key`).
            tokens: whether patch tokens are needed.
            looks: whether what a caption decoder looks at is needed.

        Returns:
            pooled vectors (B, D) as the towers give them; normalised features, without tokens where not needed; and
            by tower what a caption decoder looks at (B_t, M, C), M being 0 where it is not needed.

        Raises:
            ModelError: tokens are needed and a tower gives none.
        """
        found = {name: self._tower(name, batch, tokens, looks) for name, batch in images.items()}
        raw = torch.cat([pooled for pooled, _, _ in found.values()]).float()
        contexts = [context for _, _, context in found.values()]
        if not tokens:
            return raw, pooled_features(F.normalize(raw, dim=-1)), contexts
        parts = []
        for name, (pooled, patches, _) in found.items():
            if not patches.shape[1]:
                raise ModelError(f"tower {name!r} gives no patch tokens, which the terms local and keywords need")
            mask = torch.ones(patches.shape[:2], dtype=torch.bool, device=patches.device)
            parts.append(token_features(pooled, patches, mask))
        return raw, Features.cat(parts), contexts

    def texts(self, ids: Tensor, mask: Tensor, *, tokens: bool, context: bool = False) -> Features:
        """Encode texts.

        Args:
            ids: (T, N) token ids, sorted by length.
            mask: (T, N) of `ids`.
            tokens: whether to give word tokens.
            context: give every position up to the context length, padding included and marked as real.
        """
        tower = cast(TextTower, self.encoder.text)
        if context:
            missing = self.encoder.config.text.context_length - ids.shape[1]
            ids, mask = F.pad(ids, (0, missing), value=tower.pad_id), F.pad(mask, (0, missing))
        encode = self.cached(self.encoder.text.__call__, self.encoder.text)
        parts = []
        step = min(_TEXTS, self.chunk or _TEXTS)
        for start in range(0, len(ids), step):
            group = slice(start, start + step)
            ragged = tower.ragged and not context
            width = int(mask[group].sum(dim=1).max()) if ragged else mask.shape[1]
            real = mask[group, :width]
            pooled, words = encode(ids[group, :width], real)
            shown = torch.ones_like(real) if context else real
            parts.append(
                token_features(pooled, words, shown) if tokens else pooled_features(F.normalize(pooled.float(), dim=-1))
            )
        return Features.cat(parts)

    def places(self, lonlat: Tensor, known: Tensor) -> Tensor:
        """Encode places: (B, D), L2-normalised, zeros where a place is not known.

        Args:
            lonlat: (B, 2) longitude and latitude in degrees.
            known: (B,) bool.
        """
        vectors = torch.zeros(len(lonlat), self.encoder.dim, device=lonlat.device)
        if known.any():
            vectors[known] = self.encoder.forward_locations(lonlat[known])
        return vectors

    def cached(self, function: Function, module: nn.Module) -> Function:
        """The function, with its activations made again in the backward pass where the batch is cut into chunks."""
        return function if self.chunk is None else cast(Function, replayed(function, module))

    def _tower(self, name: str, batch: Tensor, tokens: bool, looks: bool) -> tuple[Tensor, Tensor, Tensor]:
        own, seen = split_key(name)
        tower = self.encoder.towers[own]
        codes = () if seen is None else (band_codes(sensor(seen).bands).to(batch.device),)

        def encode(part: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            pooled, patches, context = look(tower, part, *codes)
            return pooled, patches if tokens else patches[:, :0], context if looks else context[:, :0]

        run = self.cached(encode, tower)
        parts = [run(part) for part in torch.split(batch, self.chunk or len(batch))]
        pooled, patches, context = (torch.cat(found) for found in zip(*parts, strict=True))
        return pooled, patches, context


def token_features(pooled: Tensor, tokens: Tensor, mask: Tensor) -> Features:
    """Normalised features of what a tower gives: (B, D), (B, N, D) and which of the N are real."""
    tokens = F.normalize(tokens.float(), dim=-1) * mask[..., None]
    return Features(F.normalize(pooled.float(), dim=-1), tokens, mask)


def pooled_features(vectors: Tensor) -> Features:
    """Features (B, D) without tokens."""
    none = vectors.new_empty(len(vectors), 0, vectors.shape[1])
    return Features(vectors, none, torch.ones(len(vectors), 0, dtype=torch.bool, device=vectors.device))
