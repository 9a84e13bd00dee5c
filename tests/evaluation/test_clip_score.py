from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from swath.errors import EvaluationError
from swath.evaluation.clip_score import clip_scores, ref_clip_scores


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_clip_score_is_two_and_a_half_cosines_and_never_negative() -> None:
    images, captions = unit(8, 4), unit(8, 4, seed=1)
    cosines = F.cosine_similarity(images, captions).numpy()
    assert clip_scores(images, captions) == pytest.approx(2.5 * np.maximum(cosines, 0), abs=1e-6)
    assert (cosines < 0).any()
    assert clip_scores(images, images) == pytest.approx(np.full(8, 2.5), abs=1e-6)


def test_the_second_is_the_harmonic_mean_with_the_best_reference() -> None:
    captions = unit(2, 4)
    best = captions[0]
    references = [torch.stack([best, unit(4, seed=3)]), -captions[1][None]]
    found = ref_clip_scores(np.array([0.5, 0.5]), captions, references)
    assert found[0] == pytest.approx(2 * 0.5 * 1.0 / 1.5, abs=1e-6)
    assert found[1] == 0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(EvaluationError, match=r"\(2, 4\), \(3, 4\)"):
        clip_scores(unit(2, 4), unit(3, 4))
    with pytest.raises(EvaluationError, match="number 1 has no reference"):
        ref_clip_scores(np.ones(2), unit(2, 4), [unit(1, 4), torch.zeros(0, 4)])
    with pytest.raises(EvaluationError, match="1 lists"):
        ref_clip_scores(np.ones(2), unit(2, 4), [unit(1, 4)])
