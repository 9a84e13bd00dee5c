"""What the captions of a model in training are worth, written greedily."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from swath.evaluation.captioning import evaluate_captions
from swath.models import Captioner, Decoding, DualEncoder
from swath.models.captioner import usual_decoding

_BATCH = 128


def caption_metrics(
    model: DualEncoder, images: Sequence[tuple[str, Tensor]], references: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Metrics of `swath.evaluation.captioning` (``cider``, ``bleu4``, ...).

    Args:
        model: in evaluation mode, with a captioner.
        images: sensor and prepared tensor (bands, S, S) of each.
        references: captions of each.

    Raises:
        CheckpointError: the model has no captioner.
    """
    captioner = Captioner(model)
    usual = usual_decoding(model.config.text.context_length)
    greedy = Decoding("greedy", max_length=usual.max_length, min_length=usual.min_length)
    written: dict[str, str] = {}
    for sensor in sorted({name for name, _ in images}):
        rows = [row for row, (name, _) in enumerate(images) if name == sensor]
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH]
            context = captioner.look_at(torch.stack([images[row][1] for row in part]), sensor)
            texts = captioner.texts(captioner.write(context, greedy))
            written |= {str(row): text for row, text in zip(part, texts, strict=True)}
    known = {str(row): tuple(own) for row, own in enumerate(references)}
    return dict(evaluate_captions(written, known, rounds=0).metrics)
