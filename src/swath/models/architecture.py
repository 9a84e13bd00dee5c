"""What an OpenCLIP state dict says about its own architecture: everything but the activation."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from swath.errors import CheckpointError
from swath.models.config import CaptionerConfig
from swath.models.layers import Activation
from swath.models.text import TextOptions
from swath.models.tokenizer import ALL_MERGES
from swath.models.vision import ViTOptions

NATIVE = "CLIP vision transformers with CLIP's text transformer (ViT-S, B, M, L, H, g, bigG and the like), and CoCa's"
"""The architectures that are built without another library."""

# OpenCLIP's larger towers have fewer, wider heads; shapes do not show it, so it goes by width (model_configs/*.json).
_HEAD_WIDTH = {1280: 80, 1408: 88, 1664: 104, 1792: 112}
_HEAD_WIDTH_CLIP = 64

_CLASS_EMBEDDING = "text.cls_emb"
"""Key that only CoCa's text tower has."""

_BYTES = 514
"""Tokens beside the merges: two for each byte, start and end."""

_NAMES = {
    (384, 12): "S",
    (512, 12): "M",
    (768, 12): "B",
    (1024, 24): "L",
    (1280, 32): "H",
    (1408, 40): "g",
    (1664, 48): "bigG",
}

_FOREIGN = (
    (re.compile(r"multimodal_decoder\."), "a captioner of another layout than OpenCLIP's CoCa"),
    (re.compile(r"visual\.layer1\."), "a ResNet image tower"),
    (re.compile(r"visual\.(?:trunk|head)\."), "a timm image tower"),
    (re.compile(r"visual\.attn_pool_contrastive"), "an image tower with two attentional poolers"),
    (re.compile(r"text\.transformer\.(?:embeddings|encoder)\."), "a transformers text tower"),
    (re.compile(r"logit_bias$"), "a SigLIP model"),
)


@dataclass(frozen=True, slots=True)
class Architecture:
    """Sizes of a CLIP model.

    Attributes:
        embed_dim: length of the output vectors.
        image_size: side of the input in pixels.
        bands: number of input bands.
        vision: the vision tower's options.
        context_length: number of text positions.
        text: the text tower's options.
        captioner: the decoder that writes captions, of CoCa; its text tower is then of type ``coca``.
    """

    embed_dim: int
    image_size: int
    bands: int
    vision: ViTOptions
    context_length: int
    text: TextOptions
    captioner: CaptionerConfig | None = None

    @property
    def name(self) -> str:
        """OpenCLIP's name of the vision tower (``ViT-B-32``, ``coca_ViT-B-32``), or its sizes where it has none."""
        vision = self.vision
        letter = _NAMES.get((vision.width, vision.layers), f"{vision.width}x{vision.layers}")
        return f"{'coca_' if self.captioner else ''}ViT-{letter}-{vision.patch_size}"


def infer(state: Mapping[str, Tensor], activation: Activation, origin: str) -> Architecture:
    """Read a CLIP model's sizes off the shapes of its state dict.

    Args:
        state: unwrapped, text tower at the root, or below ``text.`` as CoCa's.
        activation: what the weights were trained with.
        origin: the file, for messages.

    Raises:
        CheckpointError: another architecture, or not a CLIP model at all.
    """
    _refuse_foreign(state, origin)
    try:
        return _infer(state, activation)
    except KeyError as error:
        raise CheckpointError(
            f"{origin} is not an OpenCLIP state dict: no {error.args[0]}; natively supported: {NATIVE}"
        ) from error


def _infer(state: Mapping[str, Tensor], activation: Activation) -> Architecture:
    width, bands, patch, _ = state["visual.conv1.weight"].shape
    grid = math.isqrt(state["visual.positional_embedding"].shape[0] - 1)
    is_coca = _CLASS_EMBEDDING in state
    root = "text." if is_coca else ""
    rows, text_width = state[f"{root}positional_embedding"].shape
    tokens = state[f"{root}token_embedding.weight"].shape[0]
    if not _BYTES <= tokens <= ALL_MERGES + _BYTES:
        raise CheckpointError(f"a vocabulary of {tokens} tokens is not CLIP's ({ALL_MERGES + _BYTES}) or a part of it")
    pooler = state.get("visual.attn_pool.query")
    vision = ViTOptions(
        patch_size=patch,
        width=width,
        layers=_count(state, "visual.transformer.resblocks."),
        heads=_heads(width),
        mlp_ratio=state["visual.transformer.resblocks.0.mlp.c_fc.weight"].shape[0] / width,
        activation=activation,
        queries=0 if pooler is None else pooler.shape[0],
    )
    text = TextOptions(
        merges=tokens - _BYTES,
        width=text_width,
        layers=_count(state, f"{root}transformer.resblocks."),
        heads=max(1, text_width // _HEAD_WIDTH_CLIP),
        mlp_ratio=state[f"{root}transformer.resblocks.0.mlp.c_fc.weight"].shape[0] / text_width,
        activation=activation,
    )
    embed_dim = state[f"{root}text_projection"].shape[1]
    captioner = _captioner(state, activation) if is_coca else None
    # The class token of CoCa's text tower has the last position, which no word can take.
    return Architecture(embed_dim, grid * patch, bands, vision, rows - is_coca, text, captioner)


def _captioner(state: Mapping[str, Tensor], activation: Activation) -> CaptionerConfig:
    width, hidden = state["text_decoder.text_projection"].shape[0], "text_decoder.resblocks.0.mlp.c_fc.weight"
    return CaptionerConfig(
        width=width,
        layers=_count(state, "text_decoder.resblocks."),
        heads=max(1, width // _HEAD_WIDTH_CLIP),
        mlp_ratio=state[hidden].shape[0] / width,
        activation=activation,
    )


def _refuse_foreign(state: Mapping[str, Tensor], origin: str) -> None:
    if any(key.startswith(("text_model.", "vision_model.")) for key in state):
        raise CheckpointError(
            f"{origin} has the key names of the transformers library's CLIP; take the model's OpenCLIP edition instead"
        )
    for pattern, what in _FOREIGN:
        if any(pattern.match(key) for key in state):
            raise CheckpointError(
                f"{origin} holds {what}, which is not supported natively ({NATIVE} are); "
                f"load it through OpenCLIP instead, as the model 'open_clip:ARCH/{origin}'"
            )


def _heads(width: int) -> int:
    return max(1, width // _HEAD_WIDTH.get(width, _HEAD_WIDTH_CLIP))


def _count(state: Mapping[str, Tensor], prefix: str) -> int:
    return len({key.removeprefix(prefix).split(".")[0] for key in state if key.startswith(prefix)})
