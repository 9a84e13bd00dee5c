"""Knowledge-preserved stretching: a longer context from a short one (Long-CLIP, Zhang et al. 2024, section 3.1).

CLIP's first 20 positions are well trained, because most captions end there; they are kept. The others are spread out by
linear interpolation. 77 positions become 248. LRSCLIP / DGTRS-CLIP start from the same table.
"""

from __future__ import annotations

import torch
from torch import Tensor

from swath.errors import InputError, ModelError
from swath.models.dual_encoder import DualEncoder


def stretch_positions(table: Tensor, keep: int = 20, ratio: int = 4) -> Tensor:
    """Stretch a table of learned positions.

    Row ``keep + ratio * i + k`` is ``(1 - k / ratio) * table[keep + i] + (k / ratio) * table[keep + i + 1]``; beyond
    the last row the last step is continued.

    Args:
        table: (N, W).
        keep: rows kept as they are.
        ratio: how many rows each later row becomes.

    Returns:
        (keep + ratio * (N - keep), W).

    Raises:
        InputError: `keep` leaves fewer than two rows to stretch, or `ratio` is below 1.
    """
    if not 0 <= keep <= table.shape[0] - 2 or ratio < 1:
        raise InputError(f"cannot keep {keep} of {table.shape[0]} positions and stretch the rest by {ratio}")
    rest = table[keep:]
    following = torch.cat([rest[1:], 2 * rest[-1:] - rest[-2:-1]])
    weight = (torch.arange(ratio, dtype=table.dtype, device=table.device) / ratio)[None, :, None]
    spread = (1 - weight) * rest[:, None] + weight * following[:, None]
    return torch.cat([table[:keep], spread.flatten(0, 1)])


def stretched(model: DualEncoder, *, keep: int = 20, ratio: int = 4, name: str | None = None) -> DualEncoder:
    """A copy of a model that takes longer texts; short texts of up to `keep` tokens give the same vectors as before.

    Args:
        model: with a ``clip`` text tower.
        keep: positions kept as they are.
        ratio: stretch of the others.
        name: of the new model; by default the old one with the new context length.

    Raises:
        ModelError: the text tower has no table of positions.
        InputError: see `stretch_positions`.
    """
    config = model.config
    if config.text.type != "clip":
        raise ModelError(f"the text tower of {config.name!r} is a {config.text.type!r}; only 'clip' can be stretched")
    state = model.state_dict()
    state["positional_embedding"] = stretch_positions(state["positional_embedding"], keep, ratio)
    length = state["positional_embedding"].shape[0]
    longer = config.model_copy(
        update={
            "name": name or f"{config.name}-{length}",
            "text": config.text.model_copy(update={"context_length": length}),
            "provenance": {**config.provenance, "stretched": f"from {model.model_id}, {keep} kept, times {ratio}"},
            "digest": None,
        }
    )
    copy = DualEncoder(longer).to(model.device, model.dtype)
    copy.load_state_dict(state)
    return copy.train(model.training)
