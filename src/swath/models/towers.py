"""What a tower must be, and the registry that builds one from its configuration entry.

A vision tower is a module whose `forward` takes (B, bands, H, W) and gives a pooled vector and patch tokens; a text
tower takes token ids and gives the same pair; a location tower takes places and gives vectors. None normalises:
`DualEncoder` does, once. A new tower type is one module with a ``build`` function and one line here (or a call of
`register_vision_tower` and its like); nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, cast, runtime_checkable

from pydantic import BaseModel
from torch import Tensor

from swath.errors import ModelError
from swath.models.config import LocationConfig, TextConfig, TowerConfig, checked

Truncation = Literal["error", "warn", "count", "window"]
"""What to do with a text over the context length.

- ``error``: refuse it.
- ``warn``: cut it, and warn with the number of texts that were cut.
- ``count``: cut it, and only log that number.
- ``window``: read all of it, window by window, and pool (see `swath.models.windows`).
"""


@runtime_checkable
class VisionTower(Protocol):
    """A module that turns images into vectors."""

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a batch.

        Args:
            images: (B, bands, H, W) float.

        Returns:
            pooled (B, D) and patch tokens (B, N, D), both projected to the shared space, neither normalised;
            N is 0 where the architecture has no tokens.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tokenized:
    """Token ids of texts.

    Attributes:
        ids: one list a text (or a window of a text), start and end token included, no padding.
        truncated: how many texts were cut to the context length.
        owners: the text that each list is a window of, in ascending order; None where each list is a whole text.
    """

    ids: list[list[int]]
    truncated: int
    owners: tuple[int, ...] | None = None


@runtime_checkable
class TextTower(Protocol):
    """A module that turns token ids into vectors.

    Attributes:
        context_length: most tokens of one text.
        pad_id: the id that fills up a batch.
        ragged: whether positions behind the end of a text change nothing, so that each text may be encoded at its own
            length; if not, batches are padded to `context_length`.
    """

    context_length: int
    pad_id: int
    ragged: bool

    def tokenize(self, texts: Sequence[str], truncation: Truncation = "warn") -> Tokenized:
        """Token ids of `texts`; texts over the context length are treated as `truncation` says."""
        ...

    def __call__(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a batch.

        Args:
            ids: (B, N) int64.
            mask: (B, N) bool, True on a text's own tokens, which come first.

        Returns:
            pooled (B, D) and tokens (B, N, D), both projected to the shared space, neither normalised.
        """
        ...


@runtime_checkable
class PlaceTower(Protocol):
    """A module that turns places into vectors."""

    def __call__(self, lonlat: Tensor) -> Tensor:
        """Encode a batch.

        Args:
            lonlat: (N, 2) float64, longitude and latitude in degrees, as `swath.lonlat.as_lonlat` gives them.

        Returns:
            (N, D) in the shared space, not normalised.
        """
        ...


VisionBuilder = Callable[[TowerConfig, int, Path | None], VisionTower]
"""(entry, embed_dim, directory of the checkpoint or None for a fresh model) -> tower."""

TextBuilder = Callable[[TextConfig, int, Path | None], TextTower]
"""(entry, embed_dim, directory of the checkpoint or None for a fresh model) -> tower."""

LocationBuilder = Callable[[LocationConfig, int], PlaceTower]
"""(entry, embed_dim) -> tower."""

_VISION: dict[str, str | VisionBuilder] = {
    "vit": "swath.models.vision:build",
    "convnet": "swath.models.convnet:build",
    "ensemble": "swath.models.ensemble:build_vision",
    "timm": "swath.models.adapters.timm:build",
    "open_clip": "swath.models.adapters.open_clip:build_vision",
}
_TEXT: dict[str, str | TextBuilder] = {
    "clip": "swath.models.text:build",
    "coca": "swath.models.unimodal:build",
    "ensemble": "swath.models.ensemble:build_text",
    "transformers": "swath.models.adapters.transformers:build",
    "open_clip": "swath.models.adapters.open_clip:build_text",
}

_LOCATION: dict[str, str | LocationBuilder] = {
    "satclip": "swath.models.location.tower:build_satclip",
    "geoclip": "swath.models.location.tower:build_geoclip",
}


def register_vision_tower(kind: str, builder: VisionBuilder) -> None:
    """Make a vision tower type known under the name that configurations use as `type`."""
    _VISION[kind] = builder


def register_text_tower(kind: str, builder: TextBuilder) -> None:
    """Make a text tower type known under the name that configurations use as `type`."""
    _TEXT[kind] = builder


def register_location_tower(kind: str, builder: LocationBuilder) -> None:
    """Make a location tower type known under the name that configurations use as `type`."""
    _LOCATION[kind] = builder


def build_vision_tower(config: TowerConfig, embed_dim: int, directory: Path | None = None) -> VisionTower:
    """Build the vision tower of a configuration entry.

    Raises:
        ModelError: no such tower type.
        CheckpointError: an option is unknown or out of range.
    """
    builder = cast(VisionBuilder, _builder(_VISION, config.type, "vision"))
    return builder(config, embed_dim, directory)


def build_text_tower(config: TextConfig, embed_dim: int, directory: Path | None = None) -> TextTower:
    """Build the text tower of a configuration entry.

    Raises:
        ModelError: no such tower type.
        CheckpointError: an option is unknown or out of range.
    """
    builder = cast(TextBuilder, _builder(_TEXT, config.type, "text"))
    return builder(config, embed_dim, directory)


def build_location_tower(config: LocationConfig, embed_dim: int) -> PlaceTower:
    """Build the location tower of a configuration entry.

    Raises:
        ModelError: no such tower type.
        CheckpointError: an option is unknown or out of range.
    """
    builder = cast(LocationBuilder, _builder(_LOCATION, config.type, "location"))
    return builder(config, embed_dim)


def _builder(registry: dict[str, Any], kind: str, what: str) -> Any:  # noqa: ANN401 - either kind of builder
    entry = registry.get(kind)
    if entry is None:
        raise ModelError(f"unknown {what} tower type {kind!r}; known: {', '.join(sorted(registry))}")
    if isinstance(entry, str):
        module, function = entry.split(":")
        return getattr(import_module(module), function)
    return entry


Options = TypeVar("Options", bound=BaseModel)


def parse_options(model: type[Options], config: TowerConfig | TextConfig | LocationConfig) -> Options:
    """Check the options of a tower entry against the tower's own model.

    Raises:
        CheckpointError: naming each unknown or wrong option.
    """
    return checked(model, config.options, f"options of the {config.type!r} tower")
