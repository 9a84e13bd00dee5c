"""Models for longer texts from models for short ones, in one position table or in Long-CLIP's two.

In the two-table form the first rows come from a table that training leaves alone, the others from a table that it
changes. Both forms compute the same; `parted` and `joined` go from one to the other.
"""

from __future__ import annotations

import copy
from typing import Any, Protocol, runtime_checkable

from swath.errors import ModelError
from swath.models.dual_encoder import DualEncoder
from swath.models.positions import KEEP, stretch_positions
from swath.models.text import TextTransformer

__all__ = ["Stretchable", "joined", "parted", "stretch_positions", "stretched"]


@runtime_checkable
class Stretchable(Protocol):
    """A text tower that can be made to take longer texts."""

    context_length: int

    def stretch(self, keep: int, ratio: float | None, length: int | None) -> None:
        """Take longer texts from now on, see `swath.models.positions.stretch_positions`.

        Raises:
            InputError: keep, ratio and length do not fit together.
            ModelError: this tower's positions cannot be stretched that far.
        """
        ...


def stretched(
    model: DualEncoder,
    *,
    keep: int = KEEP,
    ratio: float | None = None,
    length: int | None = None,
    name: str | None = None,
) -> DualEncoder:
    """A copy of a model that takes longer texts; texts of up to `keep` tokens give the same vectors as before.

    Args:
        model: with any text tower that has learned positions; two position tables are joined.
        keep: positions kept as they are.
        ratio: stretch of the others; by default 4, or whatever gives `length`.
        length: the new context length.
        name: of the new model; by default the old one with the new context length.

    Raises:
        ModelError: the text tower's positions cannot be stretched.
        InputError: see `swath.models.positions.stretch_positions`.
    """
    longer = joined(model) if _tables(model) == 2 else copy.deepcopy(model)
    tower = longer.text
    if not isinstance(tower, Stretchable):
        kind = model.config.text.type
        raise ModelError(f"the text tower of {model.config.name!r} is a {kind!r}, which cannot be stretched")
    tower.stretch(keep, ratio, length)
    context = tower.context_length
    note = f"from {model.model_id} ({model.config.text.context_length} positions, {keep} kept)"
    return _with(longer, name or f"{model.config.name}-{context}", {"context_length": context}, {"stretched": note})


def parted(model: DualEncoder, keep: int = KEEP) -> DualEncoder:
    """A copy in the two-table form: training changes none of the first `keep` positions. It computes the same.

    Raises:
        ModelError: the text tower is not CLIP's, or `keep` is not between 1 and the context length.
    """
    if _tables(model) == 2:
        model = joined(model)
    tower = _clip_tower(model)
    if not 0 < keep < tower.context_length:
        raise ModelError(f"of {tower.context_length} positions, {keep} cannot be kept: 1 to {tower.context_length - 1}")
    copied = copy.deepcopy(model)
    _clip_tower(copied).set_positions(tower.positions().detach().clone(), kept=keep)
    return _with(copied, model.config.name, {"kept_positions": keep}, {})


def joined(model: DualEncoder) -> DualEncoder:
    """A copy with one position table, from the rows in use of two. It computes the same.

    Raises:
        ModelError: the text tower is not CLIP's.
    """
    table = _clip_tower(model).positions().detach().clone()
    copied = copy.deepcopy(model)
    _clip_tower(copied).set_positions(table)
    return _with(copied, model.config.name, {"kept_positions": None}, {})


def _tables(model: DualEncoder) -> int:
    return 2 if isinstance(model.text, TextTransformer) and model.text.kept_positions else 1


def _clip_tower(model: DualEncoder) -> TextTransformer:
    if not isinstance(model.text, TextTransformer):
        kind = model.config.text.type
        raise ModelError(f"the text tower of {model.config.name!r} is a {kind!r}; only 'clip' has two position tables")
    return model.text


def _with(model: DualEncoder, name: str, text: dict[str, Any], provenance: dict[str, str]) -> DualEncoder:
    """The model with a changed configuration; text options that are None are taken out."""
    entry = {key: value for key, value in (model.config.text.model_dump() | text).items() if value is not None}
    data = model.config.model_dump() | {
        "name": name,
        "text": entry,
        "provenance": {**model.config.provenance, **provenance},
        "digest": None,
    }
    model.config = type(model.config).parse(data, name)
    model.forget_digest()
    return model
