from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from swath.errors import InputError
from swath.similarity import Projection, local_similarity


def tokens(count: int, each: int, seed: int):
    """Unit vectors of 32 dimensions that mostly lie in 6 of them."""
    generator = torch.Generator().manual_seed(seed)
    scale = torch.cat([torch.ones(6), torch.full((26,), 0.05)])
    turn = torch.linalg.qr(torch.randn(32, 32, generator=torch.Generator().manual_seed(9), dtype=torch.float64))[0]
    return F.normalize(torch.randn(count, each, 32, generator=generator, dtype=torch.float64) * scale @ turn, dim=-1)


@pytest.mark.parametrize("rank", [2, 6, 20, 32])
def test_error_stays_within_its_bound_and_vanishes_at_full_rank(rank):
    images, texts = tokens(5, 9, 0), tokens(6, 4, 1)
    mask = torch.arange(4) < torch.tensor([1, 2, 3, 4, 4, 0])[:, None]
    projection = Projection.fit((images, None), (texts, mask), rank=rank)
    assert projection.basis.shape == (32, rank)
    torch.testing.assert_close(projection.basis.T @ projection.basis, torch.eye(rank, dtype=torch.float64))
    exact = local_similarity(images, texts, text_mask=mask)
    near = local_similarity(projection.apply(images), projection.apply(texts), text_mask=mask)
    bound = projection.error_bound(images, texts, None, mask)
    assert bool(((near - exact).abs() <= bound + 1e-9).all())
    if rank == 32:
        torch.testing.assert_close(near, exact)
        assert projection.lost == 0.0


def test_rank_follows_from_the_energy_that_may_be_lost():
    images, texts = tokens(20, 9, 0), tokens(20, 4, 1)
    projection = Projection.fit((images, None), (texts, None), lost=0.02)
    assert projection.lost <= 0.02
    smaller = Projection.fit((images, None), (texts, None), rank=projection.basis.shape[1] - 1)
    assert smaller.lost > 0.02
    both = torch.cat([images.flatten(0, 1), texts.flatten(0, 1)])
    outside = both - both @ smaller.basis @ smaller.basis.T
    shares = [(part.square().sum() / len(part)) for part in outside.split([180, 80])]
    assert smaller.lost == pytest.approx(float(sum(shares)) / 2)


@pytest.mark.parametrize(
    "options", [{}, {"rank": 2, "lost": 0.1}, {"rank": 0}, {"rank": 33}, {"lost": 1.0}, {"lost": -0.1}]
)
def test_unusable_options_are_refused(options):
    with pytest.raises(InputError):
        Projection.fit((tokens(2, 3, 0), None), **options)


def test_nothing_to_learn_from():
    with pytest.raises(InputError, match="no token counts"):
        Projection.fit((torch.zeros(1, 2, 3), None), rank=1)
