"""The term that writes: captions from images in training, and images looked at once for frozen towers."""

from __future__ import annotations

import torch
from torch import Tensor

from swath.errors import InputError
from swath.models.decoder import Memory, MultimodalDecoder
from swath.models.text import TextTransformer
from swath.objectives.captioning import caption_loss, next_tokens
from swath.training.encoding import BatchEncoder
from swath.training.objective import CaptioningRecipe
from swath.training.processes import shared_count

_TEXTS = 64
"""Texts whose words are scored at once: their logits over the vocabulary take 4 MB each and more."""


def caption_term(
    batch: BatchEncoder,
    contexts: list[Tensor],
    ids: Tensor,
    mask: Tensor,
    owners: Tensor,
    real: Tensor,
    settings: CaptioningRecipe,
) -> Tensor:
    """Cross-entropy of the next tokens, the mean over those of all processes.

    Args:
        batch: the model.
        contexts: what the decoder looks at, (B_t, M, C) a tower, in the order of the images.
        ids: (T, N) token ids, sorted by length.
        mask: (T, N) of `ids`.
        owners: (T,) the image of each text.
        real: (T,) False where a text only fills the place of an image without one.
        settings: the term's.

    Raises:
        InputError: the model has no captioner, or the batch no text.
    """
    decoder, text = batch.encoder.text_decoder, batch.encoder.text
    if decoder is None or not isinstance(text, TextTransformer):
        raise InputError("the term captioning needs a model with a captioner")
    memory = [decoder.remember(context) for context in contexts]
    whole = [tuple(torch.cat(parts) for parts in zip(*layer, strict=True)) for layer in zip(*memory, strict=True)]
    sums, count = [], torch.zeros((), device=ids.device)
    read = batch.cached(_read, batch.encoder)
    step = min(_TEXTS, batch.chunk or _TEXTS)
    for start in range(0, len(ids), step):
        rows = slice(start, start + step)
        width = int(mask[rows].sum(dim=1).max())
        inputs, targets, known = next_tokens(ids[rows, :width], mask[rows, :width] & real[rows, None])
        if not bool(known.any()):
            continue
        own = [tensor[owners[rows]] for layer in whole for tensor in layer]
        sums.append(read(decoder, text, inputs, targets, known, settings.label_smoothing, *own))
        count = count + known.sum()
    if not sums:
        raise InputError("a batch without a text teaches nothing to write: give the images captions")
    return torch.stack(sums).sum() / shared_count(count)


def _read(
    decoder: MultimodalDecoder,
    text: TextTransformer,
    inputs: Tensor,
    targets: Tensor,
    known: Tensor,
    smoothing: float,
    *memory: Tensor,
) -> Tensor:
    """The summed loss of some texts; `memory` holds keys and values of their images, layer by layer."""
    looked: Memory = list(zip(memory[::2], memory[1::2], strict=True))
    logits = decoder.score(decoder(text.read(inputs), looked))
    return caption_loss(logits, targets, known, label_smoothing=smoothing)
