"""`swath convert MODEL --to FILE`: a model as a checkpoint that other programs load.

Keys are OpenAI's, which OpenCLIP and Long-CLIP share. Weights are written as they are stored, so a file that came in by
`swath.models.convert` goes out bit by bit the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import safetensors.torch
import torch
from torch import Tensor

from swath.errors import CheckpointError, InputError
from swath.models import checkpoint
from swath.models.config import ModelConfig
from swath.models.convert import SECOND_TABLE
from swath.models.files import same, whole
from swath.models.hub import resolve
from swath.models.positions import KEEP
from swath.models.routing import ANY_BANDS
from swath.models.text import TextOptions
from swath.models.towers import parse_options

CheckpointLayout = Literal["open-clip", "long-clip"]
"""``open-clip``: one position table. ``long-clip``: two, 20 rows of the first in use (also LRSCLIP, DGTRS-CLIP)."""

_FIRST_TABLE = "positional_embedding"
_SUFFIXES = (".pt", ".safetensors")


def export_checkpoint(model: str | Path, out: str | Path, layout: CheckpointLayout = "open-clip") -> dict[str, Tensor]:
    """Write a model's weights as one state dict.

    Neither layout has a place for the activation, the statistics of the pixels or the context length: whoever loads the
    file must know them; they are in the model's ``config.json``.

    Args:
        model: a name or directory of `DualEncoder.from_pretrained`.
        out: the file: ``.pt`` or ``.safetensors``.
        layout: see `CheckpointLayout`. For ``long-clip``, one position table is written twice; for ``open-clip``,
            two are joined.

    Returns:
        what was written.

    Raises:
        InputError: no such layout, another kind of file, or the model's own weights.
        CheckpointError: the model is no CLIP vision transformer with CLIP's text transformer, or keeps another number
            of positions than Long-CLIP; or the file cannot be written.
        ModelError: there is no such model.
    """
    out = Path(out)
    if layout not in get_args(CheckpointLayout):
        raise InputError(f"unknown layout {layout!r}; use one of {', '.join(get_args(CheckpointLayout))}")
    if out.suffix not in _SUFFIXES:
        raise InputError(f"cannot write a checkpoint as {out.name!r}; end its name in {' or '.join(_SUFFIXES)}")
    directory = resolve(str(model))
    if out.name in (checkpoint.WEIGHTS_FILE, checkpoint.CAPTIONER_FILE) and same(out.parent, directory):
        raise InputError(f"{out} holds the weights of {model} itself; write to another place")
    config = ModelConfig.load(directory)
    _check(config, layout)
    state = checkpoint.read_state(directory, config)
    state = _long_clip(state, config) if layout == "long-clip" else _open_clip(state, config)
    with whole(out) as place:
        if out.suffix == ".safetensors":
            safetensors.torch.save_file(state, place, metadata={"format": "pt"})
        else:
            torch.save(state, place)
    return state


def _check(config: ModelConfig, layout: CheckpointLayout) -> None:
    if config.location is not None:
        raise CheckpointError(f"{config.name} has a location tower, for which these layouts have no place")
    kinds = {name: tower.type for name, tower in config.towers.items()}
    if layout == "long-clip" and config.text.type == "coca":
        raise CheckpointError(f"{config.name} is a CoCa, of which Long-CLIP's layout knows nothing; use open-clip")
    if config.text.type not in ("clip", "coca") or kinds != {"rgb": "vit"}:
        shown = ", ".join(f"{name}: {kind}" for name, kind in kinds.items())
        raise CheckpointError(
            f"{config.name} has the text tower {config.text.type!r} and the image towers {shown}; these layouts hold "
            "one CLIP vision transformer (vit) with CLIP's text transformer (clip) or CoCa's (coca)"
        )
    if config.captioner is not None and config.text.type == "clip":
        raise CheckpointError(f"{config.name} has a captioner beside CLIP's text tower; OpenCLIP's CoCa has another")
    if config.towers["rgb"].bands == ANY_BANDS:
        raise CheckpointError(
            f"{config.name} makes its first layer from wavelengths; these layouts hold one of filters"
        )


def _kept(config: ModelConfig) -> int:
    return parse_options(TextOptions, config.text).kept_positions


def _open_clip(state: dict[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    kept = _kept(config)
    if not kept:
        return state
    first, second = state[_FIRST_TABLE], state.pop(SECOND_TABLE)
    return state | {_FIRST_TABLE: torch.cat([first[:kept].to(second.dtype), second[kept:]])}


def _long_clip(state: dict[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    kept = _kept(config)
    if not kept:
        return state | {SECOND_TABLE: state[_FIRST_TABLE].clone()}
    if kept != KEEP:
        raise CheckpointError(
            f"{config.name} keeps {kept} positions, but Long-CLIP's code always takes {KEEP} from the first table; "
            "join the two first (--positions joined)"
        )
    return state
