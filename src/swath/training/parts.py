"""`RecipePart`: what recipes of every kind, and their parts, have in common."""

from __future__ import annotations

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
            raise RecipeError(f"{origin}: {explain(error)}") from error

    def to_yaml(self) -> str:
        """Everything with its defaults spelled out; `parse` takes it back."""
        text: str = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        return text
