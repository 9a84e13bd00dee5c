"""Any encoder of the transformers library as a text tower (MiniLM for CLOSP, multilingual models)."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from swath.errors import CheckpointError, InputError, MissingExtraError, ModelError
from swath.models.config import TextConfig
from swath.models.positions import stretched_length
from swath.models.towers import Tokenized, Truncation, parse_options
from swath.models.truncation import check_lengths
from swath.models.windows import split

FOLDER = "text"
"""Where a saved model keeps the encoder's configuration and tokenizer."""

Pooling = Literal["cls", "mean"]
"""How tokens become one vector: the first one, or the average of all."""

# The library's tokenizers keep in themselves how they are to cut, and refuse a second thread while they do.
_TOKENIZING = Lock()

_POOLING_FILE = "1_Pooling/config.json"
_POOLING_KEYS: dict[Pooling, str] = {"cls": "pooling_mode_cls_token", "mean": "pooling_mode_mean_tokens"}


class TransformersOptions(BaseModel):
    """Options of a ``transformers`` text tower.

    Attributes:
        source: directory or hub id of the encoder and its tokenizer; a saved model keeps both itself and needs it no
            more.
        pretrained: whether a fresh model starts from the source's weights.
        pooling: ``cls`` takes the first token (CLOSP), ``mean`` the average of all (most of sentence-transformers),
            ``source`` what the source itself says (its ``1_Pooling/config.json``, as sentence-transformers writes it).
        projection: whether a linear layer maps to the shared space; without it the sizes must agree (CLOSP).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    pretrained: bool = False
    pooling: Literal["cls", "mean", "source"] = "mean"
    projection: bool = True


class TransformersText(nn.Module):
    """An encoder with attention masks, its tokenizer, pooling and projection.

    Args:
        encoder: a transformers model that gives `last_hidden_state`.
        tokenizer: its tokenizer.
        options: the projection.
        context_length: most tokens of one text.
        embed_dim: length of the output vectors.
        pooling: how tokens become one vector.

    Raises:
        ModelError: without projection the encoder's width is not `embed_dim`, or it has fewer positions than
            `context_length`.
    """

    ragged = True

    def __init__(
        self,
        encoder: Any,  # noqa: ANN401 - any transformers model
        tokenizer: Any,  # noqa: ANN401 - any transformers tokenizer
        options: TransformersOptions,
        context_length: int,
        embed_dim: int,
        pooling: Pooling,
    ) -> None:
        super().__init__()
        width = int(encoder.config.hidden_size)
        if not options.projection and width != embed_dim:
            raise ModelError(f"{options.source} gives vectors of {width}, not {embed_dim}; allow a projection")
        self._most = _positions(encoder)
        if self._most is not None and context_length > self._most:
            raise ModelError(
                f"{options.source} has {self._most} positions; a context_length of {context_length} is out of its reach"
            )
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.options = options
        self.pooling = pooling
        self.context_length = context_length
        self.pad_id = int(tokenizer.pad_token_id or 0)
        self.proj = nn.Linear(width, embed_dim, bias=False) if options.projection else nn.Identity()

    def tokenize(self, texts: Sequence[str], truncation: Truncation = "warn") -> Tokenized:
        """Token ids of `texts` by the encoder's own tokenizer."""
        if isinstance(texts, str):
            raise InputError("give a list of texts, not one text")
        if not texts:
            return Tokenized([], 0)
        whole = self._rows(texts, truncation=False, verbose=False)
        over = check_lengths([len(row) for row in whole], texts, self.context_length, truncation)
        if truncation == "window":
            return split(whole, self.context_length)
        if over:
            whole = self._rows(texts, truncation=True, max_length=self.context_length)
        return Tokenized(whole, over)

    def _rows(self, texts: Sequence[str], **settings: bool | int) -> list[list[int]]:
        with _TOKENIZING:
            found = self.tokenizer(list(texts), **settings)["input_ids"]
        return [list(map(int, row)) for row in found]

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N) ids and mask -> pooled (B, D), tokens (B, N, D), both through the same projection."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        if self.pooling == "cls":
            pooled = hidden[:, 0]
        else:
            weight = mask[..., None].to(hidden.dtype)
            pooled = (hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)
        return self.proj(pooled), self.proj(hidden)

    def stretch(self, keep: int, ratio: float | None, length: int | None) -> None:
        """Take longer texts, up to the positions that the encoder was trained with; none of them is changed.

        Raises:
            InputError: keep, ratio and length do not fit together.
            ModelError: the encoder has not so many positions.
        """
        wanted = stretched_length(self.context_length, keep, ratio, length)
        if self._most is not None and wanted > self._most:
            raise ModelError(
                f"{self.options.source} has {self._most} positions; a context of {wanted} is out of its reach"
            )
        self.context_length = wanted

    def save_files(self, directory: Path) -> None:
        """Write the encoder's configuration and tokenizer beside the weights."""
        self.encoder.config.save_pretrained(directory / FOLDER)
        self.tokenizer.save_pretrained(directory / FOLDER)
        if self.options.pooling == "source":
            said = {mode: mode == _POOLING_KEYS[self.pooling] for mode in _POOLING_KEYS.values()}
            file = directory / FOLDER / _POOLING_FILE
            file.parent.mkdir(exist_ok=True)
            file.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def build(config: TextConfig, embed_dim: int, directory: Path | None = None) -> TransformersText:
    """Build a ``transformers`` text tower from its configuration entry (see `swath.models.towers`).

    Raises:
        MissingExtraError: transformers is not installed.
        CheckpointError: a saved model lacks its text folder.
        ModelError: the encoder cannot be found, fetched or built.
    """
    options = parse_options(TransformersOptions, config)
    try:
        library = importlib.import_module("transformers")
    except ImportError as error:
        raise MissingExtraError("transformers", "adapters") from error
    source = options.source if directory is None else str(directory / FOLDER)
    if directory is not None and not (directory / FOLDER).is_dir():
        raise CheckpointError(f"{directory} lacks the folder {FOLDER!r} with its text encoder's configuration")
    try:
        # Left open, the library asks at the terminal whether it may run code that comes with the model.
        tokenizer = library.AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        if options.pretrained and directory is None:
            encoder = library.AutoModel.from_pretrained(source, dtype=torch.float32, trust_remote_code=False)
        else:
            config_there = library.AutoConfig.from_pretrained(source, trust_remote_code=False)
            encoder = library.AutoModel.from_config(config_there, trust_remote_code=False)
    except Exception as error:
        raise ModelError(f"transformers cannot build the text encoder of {source}: {error}") from error
    pooling = _published_pooling(source) if options.pooling == "source" else options.pooling
    return TransformersText(encoder, tokenizer, options, config.context_length, embed_dim, pooling)


def _positions(encoder: Any) -> int | None:  # noqa: ANN401 - any transformers model
    """Most tokens that an encoder has positions for; None where nothing limits them.

    RoBERTa and its kin (XLM-R, MPNet) count from behind the padding id on, so two of their 514 are never used.
    """
    most = getattr(encoder.config, "max_position_embeddings", None)
    table = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return most if most is None or padding is None else most - padding - 1


def _published_pooling(source: str) -> Pooling:
    """How a sentence encoder's own ``1_Pooling/config.json`` says that tokens become one vector."""
    hub = importlib.import_module("transformers.utils")
    try:
        file = Path(hub.cached_file(source, _POOLING_FILE))
        said = json.loads(file.read_text(encoding="utf-8"))
    except Exception as error:
        raise ModelError(f"{source} does not say how it pools ({_POOLING_FILE}): {error}; give pooling") from error
    chosen = [mode for mode, value in said.items() if mode.startswith("pooling_mode_") and value]
    for pooling, key in _POOLING_KEYS.items():
        if chosen == [key]:
            return pooling
    raise ModelError(f"{source} pools by {', '.join(chosen) or 'nothing'}; swath has {', '.join(_POOLING_KEYS)}")
