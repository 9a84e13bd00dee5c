"""Recipes as YAML files: the shipped ones, files that extend others, and values given beside them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from swath.errors import RecipeError

_SUFFIX = ".yaml"


def recipe_names() -> list[str]:
    """Names of the recipes that ship with the package."""
    folder = resources.files("swath") / "recipes"
    return sorted(entry.name.removesuffix(_SUFFIX) for entry in folder.iterdir() if entry.name.endswith(_SUFFIX))


def recipe_titles() -> dict[str, str]:
    """The recipes that ship with the package, each with the first sentence of its file."""
    titles = {}
    for name in recipe_names():
        said = []
        for line in _find(name).read_text(encoding="utf-8").splitlines():
            if not line.startswith("#") or line.startswith("#   "):
                break
            said.append(line.lstrip("# "))
        first, stop, _ = " ".join(said).partition(". ")
        titles[name] = first + stop.rstrip()
    return titles


def read_mapping(source: str | Path, overrides: Sequence[str] = ()) -> tuple[dict[str, Any], Path]:
    """A recipe's mapping, unchecked, and the file that it is from; arguments and errors are those of `Recipe.load`."""
    file = _find(source)
    data = _read(file)
    for override in overrides:
        _apply(data, override)
    return data, file


def _find(source: str | Path) -> Path:
    path = Path(source)
    if path.is_file():
        return path
    if str(source) in recipe_names():
        return Path(str(resources.files("swath") / "recipes" / f"{source}{_SUFFIX}"))
    raise RecipeError(f"there is no recipe {str(source)!r}: neither a file nor one of {', '.join(recipe_names())}")


def _read(file: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The mapping in a recipe file, laid over the recipe that it extends.

    Args:
        file: the YAML file.
        above: the files that extend it, to notice a circle.
    """
    if file in above:
        raise RecipeError(f"{file}: extends itself, by way of {above[-1]}")
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"cannot read the recipe {file}: {error}") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{file} is not valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise RecipeError(f"{file} is not a recipe: it must be a mapping with the keys model and data")
    base = data.pop("extends", None)
    if base is None:
        return data
    beside = file.parent / str(base)
    return laid_over(_read(beside if beside.is_file() else _find(str(base)), (*above, file)), data)


def laid_over(base: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """`data` over `base`, both mappings of recipes: mappings merged, everything else replaced."""
    merged = dict(base)
    for key, value in data.items():
        below = merged.get(key)
        merged[key] = laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _apply(data: dict[str, Any], override: str) -> None:
    """Set one ``key.sub=value`` in place."""
    key, sign, text = override.partition("=")
    if not sign or not key:
        raise RecipeError(f"{override!r} is not key=value")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"{key}: {text!r} is not a YAML value: {error}") from error
    *parents, last = key.split(".")
    here: Any = data
    for name in parents:
        here = here.setdefault(name, {}) if isinstance(here, dict) else here[_position(here, name, key)]
    if isinstance(here, dict):
        here[last] = value
    else:
        here[_position(here, last, key)] = value


def _position(items: object, name: str, key: str) -> int:
    if not isinstance(items, list) or not name.isdecimal() or int(name) >= len(items):
        count = f"a list of {len(items)}" if isinstance(items, list) else repr(items)
        raise RecipeError(f"{key}: {name!r} names nothing in {count}")
    return int(name)
