"""Any OpenCLIP model as a `DualEncoder`: ``open_clip:ARCH`` or ``open_clip:ARCH/PRETRAINED``.

For what the own towers do not cover: ResNets, CoCa, SigLIP, ConvNeXt, multilingual texts. PRETRAINED is one of
OpenCLIP's tags or a file.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from swath.errors import InputError, MissingExtraError, ModelError
from swath.models.adapters.torchvision import ensure_torchvision
from swath.models.config import ModelConfig, TextConfig, TowerConfig
from swath.models.dual_encoder import DualEncoder
from swath.models.positions import stretch_positions
from swath.models.routing import ANY_SENSOR
from swath.models.towers import Tokenized, Truncation, parse_options
from swath.models.truncation import check_lengths
from swath.models.windows import split

# Tokenizers of the transformers library, which OpenCLIP wraps for some models, refuse a second thread.
_TOKENIZING = Lock()

_RESIZE = {"shortest": "crop", "squash": "squash"}


class OpenCLIPOptions(BaseModel):
    """Options of an ``open_clip`` tower.

    Attributes:
        arch: OpenCLIP's name of the architecture.
        quick_gelu: whether the weights were trained with QuickGELU.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    arch: str
    quick_gelu: bool = False


class OpenCLIPVision(nn.Module):
    """An OpenCLIP image tower."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower
        transformer = importlib.import_module("open_clip.transformer")
        # Patch tokens can be projected only where pooling picks one of them, after the final normalisation.
        self.has_tokens = (
            isinstance(tower, transformer.VisionTransformer)
            and tower.attn_pool is None
            and tower.proj is not None
            and not tower.final_ln_after_pool
        )
        if isinstance(tower, transformer.VisionTransformer):
            tower.output_tokens = self.has_tokens

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, S, S) -> pooled (B, D), tokens (B, N, D); N is 0 for architectures without projected tokens."""
        if self.has_tokens:
            pooled, tokens = self.tower(images)
            return pooled, tokens @ self.tower.proj
        pooled = self.tower(images)
        return pooled, pooled.new_empty(pooled.shape[0], 0, pooled.shape[1])


