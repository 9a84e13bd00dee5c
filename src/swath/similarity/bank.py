"""A stored bank of captions, against which single live queries are re-ranked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from swath.errors import InputError

_FORMAT = "swath-caption-bank-1"


@dataclass(frozen=True, slots=True, eq=False)
class CaptionBank:
    """Captions of many kinds of images, encoded once.

    Attributes:
        pooled: (B, D) their pooled vectors, L2-normalised.
        texts: the captions.
        model_id: the model that encoded them; scores with vectors of another mean nothing.
    """

    pooled: Tensor
    texts: tuple[str, ...]
    model_id: str

    def __post_init__(self) -> None:
        if self.pooled.ndim != 2 or len(self.pooled) != len(self.texts) or not self.texts:
            raise InputError(
                f"a bank needs one vector for each of at least one caption, got {tuple(self.pooled.shape)} for "
                f"{len(self.texts)}"
            )

    def __len__(self) -> int:
        return len(self.texts)

    def scores(self, images: Tensor) -> Tensor:
        """(C, B) cosines of candidate images (C, D), L2-normalised, with every caption: for `rerank_with_bank`.

        Raises:
            InputError: the vectors have another length.
        """
        if images.ndim != 2 or images.shape[1] != self.pooled.shape[1]:
            raise InputError(f"image vectors must be (C, {self.pooled.shape[1]}), got {tuple(images.shape)}")
        return images @ self.pooled.to(images.device, images.dtype).T

    def save(self, path: str | Path) -> Path:
        """Write one safetensors file."""
        metadata = {"format": _FORMAT, "model_id": self.model_id, "texts": json.dumps(self.texts)}
        save_file({"pooled": self.pooled.detach().cpu().contiguous()}, str(path), metadata)
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> CaptionBank:
        """Read what `save` wrote.

        Raises:
            InputError: there is no such file, or it is no caption bank.
        """
        try:
            with safe_open(str(path), framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != _FORMAT:
                    raise InputError(f"{path} is not a caption bank: write one with CaptionBank.save")
                return cls(file.get_tensor("pooled"), tuple(json.loads(metadata["texts"])), metadata["model_id"])
        except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
            raise InputError(f"{path} cannot be read as a caption bank: {error}") from error
