"""`AnswererConfig`: what an answerer's weights do not say, stored as ``answerer.json`` in its model's directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from swath.errors import CheckpointError
from swath.models.config import explain

CONFIG = "answerer.json"
WEIGHTS = "answerer.safetensors"


class AnswererConfig(BaseModel):
    """A compact answerer.

    Attributes:
        format: version of this layout.
        base: id of the model whose features it was trained on; no other model's will do.
        dim: length of that model's vectors.
        words: open answers that it can give, in the order of its scores.
        counts: counts that it can give, ascending from 0; between two of them it answers the lower.
        areas: areas likewise.
        area_unit: what follows an area (``m2``).
        hidden: width.
        image_dims: length of an image's summary; small, because there are few images to learn it from.
        dropout: in training.
        members: networks whose probabilities are averaged.
        provenance: what it was trained on; free, JSON values only. Training writes ``data``, a list of the sets with
            ``name`` and ``split`` (null for all of it).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    base: str
    dim: int = Field(ge=1)
    words: tuple[str, ...] = ()
    counts: tuple[int, ...] = (0, 1)
    areas: tuple[int, ...] = (0, 1)
    area_unit: str = "m2"
    hidden: int = Field(default=64, ge=4)
    image_dims: int = Field(default=12, ge=2)
    dropout: float = Field(default=0.3, ge=0, lt=1)
    members: int = Field(default=3, ge=1)
    provenance: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def load(cls, directory: Path) -> AnswererConfig:
        """Read it from a model directory.

        Raises:
            CheckpointError: the directory has no answerer, or its configuration is broken.
        """
        file = directory / CONFIG
        if not file.is_file():
            raise CheckpointError(
                f"{directory} has no answerer ({CONFIG} is missing); "
                f"train one with: swath train answerer init={directory}"
            )
        try:
            return cls.model_validate(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            reason = explain(error) if isinstance(error, ValidationError) else str(error)
            raise CheckpointError(f"{file} is not the configuration of an answerer: {reason}") from error

    def learned_from(self, name: str, split: str | None) -> bool:
        """Whether its provenance names questions of a set among those that it was trained on.

        Args:
            name: of the set, see `swath.data.questions.QuestionSet`.
            split: of the set; None for all of it.
        """
        sets = [entry for entry in self.provenance.get("data", ()) if isinstance(entry, Mapping)]
        splits = [entry.get("split") for entry in sets if entry.get("name") == name]
        return any(split is None or learned in (None, split) for learned in splits)

    def to_json(self) -> str:
        """The text of the file."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
