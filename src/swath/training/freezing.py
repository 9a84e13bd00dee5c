"""Parts of a model, by their names in its module tree: those that are not trained, and those that learn faster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import nn

from swath.errors import RecipeError


def under(name: str, part: str) -> bool:
    """Whether a parameter, by its name, belongs to a part: is it, or stands under it."""
    return name == part or name.startswith(f"{part}.")


def check_parts(model: nn.Module, parts: Iterable[str], field: str) -> None:
    """See that every part has parameters.

    Args:
        model: the model.
        parts: names in its module tree.
        field: the recipe's field, for the message.

    Raises:
        RecipeError: one has none.
    """
    names = [name for name, _ in model.named_parameters()]
    for part in parts:
        if not any(under(name, part) for name in names):
            known = sorted({".".join(name.split(".")[:depth]) for name in names for depth in (1, 2)})
            raise RecipeError(f"{field}: the model has no parameter under {part!r}; its parts: {', '.join(known)}")


def freeze(model: nn.Module, parts: Iterable[str]) -> None:
    """Train the parameters of these parts no more.

    Raises:
        RecipeError: the model has no such part.
    """
    parts = tuple(parts)
    check_parts(model, parts, "optim.freeze")
    for name, value in model.named_parameters():
        if any(under(name, part) for part in parts):
            value.requires_grad_(False)


def quieten(model: nn.Module, parts: Iterable[str]) -> None:
    """Run frozen parts as in use: no dropout, and batch norms by the statistics that they have."""
    modules = dict(model.named_modules())
    for part in parts:
        if part in modules:
            modules[part].eval()


def learning_factor(name: str, factors: Mapping[str, float]) -> float:
    """The factor of a parameter's learning rate: that of the longest part it belongs to, otherwise 1.

    Args:
        name: the parameter's name.
        factors: by part.
    """
    own = [part for part in factors if under(name, part)]
    return factors[max(own, key=len)] if own else 1.0
