from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from swath.errors import InputError
from swath.features import Features
from swath.similarity import local
from swath.similarity.local import cheaper_route, content_mask, local_similarity, local_similarity_of

ROUTES = ("moments", "gram")


def by_einsum(images, texts, image_mask=None, text_mask=None):
    """The papers' definition, written out: two norms in a row over the cosines."""
    if image_mask is not None:
        images = images * image_mask[..., None]
    if text_mask is not None:
        texts = texts * text_mask[..., None]
    return torch.einsum("ind,tmd->itnm", images, texts).norm(dim=-1).norm(dim=-1)


def unit(*shape: int, seed: int = 0, dtype=torch.float64):
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype), dim=-1)


shapes = st.tuples(*(st.integers(1, 5) for _ in range(4)), st.integers(1, 9), st.integers(0, 10_000))


@given(shapes, st.sampled_from(ROUTES), st.booleans())
@settings(max_examples=30, deadline=None)
def test_value_and_gradient_equal_the_einsum(shape, route, masks):
    i, n, t, m, d, seed = shape
    images, texts = unit(i, n, d, seed=seed), unit(t, m, d, seed=seed + 1)
    generator = torch.Generator().manual_seed(seed)
    image_mask = torch.rand(i, n, generator=generator) < 0.7 if masks else None
    text_mask = torch.rand(t, m, generator=generator) < 0.7 if masks else None
    weight = torch.randn(i, t, generator=generator, dtype=torch.float64)
    results = []
    for compute in (
        lambda a, b: local_similarity(a, b, image_mask=image_mask, text_mask=text_mask, route=route),
        lambda a, b: by_einsum(a, b, image_mask, text_mask),
    ):
        a, b = images.clone().requires_grad_(), texts.clone().requires_grad_()
        found = compute(a, b)
        (found * weight).sum().backward()
        results.append((found.detach(), a.grad, b.grad))
    clear = bool((results[1][0][results[1][0] > 0] > 1e-4).all())
    for ours, reference in zip(*results, strict=True):
        torch.testing.assert_close(ours, reference, atol=1e-6 if clear else 1e-3, rtol=1e-6)


@pytest.mark.parametrize("route", ROUTES)
def test_float32_is_exact_to_a_millionth(route):
    images, texts = unit(12, 49, 512, dtype=torch.float32), unit(20, 77, 512, seed=1, dtype=torch.float32)
    reference = by_einsum(images.double(), texts.double())
    error = ((local_similarity(images, texts, route=route) - reference) / reference).abs().max()
    assert error < 1e-6


def test_fast_route_is_near_and_its_gradient_exact():
    common = unit(64, seed=3)  # token vectors of trained towers share a large part
    images, texts = (
        F.normalize(unit(8, 20, 64) + common, dim=-1),
        F.normalize(unit(9, 10, 64, seed=1) + common, dim=-1),
    )
    mask = torch.arange(10) < torch.arange(2, 11)[:, None]
    a = images.float().requires_grad_()
    fast = local_similarity(a, texts.float(), text_mask=mask, route="fast")
    reference = by_einsum(images, texts, text_mask=mask)
    assert ((fast - reference) / reference).abs().max() < 3e-3
    (grad,) = torch.autograd.grad(fast.sum(), a)
    b = images.clone().requires_grad_()
    (exact,) = torch.autograd.grad(by_einsum(b, texts, text_mask=mask).sum(), b)
    torch.testing.assert_close(grad.double(), exact, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("route", ["moments", "gram", "fast"])
def test_blocks_do_not_change_anything(route, monkeypatch):
    images, texts = unit(11, 4, 70), unit(13, 6, 70, seed=1)
    mask = torch.arange(6) < (torch.arange(13) % 7)[:, None]
    whole = local_similarity(images, texts, text_mask=mask, route=route)
    monkeypatch.setattr(local, "_HELD", 3 * 70 * 70 * 4)
    monkeypatch.setattr(local, "_STREAMED", 2 * 70 * 70 * 4)
    monkeypatch.setattr(local, "_TEXTS", 5)
    monkeypatch.setattr(local, "_ALIKE", 2)
    a, b = images.clone().requires_grad_(), texts.clone().requires_grad_()
    pieces = local_similarity(a, b, text_mask=mask, route=route)
    torch.testing.assert_close(pieces, whole, atol=3e-2 if route == "fast" else 1e-9, rtol=1e-6)
    pieces.sum().backward()
    c = images.clone().requires_grad_()
    by_einsum(c, texts, text_mask=mask).sum().backward()
    torch.testing.assert_close(a.grad, c.grad, atol=2e-2 if route == "fast" else 1e-9, rtol=1e-2)


@given(shapes)
@settings(max_examples=25, deadline=None)
def test_invariances(shape):
    i, n, t, m, d, seed = shape
    images, texts = unit(i, n, d, seed=seed), unit(t, m, d, seed=seed + 1)
    found = local_similarity(images, texts, route="moments")
    turn = torch.linalg.qr(torch.randn(d, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)))[0]
    same = {
        "symmetric": local_similarity(texts, images, route="moments").T,
        "blind to sign": local_similarity(images, -texts, route="moments"),
        "blind to token order": local_similarity(images.flip(1), texts, route="moments"),
        "blind to rotation": local_similarity(images @ turn, texts @ turn, route="moments"),
    }
    for name, other in same.items():
        torch.testing.assert_close(other, found, atol=2e-6, rtol=1e-6, msg=name)
    assert bool((found <= (n * m) ** 0.5 + 1e-9).all())


