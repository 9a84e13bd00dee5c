"""`RecipePart`: what recipes of every kind, and their parts, have in common."""

from __future__ import annotations

import typing
from difflib import get_close_matches
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from swath.errors import RecipeError
from swath.models.config import explain


class RecipePart(BaseModel):
    """A recipe or a part of one: unknown keys are refused, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def parse(cls, data: dict[str, Any], origin: str = "the recipe") -> Self:
        """Check what is given as a dictionary.

        Raises:
            RecipeError: naming each wrong field.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise RecipeError(f"{origin}: {explain(error)}{_meant(cls, error)}") from error

    def to_yaml(self) -> str:
        """Everything with its defaults spelled out; `parse` takes it back."""
        text: str = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        return text


def _meant(recipe: type[BaseModel], error: ValidationError) -> str:
    """What may have been meant by the first field that does not exist; empty where every field does."""
    unknown = next((item["loc"] for item in error.errors() if item["type"] == "extra_forbidden"), None)
    if unknown is None:
        return ""
    *above, name = unknown
    part: type[BaseModel] | None = recipe
    for step in above:
        if part is not None and isinstance(step, str):
            part = _part(part.model_fields[step].annotation) if step in part.model_fields else None
    if part is None:
        return ""
    near = get_close_matches(str(name), part.model_fields, n=3)
    if near:
        return f" (did you mean {' or '.join(near)}?)"
    return f" ({'.'.join(map(str, above)) or 'a recipe'} has {', '.join(part.model_fields)})"


def _part(annotation: object) -> type[BaseModel] | None:
    """The model among the types that a field may have, also as an entry of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_part(entry) for entry in typing.get_args(annotation))
    return next((entry for entry in found if entry is not None), None)
