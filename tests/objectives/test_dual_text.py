from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from swath.errors import InputError
from swath.objectives.dual_text import Texts, dual_text_loss, primary_components, text_weights


def vectors(rows: int, size: int, seed: int) -> torch.Tensor:
    return F.normalize(torch.randn(rows, size, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_primary_components_are_numpys() -> None:
    import numpy as np

    rows = vectors(12, 8, 0).double()
    centred = (rows - rows.mean(0)).numpy()
    left, values, right = np.linalg.svd(centred, full_matrices=False)
    expected = (left[:, :3] * values[:3]) @ right[:3] + rows.mean(0).numpy()
    np.testing.assert_allclose(primary_components(rows, 3).numpy(), expected, atol=1e-12)


def test_as_many_components_as_there_are_change_nothing() -> None:
    rows = vectors(5, 8, 1)
    torch.testing.assert_close(primary_components(rows, 32), rows)


def test_equal_vectors_have_a_finite_gradient() -> None:
    rows = torch.ones(4, 6, requires_grad=True)
    primary_components(rows, 2).sum().backward()
    assert rows.grad is not None
    assert rows.grad.isfinite().all()


def test_no_components_are_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        primary_components(torch.ones(2, 2), 0)


def test_the_loss_is_long_clips() -> None:
    """Two symmetric cross-entropies with label smoothing, as torch computes them."""
    images, long, short = (vectors(6, 8, seed) for seed in range(3))
    own = torch.eye(6, dtype=torch.bool)
    found = dual_text_loss(
        images, Texts(long, own), Texts(short, own), 20.0, (0.7, 0.3), components=2, label_smoothing=0.1
    )

    def smoothed(pictures: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        logits, labels = 20.0 * pictures @ texts.T, torch.arange(6)
        return sum(F.cross_entropy(side, labels, label_smoothing=0.1) for side in (logits, logits.T)) / 2

    torch.testing.assert_close(found.long, smoothed(images, long))
    torch.testing.assert_close(found.short, smoothed(primary_components(images, 2), short))
    torch.testing.assert_close(found.loss, 0.7 * found.long + 0.3 * found.short)


@pytest.mark.parametrize(
    ("schedule", "moments"),
    [
        ("fixed", {0.0: 2.0, 0.5: 2.0, 1.0: 2.0}),
        ("linear", {0.0: 0.0, 0.25: 0.5, 1.0: 2.0}),
        ("curriculum", {0.0: 0.0, 1 / 3: 0.0, 0.5: 1.0, 2 / 3: 2.0, 1.0: 2.0}),
    ],
)
def test_the_long_term_comes_up(schedule: str, moments: dict[float, float]) -> None:
    for progress, expected in moments.items():
        long, short = text_weights(schedule, progress, 2.0, 0.5)  # type: ignore[arg-type]
        assert math.isclose(long, expected, abs_tol=1e-9)
        assert short == 0.5
