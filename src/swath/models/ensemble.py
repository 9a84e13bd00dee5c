"""Several dual encoders as one: their vectors side by side.

With the members' vectors u_m of an image and v_m of a text, all L2-normalised, the ensemble's are
(u_1, ..., u_n) / sqrt(n) and (v_1, ..., v_n) / sqrt(n): its cosine is the mean of the members' cosines, so an ensemble
is a model like any other and can be indexed, searched, trained and stretched like one.

Each member may have a centre c for images and one for texts, which is taken off before: u = normalise(u' - c). Vectors
of images and vectors of texts lie in two narrow cones (Liang et al. 2022); with each cone's mean taken off, fewer
vectors are close to everything.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from swath.errors import CheckpointError, ModelError
from swath.features import Features
from swath.models.config import ModelConfig, TextConfig, TowerConfig
from swath.models.dual_encoder import DualEncoder
from swath.models.stretch import Stretchable
from swath.models.towers import (
    TextTower,
    Tokenized,
    Truncation,
    VisionTower,
    build_text_tower,
    build_vision_tower,
    parse_options,
)


class EnsembleOptions(BaseModel):
    """Options of an ``ensemble`` tower.

    Attributes:
        dims: length of each member's vectors; they add up to the model's.
        members: each member's own tower entry; a vision member takes the ensemble's input size, bands and statistics, a
            text member its context length.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dims: tuple[int, ...] = Field(min_length=1)
    members: tuple[dict[str, Any], ...] = Field(min_length=1)

    def check(self, embed_dim: int) -> None:
        """See that members and lengths fit together.

        Raises:
            CheckpointError: they do not.
        """
        if len(self.dims) != len(self.members) or sum(self.dims) != embed_dim:
            raise CheckpointError(
                f"an ensemble of {len(self.members)} members with vectors of {list(self.dims)} does not give vectors "
                f"of {embed_dim}"
            )