@pytest.mark.parametrize("route", ["moments", "gram", "fast"])
@pytest.mark.parametrize("normalise", [False, True])
def test_a_text_without_tokens_has_similarity_and_gradient_zero(route, normalise):
    images, texts = unit(2, 3, 5).requires_grad_(), unit(3, 4, 5, seed=1).requires_grad_()
    mask = torch.tensor([[True] * 4, [False] * 4, [True, False, False, False]])
    found = local_similarity(images, texts, text_mask=mask, normalise=normalise, route=route)
    assert found[:, 1].eq(0).all()
    found.sum().backward()
    assert texts.grad[1].eq(0).all()
    assert images.grad.isfinite().all()


def test_one_token_each_is_the_absolute_cosine():
    images, texts = unit(3, 1, 6), unit(4, 1, 6, seed=1)
    torch.testing.assert_close(local_similarity(images, texts), (images[:, 0] @ texts[:, 0].T).abs())


def test_normalised_is_the_root_mean_square_cosine():
    images, texts = unit(3, 5, 6), unit(4, 7, 6, seed=1)
    mask = torch.arange(7) < torch.tensor([1, 3, 5, 7])[:, None]
    found = local_similarity(images, texts, text_mask=mask, normalise=True)
    for t in range(4):
        cosines = torch.einsum("ind,md->inm", images, texts[t][mask[t]])
        torch.testing.assert_close(found[:, t], cosines.square().mean(dim=(1, 2)).sqrt())
    assert local_similarity(images, images, normalise=True).max() <= 1


def test_padding_counts_only_without_a_mask():
    images, texts = unit(2, 3, 8), unit(2, 4, 8, seed=1)
    padded = torch.cat([texts, unit(2, 5, 8, seed=2)], dim=1)
    mask = torch.arange(9) < torch.full((2, 1), 4)
    torch.testing.assert_close(local_similarity(images, padded, text_mask=mask), local_similarity(images, texts))
    assert not torch.allclose(local_similarity(images, padded), local_similarity(images, texts))


def test_content_mask_drops_start_and_end():
    mask = torch.tensor([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 1, 1, 1, 1]]).bool()
    kept = torch.tensor([[0, 1, 1, 0, 0], [0] * 5, [0] * 5, [0] * 5, [0, 0, 1, 1, 0]]).bool()
    assert content_mask(mask).equal(kept)


def test_features_bring_their_masks():
    mask = torch.tensor([[True, True, True, False], [True, True, True, True]])
    texts = Features(unit(2, 6), unit(2, 4, 6, seed=1) * mask[..., None], mask)
    images = Features(unit(3, 6), unit(3, 5, 6, seed=2), torch.ones(3, 5, dtype=torch.bool))
    torch.testing.assert_close(local_similarity_of(images, texts), by_einsum(images.tokens, texts.tokens, None, mask))
    inner = by_einsum(images.tokens, texts.tokens, None, content_mask(mask))
    torch.testing.assert_close(local_similarity_of(images, texts, ends=False), inner)


def test_no_images_or_no_texts():
    for route in ("moments", "gram", "fast"):
        assert local_similarity(unit(0, 3, 4), unit(2, 3, 4), route=route).shape == (0, 2)
        assert local_similarity(unit(2, 3, 4), unit(0, 3, 4), route=route).shape == (2, 0)


def test_the_cost_rule_prefers_what_multiplies_less():
    assert cheaper_route(torch.empty(200, 49, 512), torch.empty(1000, 77, 512)) == "moments"
    assert cheaper_route(torch.empty(1, 49, 512), torch.empty(1, 20, 512)) == "gram"
    assert cheaper_route(torch.empty(200, 4, 4096), torch.empty(1000, 6, 4096)) == "gram"


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((torch.zeros(1, 2, 3), torch.zeros(1, 2, 4)), {}, "equal D"),
        ((torch.zeros(2, 3), torch.zeros(1, 2, 3)), {}, "equal D"),
        ((torch.zeros(1, 2, 3), torch.zeros(1, 2, 3).double()), {}, "one precision"),
        ((torch.zeros(1, 2, 3), torch.zeros(1, 2, 3)), {"text_mask": torch.ones(1, 3).bool()}, "text mask"),
        ((torch.zeros(1, 2, 3), torch.zeros(1, 2, 3)), {"image_mask": torch.ones(1, 2)}, "image mask"),
        ((torch.zeros(1, 2, 3), torch.zeros(1, 2, 3)), {"route": "magic"}, "'magic'"),
    ],
)
def test_unusable_input_is_named(arguments, options, message):
    with pytest.raises(InputError, match=message):
        local_similarity(*arguments, **options)