class OpenCLIPText(nn.Module):
    """An OpenCLIP text tower with its tokenizer."""

    ragged = False

    def __init__(self, tower: nn.Module, tokenizer: Any, context_length: int) -> None:  # noqa: ANN401
        super().__init__()
        self.tower = tower
        self.tokenizer = tokenizer
        self.context_length = context_length
        transformer = importlib.import_module("open_clip.transformer")
        self.has_tokens = (
            isinstance(tower, transformer.TextTransformer)
            and tower.cls_emb is None
            and isinstance(tower.text_projection, nn.Parameter)
        )
        tower.output_tokens = self.has_tokens  # type: ignore[assignment]
        # The tokenizer does not name its padding id; the longest run at the end of an empty text does.
        self.pad_id = int(tokenizer([""], context_length=context_length)[0, -1])

    def tokenize(self, texts: Sequence[str], truncation: Truncation = "warn") -> Tokenized:
        """Token ids of `texts` by OpenCLIP's own tokenizer, padding taken off."""
        if isinstance(texts, str):
            raise InputError("give a list of texts, not one text")
        if truncation == "window":
            return split(self._whole(texts), self.context_length)
        # One position more than the context shows which texts are cut; the tokenizer itself never says.
        lengths = [len(row) for row in self._rows(texts, self.context_length + 1)]
        over = check_lengths(lengths, texts, self.context_length, truncation)
        return Tokenized(self._rows(texts, self.context_length), over)

    def stretch(self, keep: int, ratio: float | None, length: int | None) -> None:
        """Take longer texts (see `swath.models.positions.stretch_positions`).

        Raises:
            InputError: keep, ratio and length do not fit together.
            ModelError: the tower has other parts that depend on the number of positions.
        """
        if not self.has_tokens:
            raise ModelError("only OpenCLIP's own text transformer, pooled at one of its tokens, can be stretched")
        tower: Any = self.tower
        table = stretch_positions(tower.positional_embedding.detach(), keep, ratio, length)
        tower.positional_embedding = nn.Parameter(table)
        self.context_length = tower.context_length = tower.num_pos = len(table)
        if tower.attn_mask is not None:
            tower.attn_mask = tower.build_causal_mask().to(table.device)

    def _whole(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of whole texts, however long."""
        if not hasattr(self.tokenizer, "sot_token_id"):
            raise InputError("this tokenizer frames no text with a start and end token; texts cannot be windowed")
        length = 2 * self.context_length
        while True:
            rows = self._rows(texts, length)
            if max(map(len, rows), default=0) < length:
                return rows
            length *= 2

    def _rows(self, texts: Sequence[str], length: int) -> list[list[int]]:
        with _TOKENIZING:
            table = self.tokenizer(list(texts), context_length=length)
        rows = []
        for row in table.tolist():
            end = len(row)
            while end > 1 and row[end - 1] == self.pad_id:
                end -= 1
            rows.append(row[:end])
        return rows

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002 - the tower finds the end itself
        """(B, context_length) -> pooled (B, D), tokens (B, N, D); N is 0 where tokens cannot be projected."""
        if self.has_tokens:
            pooled, tokens = self.tower(ids)
            return pooled, tokens @ self.tower.text_projection
        pooled = self.tower(ids)
        pooled = pooled[0] if isinstance(pooled, tuple) else pooled
        return pooled, pooled.new_empty(pooled.shape[0], 0, pooled.shape[1])


def load(name: str) -> DualEncoder:
    """Build a `DualEncoder` around an OpenCLIP model.

    Args:
        name: ``ARCH`` (random weights), ``ARCH/PRETRAINED``, or ``hf-hub:ORG/NAME``. Where PRETRAINED is a file, the
            architecture's name says the activation (``ViT-B-32-quickgelu``).

    Raises:
        MissingExtraError: OpenCLIP is not installed.
        ModelError: OpenCLIP does not know the architecture or the weights, or cannot fetch them.
    """
    arch, _, pretrained = (name, "", "") if ":" in name else name.partition("/")
    quick_gelu = False
    if pretrained:
        tag = _library().get_pretrained_cfg(arch, pretrained)
        # OpenCLIP only warns when a tag's activation differs from the architecture's.
        quick_gelu = bool(tag and tag.get("quick_gelu"))
    options = OpenCLIPOptions(arch=arch, quick_gelu=quick_gelu)
    model = _create(options, pretrained or None, own_weights=True)
    text, vision = _text(model, options), OpenCLIPVision(model.visual)
    encoder = DualEncoder(_config(model, text, options, f"open_clip:{name}"), text=text, towers={"rgb": vision})
    with torch.no_grad():
        encoder.logit_scale.copy_(model.logit_scale.reshape(()))
    return encoder.eval()


def build_vision(config: TowerConfig, embed_dim: int, directory: Path | None = None) -> OpenCLIPVision:  # noqa: ARG001
    """Build an ``open_clip`` vision tower from its configuration entry (see `swath.models.towers`)."""
    return OpenCLIPVision(_create(parse_options(OpenCLIPOptions, config)).visual)


def build_text(config: TextConfig, embed_dim: int, directory: Path | None = None) -> OpenCLIPText:  # noqa: ARG001
    """Build an ``open_clip`` text tower from its configuration entry (see `swath.models.towers`)."""
    options = parse_options(OpenCLIPOptions, config)
    return _text(_create(options, context_length=config.context_length), options)


def _library() -> Any:  # noqa: ANN401 - a module
    ensure_torchvision()
    try:
        return importlib.import_module("open_clip")
    except ImportError as error:
        raise MissingExtraError("open_clip_torch", "adapters") from error


def _create(
    options: OpenCLIPOptions,
    pretrained: str | None = None,
    context_length: int | None = None,
    *,
    own_weights: bool = False,
) -> Any:  # noqa: ANN401 - an OpenCLIP model
    """An OpenCLIP model; with `own_weights`, those that `arch` itself may stand for (``hf-hub:``) are fetched too."""
    library = _library()
    try:
        return library.create_model(
            options.arch,
            pretrained,
            load_weights=own_weights or pretrained is not None,
            force_quick_gelu=options.quick_gelu,
            force_custom_text=True,
            force_context_length=context_length,
            pretrained_text=False,
            require_pretrained=pretrained is not None,
        )
    except Exception as error:
        what = f"{options.arch}/{pretrained}" if pretrained else options.arch
        raise ModelError(f"OpenCLIP cannot build {what}: {error}") from error


def _text(model: Any, options: OpenCLIPOptions) -> OpenCLIPText:  # noqa: ANN401
    length = int(model.text.context_length)
    return OpenCLIPText(model.text, _library().get_tokenizer(options.arch, context_length=length), length)


def _config(model: Any, text: OpenCLIPText, options: OpenCLIPOptions, name: str) -> ModelConfig:  # noqa: ANN401
    shown = model.visual.preprocess_cfg
    size = shown["size"]
    if shown["resize_mode"] not in _RESIZE:
        raise ModelError(f"{name} wants its images resized by {shown['resize_mode']!r}, which swath does not do")
    side, *other = (size,) if isinstance(size, int) else size
    if other not in ([], [side]):
        raise ModelError(f"{name} wants images of {size[0]} x {size[1]} pixels; swath's are square")
    with torch.no_grad():
        embed_dim = OpenCLIPVision(model.visual.eval())(torch.zeros(1, 3, side, side))[0].shape[1]
    entry = options.model_dump()
    tower = {
        "type": "open_clip",
        "image_size": side,
        "mean": shown["mean"],
        "std": shown["std"],
        "resize": _RESIZE[shown["resize_mode"]],
        "interpolation": shown["interpolation"],
        **entry,
    }
    data = {
        "name": name,
        "embed_dim": embed_dim,
        "text": {"type": "open_clip", "context_length": text.context_length, **entry},
        "towers": {"rgb": tower},
        "sensors": {ANY_SENSOR: {"tower": "rgb"}},
        "provenance": {"library": "open_clip"},
    }
    return ModelConfig.parse(data, name)
