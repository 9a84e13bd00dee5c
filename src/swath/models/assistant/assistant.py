"""`Assistant`: answers, conversations and streams of words from an image-text-to-text model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from queue import Empty
from threading import Thread
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from swath.chips import Pixels
from swath.errors import InputError, ModelError
from swath.models.answerer.parsing import parse
from swath.models.answers import Answer, check_request
from swath.models.assistant.loading import load_parts
from swath.models.assistant.prompts import Encoded, Exchange, encode
from swath.models.precision import DType, choose_device, choose_dtype
from swath.models.truncation import TruncationWarning

MOST_NEW = 128
"""Tokens of the longest answer, by default."""


class Assistant:
    """A generative model that answers questions about images of any sensor, rendered as pictures.

    Args:
        model: an image-text-to-text model of transformers, with or without adapters.
        processor: its processor.
        name: what it is called.
        most_new: tokens of the longest answer.
    """

    def __init__(self, model: nn.Module, processor: Any, name: str, *, most_new: int = MOST_NEW) -> None:  # noqa: ANN401
        self.model = model.eval()
        self.processor = processor
        self.name = name
        self.most_new = most_new

    @classmethod
    def from_pretrained(
        cls,
        name: str,
        *,
        revision: str | None = None,
        dtype: DType | torch.dtype = "auto",
        device: str | torch.device = "auto",
        most_new: int = MOST_NEW,
    ) -> Assistant:
        """Load an assistant; arguments and errors are those of `load_parts`."""
        place = choose_device(device)
        model, processor = load_parts(name, revision=revision, dtype=choose_dtype(dtype, place), device=place)
        return cls(model, processor, name, most_new=most_new)

    @property
    def model_id(self) -> str:
        """Directory or hub id."""
        return self.name

    @property
    def context(self) -> int | None:
        """Positions of the language model; None where it does not say."""
        config: Any = self.model.config
        found = getattr(config.get_text_config(), "max_position_embeddings", None)
        return None if found is None else int(found)

    def answer(self, images: Sequence[Pixels], questions: Sequence[str]) -> list[Answer]:
        """Answer question i about image i, each in a conversation of its own.

        Raises:
            InputError: an empty question, an image without a valid pixel, or not as many questions as images.
        """
        check_request(images, questions)
        return [Chat(self, image).ask(question) for image, question in zip(images, questions, strict=True)]

    def chat(self, image: Pixels | None = None) -> Chat:
        """Begin a conversation about an image, or about none.

        Raises:
            InputError: the image has no valid pixel.
        """
        return Chat(self, image)

    @torch.inference_mode()
    def generate(self, encoded: Encoded) -> tuple[str, float]:
        """The answer that the model gives most readily, and the geometric mean of its tokens' probabilities."""
        made = self._run(encoded, output_logits=True, return_dict_in_generate=True)
        new = made.sequences[0, len(encoded) :]
        chances = [
            logits[0].float().log_softmax(dim=-1)[token] for logits, token in zip(made.logits, new, strict=False)
        ]
        confidence = float(torch.stack(chances).mean().exp()) if chances else 0.0
        return self._text(new), confidence

    def stream(self, encoded: Encoded) -> Iterator[str]:
        """The same answer, piece by piece as it is made.

        Raises:
            ModelError: generation failed.
        """
        from transformers import TextIteratorStreamer

        streamer = TextIteratorStreamer(
            self.processor.tokenizer, skip_prompt=True, timeout=1.0, skip_special_tokens=True
        )
        failed: list[BaseException] = []

        def work() -> None:
            try:
                with torch.inference_mode():
                    self._run(encoded, streamer=streamer)
            except BaseException as error:  # the caller's thread raises it
                failed.append(error)
                streamer.end()

        thread = Thread(target=work, daemon=True)
        thread.start()
        while True:
            try:
                piece = next(streamer)
            except StopIteration:
                break
            except Empty:
                continue
            if piece:
                yield piece
        thread.join()
        if failed:
            raise ModelError(f"{self.name} failed to answer: {failed[0]}") from failed[0]

    def _run(self, encoded: Encoded, **options: Any) -> Any:  # noqa: ANN401 - transformers' own types
        model: Any = self.model
        device, dtype = model.device, model.dtype
        inputs = {
            key: value.to(device, dtype) if value.is_floating_point() else value.to(device)
            for key, value in encoded.inputs.items()
        }
        tokenizer = self.processor.tokenizer
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        return model.generate(**inputs, max_new_tokens=self.most_new, do_sample=False, pad_token_id=pad, **options)

    def _text(self, tokens: Tensor) -> str:
        text: str = self.processor.tokenizer.decode(tokens, skip_special_tokens=True)
        return text.strip()


class Chat:
    """A conversation about one image; what was said before is told to the model with each question.

    Args:
        assistant: who answers.
        image: any sensor; None for a conversation about no image.

    Raises:
        InputError: the image has no valid pixel.
    """

    def __init__(self, assistant: Assistant, image: Pixels | None) -> None:
        if image is not None and not image.valid.any():
            raise InputError("the image has no valid pixel (all NaN or no data); there is nothing to talk about")
        self.assistant = assistant
        self.picture = None if image is None else render_picture(image)
        self.exchanges: list[tuple[str, str]] = []

    def ask(self, question: str) -> Answer:
        """Answer, remembering what was said.

        Where a conversation outgrows the model's context its oldest exchanges are forgotten, with a warning.

        Raises:
            InputError: the question is empty, or alone longer than the context.
        """
        kind = parse(question).kind
        text, confidence = self.assistant.generate(self._encode(question))
        self.exchanges.append((question, text))
        return Answer(text, confidence, kind)

    def stream(self, question: str) -> Iterator[str]:
        """The same, piece by piece; the exchange is remembered once the last piece was taken.

        Raises:
            InputError: as `ask`.
            ModelError: generation failed.
        """
        parse(question)
        encoded = self._encode(question)

        def pieces() -> Iterator[str]:
            said: list[str] = []
            for piece in self.assistant.stream(encoded):
                said.append(piece)
                yield piece
            self.exchanges.append((question, "".join(said).strip()))

        return pieces()

    def _encode(self, question: str) -> Encoded:
        """The conversation's end that fits the context, the picture always with it."""
        room = self.assistant.context
        for first in range(len(self.exchanges) + 1):
            told: list[Exchange] = [*self.exchanges[first:], (question, None)]
            encoded = encode(self.assistant.processor, told, self.picture)
            if room is None or len(encoded) + self.assistant.most_new <= room:
                if first:
                    warnings.warn(
                        f"the conversation is longer than the model's context of {room} tokens: its first {first} of "
                        f"{len(self.exchanges)} exchanges are not told",
                        TruncationWarning,
                        stacklevel=3,
                    )
                return encoded
        raise InputError(
            f"the question has {len(encoded)} tokens with its image, and {self.assistant.most_new} more are kept for "
            f"the answer; {self.assistant.name} takes {room}: ask a shorter one, or allow shorter answers"
        )


def render_picture(image: Pixels) -> Image.Image:
    """An RGB picture of an image of any sensor (see `Sensor.to_rgb`)."""
    return Image.fromarray(image.to_rgb().transpose(1, 2, 0).copy())
