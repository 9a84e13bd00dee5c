"""A conversation as a model's tokens: its own chat template where it has one, with the answers marked.

A conversation is cut where the model begins to speak and where it ends, and each piece is tokenised alone, as it
happens when answers are generated: the prompt first, then the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from swath.errors import ModelError

IGNORED = -100
"""Label of a token that the loss leaves out."""

_BREAK = "\n"

Exchange = tuple[str, str | None]
"""A question and its answer; None where the answer is wanted."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A conversation for the model.

    Attributes:
        inputs: ``input_ids`` (1, N), ``attention_mask`` (1, N), and what else the processor gives (``pixel_values``).
        labels: (1, N), the token ids of answers and of what ends them, `IGNORED` elsewhere.
        ends: for each exchange, the position after its last token.
    """

    inputs: Mapping[str, Tensor]
    labels: Tensor
    ends: tuple[int, ...]

    def __len__(self) -> int:
        return self.labels.shape[1]


def encode(processor: Any, exchanges: Sequence[Exchange], picture: Image.Image | None) -> Encoded:  # noqa: ANN401
    """Tokenise a conversation about a picture.

    Args:
        processor: of the model.
        exchanges: questions and answers in turn.
        picture: RGB; None for a conversation about none.

    Raises:
        ModelError: the model's chat template does not render turns one after the other.
    """
    pieces = render(processor, exchanges, picture is not None)
    images = {} if picture is None else {"images": [picture]}
    start = pieces[0][0]
    # PaliGemma's processor ends every prompt with a line break of its own.
    first = dict(processor(text=[start.removesuffix(_BREAK)], return_tensors="pt", **images))
    tokens: list[list[int]] = [first["input_ids"][0].tolist()]
    if start.endswith(_BREAK) and not processor.tokenizer.decode(tokens[0]).endswith(_BREAK):
        tokens[0] += _plain(processor, _BREAK)
    answers = [False]
    ends: list[int] = []
    for number, (prompt, answer) in enumerate(pieces):
        if number:
            tokens.append(_plain(processor, prompt))
            answers.append(False)
        if answer:
            tokens.append(_plain(processor, answer))
            answers.append(True)
        ends.append(sum(map(len, tokens)))
    ids = torch.tensor([[token for piece in tokens for token in piece]])
    marks = [is_answer for piece, is_answer in zip(tokens, answers, strict=True) for _ in piece]
    labels = ids.masked_fill(~torch.tensor([marks]), IGNORED)
    return Encoded(_extended(first, ids), labels, tuple(ends))


def render(processor: Any, exchanges: Sequence[Exchange], image: bool) -> list[tuple[str, str]]:  # noqa: ANN401
    """For each exchange the text up to where the answer begins, and the answer with what ends it.

    Raises:
        ModelError: the chat template is not made turn by turn.
    """
    if not getattr(processor, "chat_template", None):
        return _plain_turns(processor, exchanges, image)
    messages: list[dict[str, Any]] = []
    done, pieces = "", []
    for number, (question, answer) in enumerate(exchanges):
        content: list[dict[str, Any]] = [{"type": "image"}] if image and not number else []
        messages.append({"role": "user", "content": [*content, {"type": "text", "text": question}]})
        asked = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        prompt = _after(done, asked)
        if answer is None:
            pieces.append((prompt, ""))
            break
        messages.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
        whole = processor.apply_chat_template(messages, tokenize=False)
        pieces.append((prompt, _after(asked, whole)))
        done = whole
    return pieces


def _plain_turns(processor: Any, exchanges: Sequence[Exchange], image: bool) -> list[tuple[str, str]]:  # noqa: ANN401
    """Turns for a model without chat template (PaliGemma): question, line break, answer, end token."""
    end = processor.tokenizer.eos_token or ""
    mark = (getattr(processor, "image_token", None) or "<image>") if image else ""
    pieces = []
    for number, (question, answer) in enumerate(exchanges):
        prompt = f"{mark if not number else ''}{question}\n"
        pieces.append((prompt, "" if answer is None else f"{answer}{end}"))
    return pieces


def _after(start: str, whole: str) -> str:
    if not whole.startswith(start):
        raise ModelError(
            "the model's chat template does not render a conversation turn by turn, so answers cannot be told from "
            "questions; give the processor a chat_template that does"
        )
    return whole[len(start) :]


def _plain(processor: Any, text: str) -> list[int]:  # noqa: ANN401
    ids: list[int] = processor.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _extended(first: Mapping[str, Any], ids: Tensor) -> dict[str, Tensor]:
    """The first piece's inputs, those with an entry a token brought to the whole length."""
    length = first["input_ids"].shape[1]
    more = ids.shape[1] - length
    found: dict[str, Tensor] = {}
    for key, value in first.items():
        tensor = torch.as_tensor(value)
        if key == "attention_mask":
            tensor = torch.cat([tensor, tensor.new_ones(1, more)], dim=1)
        elif key.endswith("token_type_ids"):
            tensor = torch.cat([tensor, tensor.new_zeros(1, more)], dim=1)
        found[key] = tensor
    found["input_ids"] = ids
    return found
