"""What a stage of a chain depends on, as one digest: its recipe, the model it starts from, and its data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from swath.data.read import read_annotations
from swath.errors import RecipeError
from swath.training.chain import AnyRecipe, EvaluationSet, Stage
from swath.training.recipe import Recipe

_BLOCK = 1 << 20
_WITHOUT_EFFECT = ("output", "tensorboard", "init")


def stage_key(stage: Stage, before: str) -> str:
    """A digest of everything that decides a stage's model.

    Args:
        stage: the stage.
        before: the key of the stage it starts from; empty where it starts from none.

    Returns:
        64 hexadecimal digits. They change with any setting, caption or split, with an image's size in bytes, with the
        weights of the model it starts from, and with any of this in an earlier stage.

    Raises:
        DataError: a data set cannot be read.
    """
    recipe = stage.recipe
    settings = {key: value for key, value in _plain(recipe).items() if key not in _WITHOUT_EFFECT}
    settings.get("data", {}).pop("cache", None)
    model = before if stage.follows else _model_digest(getattr(recipe, "init", None))
    return _digest([json.dumps(settings, sort_keys=True, default=str), model, *_data_digests(recipe)])


def evaluation_key(entry: EvaluationSet, root: Path, model: str) -> str:
    """A digest of an evaluation set and of the model that is measured on it (its stage's key, or its own digest)."""
    data = _dataset_digest(root / entry.path, entry.sensor)
    return _digest([json.dumps(_plain(entry), sort_keys=True, default=str), data, model])


def model_digest(name: str | Path) -> str:
    """A digest of a model's files; the name itself where it is no directory."""
    return _model_digest(str(name))


def _data_digests(recipe: AnyRecipe) -> list[str]:
    """Digests of a recipe's data: data sets of image-text pairs, or files that another kind's sources name."""
    data: Any = getattr(recipe, "data", None)
    if data is None:
        return []
    root = Path(data.root)
    if isinstance(recipe, Recipe):
        sources = [(source.path, source.sensor) for source in recipe.data.train]
        found = [_dataset_digest(root / path, sensor) for path, sensor in sources]
        found.append(_dataset_digest(root / recipe.data.validation.path, recipe.data.validation.sensor))
        exclude = recipe.data.exclude
        return found if exclude is None else [*found, _file_digest(root / exclude)]
    files = [root / source.path for source in data.train]
    return [_file_digest(file) for file in files if file.is_file()]


def _dataset_digest(path: Path, sensor: str | None) -> str:
    annotations = read_annotations(path, sensor=sensor)
    parts: list[str] = []
    for entry in annotations.entries:
        sizes = [_size(annotations.root / file) for file in entry.files]
        texts = (entry.captions, entry.long_captions, entry.labels)
        parts.append(repr((entry.name, texts, entry.split, entry.location, entry.part, sizes)))
    return _digest(parts)


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else -1


def _model_digest(name: str | None) -> str:
    if name is None:
        return ""
    folder = Path(name)
    if not folder.is_dir():
        return name
    files = [folder / part for part in ("config.json", "model.safetensors")]
    return _digest(_file_digest(file) for file in files if file.is_file())


def _file_digest(file: Path) -> str:
    found = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                found.update(block)
    except OSError as error:
        raise RecipeError(f"{file}, which a stage of the chain needs, cannot be read: {error}") from error
    return found.hexdigest()


def _digest(parts: Iterable[str]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(f"{len(part)}:{part}".encode("utf-8", errors="surrogatepass"))
    return found.hexdigest()


def _plain(part: Any) -> dict[str, Any]:  # noqa: ANN401 - a pydantic model of any kind
    found: dict[str, Any] = part.model_dump(mode="json")
    return found
