"""What a model's weights are called in its files: as in OpenCLIP's, where those have the same part.

The text tower of type ``clip`` has no prefix there, the vision tower named ``rgb`` has ``visual.``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from torch import nn

from swath.models.decoder import DECODER

if TYPE_CHECKING:
    from swath.models.dual_encoder import DualEncoder

VISUAL = "visual."
"""Prefix of the vision tower named ``rgb``."""

_NOT_TEXT = ("towers.", "location.", DECODER, "logit_scale")


def vision_prefix(tower: str) -> str:
    """What the keys of a vision tower begin with in a file."""
    return VISUAL if tower == "rgb" else f"towers.{tower}."


def is_text(key: str) -> bool:
    """Whether a key of a file is one of the text tower's."""
    return not key.startswith((VISUAL, *_NOT_TEXT))


def to_file_keys(module: nn.Module, state: dict[str, Any], prefix: str, _metadata: Any) -> None:  # noqa: ANN401
    """Hook of `nn.Module.state_dict` of a `DualEncoder`."""
    for inner, outer in _renamed(module):
        for key in [key for key in state if key.startswith(prefix + inner)]:
            state[prefix + outer + key.removeprefix(prefix + inner)] = state.pop(key)


def from_file_keys(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:  # noqa: ANN401
    """Hook of `nn.Module.load_state_dict` of a `DualEncoder`."""
    own = tuple(prefix + name for name in (*_NOT_TEXT, "text."))
    for inner, outer in _renamed(module):
        for key in [key for key in state if key.startswith(prefix + outer) and not key.startswith(own)]:
            state[prefix + inner + key.removeprefix(prefix + outer)] = state.pop(key)


def _renamed(module: nn.Module) -> list[tuple[str, str]]:
    """(prefix in the module tree, prefix in a file) where the two differ."""
    model = cast("DualEncoder", module)
    renamed = [("towers.rgb.", VISUAL)] if "rgb" in model.towers else []
    return [*renamed, ("text.", "")] if model.config.text.type == "clip" else renamed
