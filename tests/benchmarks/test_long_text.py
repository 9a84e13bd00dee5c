"""The arithmetic of benchmarks/long_text.py that is its own."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import long_text

from generate.models import tiny_model


def test_texts_of_some_images_are_numbered_anew():
    whole = long_text.Texts(["a", "b", "c", "d"], np.array([0, 0, 2, 3]), 4)
    some = whole.of_images(np.array([True, False, False, True]))
    assert (some.texts, some.owner.tolist(), some.images) == (["a", "b", "d"], [0, 0, 1], 2)


def test_a_cut_run_reads_the_first_tokens_only():
    model = tiny_model()
    texts = long_text.Texts(["river " * 4 + "a bridge", "river " * 4 + "a plane", "trees"], np.arange(3), 3)
    images = F.normalize(torch.randn(3, 48, generator=torch.Generator().manual_seed(0)), dim=1)
    encoded = long_text.Encoded(model, images)
    whole, cut = encoded.run(texts), encoded.run_cut(texts, 6)
    same = model.encode_texts(["river " * 4, "river " * 4, "trees"]).pooled
    wanted = texts.judged(same, images)
    assert cut.metrics == wanted.metrics
    assert whole.metrics != cut.metrics


def test_lengths_are_counted_against_both_contexts():
    found = long_text._lengths(np.array([10, 78, 300]), 3, 248)
    assert (found["over_77"], found["over_context"], found["longest"], found["median_tokens"]) == (2, 1, 300, 78.0)
