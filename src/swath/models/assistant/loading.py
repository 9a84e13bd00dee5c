"""Loading an image-text-to-text model of transformers with its processor, and putting LoRA adapters on it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from swath.errors import CheckpointError, MissingExtraError, ModelError
from swath.models.adapters.torchvision import ensure_torchvision

ADAPTER = "adapter_config.json"
"""What a folder of adapters holds; its model is named in it."""

_EXTRA = "assistant"


@dataclass(frozen=True, slots=True)
class LoraOptions:
    """Low-rank adapters (Hu et al. 2022).

    Attributes:
        r: rank.
        alpha: scale; the adapters' output is multiplied by alpha / r.
        dropout: before the adapters, in training.
        vision: whether the vision tower and what joins it to the language model have adapters too.
    """

    r: int = 64
    alpha: float = 16
    dropout: float = 0.05
    vision: bool = False


def load_parts(
    name: str, *, revision: str | None = None, dtype: torch.dtype = torch.float32, device: torch.device | None = None
) -> tuple[nn.Module, Any]:
    """A model and its processor; adapters are put on the model that they name.

    Nothing of a checkpoint is executed: safetensors only, and no code of a model's repository.

    Args:
        name: a directory (of a model, or of adapters) or a hub id.
        revision: branch, tag or commit on the hub.
        dtype: precision of the weights.
        device: where it runs; None leaves it on the CPU.

    Raises:
        MissingExtraError: transformers, or peft for adapters, is not installed.
        ModelError: there is no such model, or it is no image-text-to-text model.
        CheckpointError: adapters do not fit or do not name their model.
    """
    adapters = Path(name) / ADAPTER
    base = _base_of(adapters) if adapters.is_file() else name
    transformers = _transformers()
    model_class, processor_class = transformers.AutoModelForImageTextToText, transformers.AutoProcessor
    place = name if adapters.is_file() and (Path(name) / "preprocessor_config.json").is_file() else base
    try:
        model = model_class.from_pretrained(
            base, revision=revision, dtype=dtype, use_safetensors=True, trust_remote_code=False
        )
        processor = processor_class.from_pretrained(place, revision=revision, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{base} cannot be loaded as an image-text-to-text model of transformers: {reason}; "
            "give a directory with safetensors, or the hub id of a model such as LLaVA, Qwen-VL, InternVL or PaliGemma"
        ) from error
    if getattr(processor, "image_processor", None) is None or getattr(processor, "tokenizer", None) is None:
        raise ModelError(f"{place} has no processor for images and text (preprocessor_config.json, tokenizer.json)")
    if adapters.is_file():
        try:
            model = _peft().PeftModel.from_pretrained(model, name)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise CheckpointError(f"the adapters in {name} do not fit {base}: {error}") from error
    model = model.eval().requires_grad_(False)
    return model if device is None else model.to(device), processor


def add_lora(model: nn.Module, options: LoraOptions) -> nn.Module:
    """Put fresh adapters on every linear layer of the language model, and freeze everything else.

    Args:
        model: from `load_parts`.
        options: rank, scale, dropout.

    Raises:
        MissingExtraError: peft is not installed.
        ModelError: there is no linear layer to adapt.
    """
    peft = _peft()
    names = linear_names(model, vision=options.vision)
    if not names:
        raise ModelError(f"{type(model).__name__} has no linear layer that adapters could be put on")
    config = peft.LoraConfig(
        r=options.r, lora_alpha=options.alpha, lora_dropout=options.dropout, target_modules=names, bias="none"
    )
    adapted: nn.Module = peft.get_peft_model(model, config)
    return adapted


def linear_names(model: nn.Module, *, vision: bool) -> list[str]:
    """Names of the linear layers that get adapters: the language model's, never the output layer.

    Args:
        model: an image-text-to-text model.
        vision: take all others too.
    """
    whole: Any = model
    head = whole.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    decoder = whole.get_decoder() if hasattr(model, "get_decoder") else model
    inside = set(decoder.modules()) if isinstance(decoder, nn.Module) and not vision else set(model.modules())
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module is not head and module in inside
    ]


def _base_of(file: Path) -> str:
    try:
        base = json.loads(file.read_text(encoding="utf-8")).get("base_model_name_or_path")
    except (OSError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{file} cannot be read: {error}") from error
    if not isinstance(base, str) or not base:
        raise CheckpointError(f"{file} does not name the model that the adapters are for (base_model_name_or_path)")
    return base


def _transformers() -> Any:  # noqa: ANN401 - an optional package
    try:
        # Processors reach for torchvision, which needs mending beside a CPU build of torch.
        ensure_torchvision()
        import transformers
    except MissingExtraError as error:
        raise MissingExtraError(error.package, _EXTRA) from error
    except ImportError as error:
        raise MissingExtraError("transformers", _EXTRA) from error
    return transformers


def _peft() -> Any:  # noqa: ANN401 - an optional package
    try:
        ensure_torchvision()
        import peft
    except ImportError as error:
        raise MissingExtraError("peft", _EXTRA) from error
    return peft
