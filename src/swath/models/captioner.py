"""`Captioner`: a model that writes about images.

    captioner = Captioner.from_pretrained("models/coca")
    captioner.caption([read_chip(chip)])

It is a `DualEncoder` whose configuration has a `captioner` entry: the text tower is CoCa's unimodal decoder, and
`swath.models.decoder` its multimodal one. Any image tower serves, and so any sensor of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from swath.chips import Pixels
from swath.errors import CheckpointError, EmptyChipError, InputError
from swath.models.decoder import MultimodalDecoder
from swath.models.decoding import Decoding, Vocabulary, Writer, Written, write
from swath.models.dual_encoder import DualEncoder
from swath.models.layers import KeyValues
from swath.models.precision import DType
from swath.models.text import TextTransformer

BATCH = 32
"""Images whose captions are written at once."""


@runtime_checkable
class LookingTower(Protocol):
    """An image tower that shows a caption decoder something else than its projected tokens."""

    def look(self, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pooled vectors (B, D), tokens (B, N, D), and what a decoder looks at (B, M, C), of what the tower takes."""
        ...


def look(tower: nn.Module, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What an image tower gives for its inputs, and what a caption decoder looks at: by default its tokens."""
    if isinstance(tower, LookingTower):
        return tower.look(*inputs)
    pooled, tokens = tower(*inputs)
    return pooled, tokens, tokens


class Captioner:
    """Writes captions.

    Args:
        model: with a caption decoder.

    Raises:
        CheckpointError: the model has none.
    """

    def __init__(self, model: DualEncoder) -> None:
        if model.text_decoder is None:
            raise CheckpointError(
                f"model {model.config.name!r} has no captioner and writes no captions; take a model that has one (a "
                "CoCa checkpoint through swath convert), or train one: swath train swath_mini_captioner"
            )
        self.model = model
        self._decoder: MultimodalDecoder = model.text_decoder
        self._text = cast(TextTransformer, model.text)

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        *,
        revision: str | None = None,
        dtype: DType | torch.dtype = "auto",
        device: str | torch.device = "auto",
    ) -> Captioner:
        """Load a model that writes captions; arguments are those of `DualEncoder.from_pretrained`.

        Raises:
            CheckpointError: the model has no captioner, or does not fit its configuration.
            ModelError: there is no such model.
        """
        return cls(DualEncoder.from_pretrained(name, revision=revision, dtype=dtype, device=device))

    @property
    def id(self) -> str:
        """The model's id, ``+`` and the captioner's own digest: equal ids write equal captions."""
        entry = self.model.config.captioner
        return f"{self.model.model_id}+{entry.digest if entry is not None and entry.digest else 'unsaved'}"

    def chosen(self, decoding: Decoding) -> ChosenCaptioner:
        """This captioner with a way of decoding, which is part of its id then.

        Raises:
            InputError: `Decoding.max_length` is over the context length.
        """
        self._check(decoding)
        return ChosenCaptioner(self, decoding)

    def caption(
        self, pixels: Sequence[Pixels], decoding: Decoding | None = None, *, batch_size: int = BATCH, first: int = 0
    ) -> list[str]:
        """Write a caption for each of several images of any sensors.

        Args:
            pixels: the images.
            decoding: how; by default as `usual_decoding` has it.
            batch_size: images at a time.
            first: number of the first image, where sampling is to go on from an earlier call.

        Returns:
            one text an image, in lower case.

        Raises:
            InputError: no images, or `Decoding.max_length` over the context length.
            EmptyChipError: an image without a valid pixel; the message says which.
            SensorError: the model takes no images of a sensor.
        """
        if not pixels:
            raise InputError("no images to write captions for")
        for number, image in enumerate(pixels):
            if not image.valid.any():
                raise EmptyChipError(f"image {first + number} has no valid pixel, so there is nothing to write about")
        texts = []
        for start in range(0, len(pixels), batch_size):
            part = pixels[start : start + batch_size]
            texts += self.texts(self.write(self.look(part), decoding, first=first + start))
        return texts

    def texts(self, written: Sequence[Written]) -> list[str]:
        """The words of what `write` gives."""
        return [self._text.tokenizer.decode(entry.ids) for entry in written]

    @torch.inference_mode()
    def look(self, pixels: Sequence[Pixels]) -> Tensor:
        """What the decoder sees of images: (B, M, C).

        Raises:
            SensorError: the model takes no images of a sensor.
            InputError: towers of different sensors give different numbers of tokens; caption each sensor by itself.
        """
        groups: dict[str, list[int]] = {}
        for index, image in enumerate(pixels):
            groups.setdefault(image.sensor.name, []).append(index)
        found: dict[int, Tensor] = {}
        for sensor, members in groups.items():
            batch = torch.stack([self.model.prepare(pixels[index]) for index in members])
            found.update(zip(members, self.look_at(batch, sensor), strict=True))
        if len({context.shape for context in found.values()}) > 1:
            raise InputError(
                f"images of {', '.join(groups)} give different numbers of tokens: caption one sensor at a time"
            )
        return torch.stack([found[index] for index in range(len(pixels))])

    @torch.inference_mode()
    def look_at(self, batch: Tensor, sensor: str) -> Tensor:
        """What the decoder sees of prepared images (B, bands, S, S) of one sensor: (B, M, C).

        Raises:
            SensorError: the model takes no images of this sensor.
            InputError: the batch has another shape.
        """
        shown = batch.to(self.model.device, self.model.dtype)
        tower, inputs = self.model.tower_inputs(shown, self.model.config.batch_key(sensor))
        return look(tower, *inputs)[2]

    @torch.inference_mode()
    def write(
        self, context: Tensor, decoding: Decoding | None = None, *, first: int = 0, cache: bool = True
    ) -> list[Written]:
        """Write about images that have been looked at.

        Args:
            context: (B, M, C) from `look`.
            decoding: how; by default as `usual_decoding` has it.
            first: number of the first image, for sampling.
            cache: keep keys and values of earlier words; without, all are computed again for every word. The words
                are the same.

        Raises:
            InputError: `Decoding.max_length` is over the context length, no image, or NaN in one.
        """
        decoding = decoding or usual_decoding(self._text.context_length)
        self._check(decoding)
        if not len(context):
            raise InputError("no images to write captions for")
        if not bool(torch.isfinite(context).all()):
            raise InputError("what the image tower gives is not finite: look for NaN in the images or the weights")
        tokenizer = self._text.tokenizer
        vocabulary = Vocabulary(tokenizer.start_id, tokenizer.end_id)
        kind: Callable[[TextTransformer, MultimodalDecoder, Tensor], Writer] = Cached if cache else Recomputed
        return write(
            kind(self._text, self._decoder, context), len(context), vocabulary, decoding, self.model.device, first
        )

    def _check(self, decoding: Decoding) -> None:
        context = self._text.context_length
        if decoding.max_length > context:
            raise InputError(f"max_length {decoding.max_length} is over the model's context length of {context} tokens")


class ChosenCaptioner:
    """A captioner that always decodes in one way: for what keeps captions, and asks whose they are.

    Args:
        captioner: writes.
        decoding: how.
    """

    def __init__(self, captioner: Captioner, decoding: Decoding) -> None:
        self._captioner, self._decoding = captioner, decoding

    @property
    def id(self) -> str:
        """The captioner's id and the decoding: equal ids write equal captions."""
        return f"{self._captioner.id} {self._decoding.title}"

    def caption(self, pixels: Sequence[Pixels], *, first: int = 0) -> list[str]:
        """A text for each image (see `Captioner.caption`)."""
        return self._captioner.caption(pixels, self._decoding, first=first)


def usual_decoding(context_length: int) -> Decoding:
    """Beam search with five beams, shortened to a context that is shorter than usual."""
    usual = Decoding()
    longest = min(usual.max_length, context_length)
    return Decoding(max_length=longest, min_length=min(usual.min_length, longest))


class Cached:
    """A writer that computes each word once: keys and values of the words before it are kept.

    Args:
        text: the unimodal decoder.
        decoder: the multimodal decoder.
        context: (B, M, C) what it sees of B images.
    """

    def __init__(self, text: TextTransformer, decoder: MultimodalDecoder, context: Tensor) -> None:
        self._text, self._decoder = text, decoder
        self._memory = decoder.remember(context)
        self._per_text = 1
        self._own = [KeyValues() for _ in text.transformer.resblocks]
        self._joint = [KeyValues() for _ in range(decoder.layers)]

    def score(self, last: Tensor) -> Tensor:
        """Logits of the next tokens (R, V) after the newest (R,)."""
        words = self._text.read(last[:, None], self._own)
        return self._decoder.score(self._decoder(words, self._memory, self._joint)[:, -1])

    def select(self, rows: Tensor, per_text: int) -> None:
        """Go on with these rows (see `swath.models.decoding.Writer`)."""
        for past in (*self._own, *self._joint):
            past.select(rows)
        images = rows[::per_text] // self._per_text
        if len(images) < len(self._memory[0][0]):
            self._memory = [(keys[images], values[images]) for keys, values in self._memory]
        self._per_text = per_text


class Recomputed:
    """A writer that keeps nothing but the words: what `Cached` is measured and checked against."""

    def __init__(self, text: TextTransformer, decoder: MultimodalDecoder, context: Tensor) -> None:
        self._text, self._decoder, self._context = text, decoder, context
        self._per_text = 1
        self._words = torch.empty(len(context), 0, dtype=torch.long, device=context.device)

    def score(self, last: Tensor) -> Tensor:
        """Logits of the next tokens (R, V) after the newest (R,)."""
        self._words = torch.cat([self._words, last[:, None]], dim=1)
        memory = self._decoder.remember(self._context)
        return self._decoder.score(self._decoder(self._text.read(self._words), memory)[:, -1])

    def select(self, rows: Tensor, per_text: int) -> None:
        """Go on with these rows (see `swath.models.decoding.Writer`)."""
        self._words = self._words[rows]
        self._context = self._context[rows[::per_text] // self._per_text]
        self._per_text = per_text
