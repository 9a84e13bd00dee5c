"""Prompts: text files in the package, an instruction and a request with a place for data.

Data never become instructions: they stand as JSON between two markers that the JSON itself can not contain (its "<"
and ">" are written as escapes), and the instruction says that what stands there is data. What a model makes of an
order hidden in a caption is still the checker's to judge.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from swath.errors import InputError

Message = dict[str, str]

_DIVIDER = "\n=====\n"
_PLACE = "{data}"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt.

    Attributes:
        name: its file's name in `swath.corpus.prompts`.
        instruction: the system message; never changed by data.
        request: the user message, with ``{data}`` where the data go.
        schema: JSON schema of the answer.
    """

    name: str
    instruction: str
    request: str
    schema: Mapping[str, Any]

    @staticmethod
    def load(name: str) -> Prompt:
        """A prompt of the package: ``<name>.md`` and ``<name>.schema.json``.

        Raises:
            InputError: there is no such prompt.
        """
        folder = resources.files("swath.corpus.prompts")
        try:
            text = folder.joinpath(f"{name}.md").read_text(encoding="utf-8")
            schema = json.loads(folder.joinpath(f"{name}.schema.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"there is no prompt {name!r} in swath.corpus.prompts") from None
        instruction, _, request = text.strip().partition(_DIVIDER)
        return Prompt(name, instruction, request, schema)

    def messages(self, data: Mapping[str, Any]) -> list[Message]:
        """The messages of a request with these data."""
        content = self.request.replace(_PLACE, quoted(data))
        return [{"role": "system", "content": self.instruction}, {"role": "user", "content": content}]


def quoted(data: Mapping[str, Any]) -> str:
    """Data as JSON in which no markup can be closed or opened, on one line a key."""
    text = json.dumps(data, ensure_ascii=False, indent=1)
    return (
        text.replace("<", "\\u003c").replace(">", "\\u003e").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    )