class _Members(nn.Module):
    """Towers side by side, and how their vectors become one."""

    def __init__(self, members: Sequence[nn.Module], dims: Sequence[int]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.dims = tuple(dims)
        self.register_buffer("centre", torch.zeros(sum(dims)))

    def side_by_side(self, found: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """Pooled (B, D) and tokens (B, N, D) of all members' (B, D_m) and (B, N, D_m)."""
        lengths = {tokens.shape[1] for _, tokens in found}
        if len(lengths) > 1:
            raise ModelError(f"the members of an ensemble must give equally many tokens, not {sorted(lengths)}")
        centres = torch.split(cast(Tensor, self.centre), list(self.dims))
        pooled = [
            F.normalize(F.normalize(vectors.float(), dim=-1) - centre.float(), dim=-1)
            for (vectors, _), centre in zip(found, centres, strict=True)
        ]
        tokens = [F.normalize(vectors.float(), dim=-1) for _, vectors in found]
        return torch.cat(pooled, dim=-1) / math.sqrt(len(found)), torch.cat(tokens, dim=-1) / math.sqrt(len(found))


class VisionEnsemble(_Members):
    """A vision tower made of several.

    Args:
        members: the towers; they take the same input.
        dims: length of each one's vectors.
    """

    def forward(self, images: Tensor, *codes: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a batch, see `swath.models.towers.VisionTower`.

        Raises:
            ModelError: the members give different numbers of tokens.
        """
        return self.side_by_side([member(images, *codes) for member in self.members])


class TextEnsemble(_Members):
    """A text tower made of several with one tokenizer.

    Args:
        members: the towers.
        dims: length of each one's vectors.

    Raises:
        ModelError: the members read texts differently.
    """

    def __init__(self, members: Sequence[TextTower], dims: Sequence[int]) -> None:
        super().__init__([cast(nn.Module, member) for member in members], dims)
        probe = ["two planes are parked beside a terminal, seen from above"]
        read = {(member.context_length, member.pad_id, str(member.tokenize(probe, "count").ids)) for member in members}
        if len(read) > 1:
            raise ModelError("the members of an ensemble must share tokenizer and context length")
        self.context_length = members[0].context_length
        self.pad_id = members[0].pad_id
        self.ragged = all(member.ragged for member in members)

    @property
    def first(self) -> TextTower:
        """The member that reads texts for all."""
        return cast(TextTower, self.members[0])

    @property
    def tokenizer(self) -> object:
        """The tokenizer of CLIP's text towers.

        Raises:
            AttributeError: the members have none.
        """
        return cast(Any, self.first).tokenizer

    def tokenize(self, texts: Sequence[str], truncation: Truncation = "warn") -> Tokenized:
        """Token ids of `texts`, the same for all members."""
        return self.first.tokenize(texts, truncation)

    def stretch(self, keep: int, ratio: float | None, length: int | None) -> None:
        """Take longer texts, see `swath.models.stretch.Stretchable`.

        Raises:
            ModelError: a member cannot.
        """
        for member in self.members:
            if not isinstance(member, Stretchable):
                raise ModelError("a member of the ensemble cannot be stretched")
            member.stretch(keep, ratio, length)
        self.context_length = self.first.context_length

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Encode token ids, see `swath.models.towers.TextTower`."""
        return self.side_by_side([member(ids, mask) for member in self.members])


def build_vision(config: TowerConfig, embed_dim: int, directory: Path | None = None) -> VisionEnsemble:
    """Build an ``ensemble`` vision tower from its configuration entry (see `swath.models.towers`)."""
    options = parse_options(EnsembleOptions, config)
    options.check(embed_dim)
    shared = config.model_dump(include=set(TowerConfig.model_fields) - {"type"})
    entries = [TowerConfig.model_validate(shared | member) for member in options.members]
    towers = [build_vision_tower(entry, dim, directory) for entry, dim in zip(entries, options.dims, strict=True)]
    return VisionEnsemble([cast(nn.Module, tower) for tower in towers], options.dims)


def build_text(config: TextConfig, embed_dim: int, directory: Path | None = None) -> TextEnsemble:
    """Build an ``ensemble`` text tower from its configuration entry (see `swath.models.towers`)."""
    options = parse_options(EnsembleOptions, config)
    options.check(embed_dim)
    shared = {"context_length": config.context_length}
    entries = [TextConfig.model_validate(member | shared) for member in options.members]
    towers = [build_text_tower(entry, dim, directory) for entry, dim in zip(entries, options.dims, strict=True)]
    return TextEnsemble(towers, options.dims)


def join(models: Sequence[DualEncoder], name: str) -> DualEncoder:
    """One model of several: its cosines are the means of theirs (of texts read sentence by sentence nearly so).

    A captioner stays behind: it reads the tokens of one model's towers.

    Args:
        models: with the same sensors and input, tokenizer, context length and share of the sentences in long texts.
        name: of the ensemble.

    Raises:
        ModelError: the models take different input or read long texts differently, or one has a location tower.
    """
    first = models[0].config
    for model in models[1:]:
        if model.config.sensors != first.sensors or _inputs(model.config) != _inputs(first):
            raise ModelError(f"{model.config.name!r} and {first.name!r} take different input and cannot be joined")
        if model.config.text.sentences != first.text.sentences:
            raise ModelError(
                f"{first.name!r} reads long texts with text.sentences {first.text.sentences:g}, {model.config.name!r} "
                f"with {model.config.text.sentences:g}; join models that read them alike"
            )
    if any(model.config.location for model in models):
        raise ModelError("a model with a location tower cannot be joined: places have no part in an ensemble")
    dims = [model.dim for model in models]
    towers = {
        key: {**entry.model_dump(include=_SHARED), "type": "ensemble", "dims": dims}
        | {"members": [_own(model.config.towers[key]) for model in models]}
        for key, entry in first.towers.items()
    }
    text = {
        "type": "ensemble",
        "context_length": first.text.context_length,
        "sentences": first.text.sentences,
        "dims": dims,
        "members": [model.config.text.model_dump(exclude={"context_length"}) for model in models],
    }
    data = first.model_dump(exclude={"digest", "fusion", "captioner"}) | {
        "name": name,
        "embed_dim": sum(dims),
        "text": text,
        "towers": towers,
        "provenance": {**first.provenance, "members": [model.model_id for model in models]},
    }
    ready = {key: VisionEnsemble([copy.deepcopy(model.towers[key]) for model in models], dims) for key in first.towers}
    joined = DualEncoder(
        ModelConfig.parse(data, name),
        text=TextEnsemble([cast(TextTower, copy.deepcopy(model.text)) for model in models], dims),
        towers=cast(dict[str, VisionTower], ready),
    )
    with torch.no_grad():
        joined.logit_scale.copy_(torch.stack([model.logit_scale.float() for model in models]).mean())
    return joined.eval()


def centre(model: DualEncoder, images: Features, texts: Features, tower: str = "rgb") -> None:
    """Give an ensemble the centres of its members' vectors, in place.

    Args:
        model: an ensemble whose centres are still zero.
        images: the model's features of training images of the tower.
        texts: the model's features of their captions.
        tower: the vision tower.

    Raises:
        ModelError: the model is not an ensemble.
    """
    for part, features in ((model.towers[tower], images), (model.text, texts)):
        if not isinstance(part, _Members):
            raise ModelError(f"{model.config.name!r} is no ensemble: make one of it with swath.models.ensemble.join")
        mean = features.pooled.float().mean(dim=0) * math.sqrt(len(part.dims))
        cast(Tensor, part.centre).copy_(mean)
    model.forget_digest()


_SHARED = set(TowerConfig.model_fields) - {"type"}
"""Of a tower's entry, what is said once for all members."""


def _own(entry: TowerConfig) -> dict[str, Any]:
    """Of a tower's entry, what a member says itself."""
    return {"type": entry.type, **entry.options}


def _inputs(config: ModelConfig) -> dict[str, dict[str, Any]]:
    return {name: entry.model_dump(include=_SHARED) for name, entry in config.towers.items()}
