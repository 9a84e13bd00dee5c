"""Local similarity: the norm of the patch x word cosine matrix, at the price of about one vector product a pair.

EBAKER, section on local alignment: ``Sim_ij = cos(f_v^i, f_t^j)`` and ``Sim^l = || Sim_ij ||_{2,2}``, the L2 norm taken
over one token axis and then the other, which is the Frobenius norm of P T^T. Two exact ways to it, and a faster one:

- ``moments``: ``||P T^T||_F^2 = <P^T P, T^T T>_F`` (see `swath.similarity.moments`); about D^2 / 2 multiplications a
  pair, however many tokens there are, as one matrix product.
- ``gram``: the squared cosines summed; N M D multiplications a pair, for few tokens, few pairs or long vectors.
- ``fast``: moments less their mean, multiplied in bfloat16; for hardware with bfloat16 matrix units. The large common
  part is added back in float32, so the error stays below that of features that were themselves encoded in bfloat16.

The published code counts every one of the 77 text positions. To repeat it, encode with ``pad_to_context=True`` and pass
no mask. With a mask, padding does not count; `content_mask` drops the start and end tokens as well; `normalise` divides
by ``sqrt(N M)``, which makes it the root mean square cosine, 0 to 1, comparable between short and long texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from swath.errors import InputError
from swath.features import Features
from swath.similarity import moments

Route = Literal["auto", "moments", "gram", "fast"]
_HELD = 160 << 20  # bytes of image stripes held at a time, also of gradients of moments
_STREAMED = 32 << 20  # bytes of text stripes, or of cosines, made at a time
_CENTRE_SAMPLE = 64  # token sets whose mean moment is the centre of the fast route
_TEXTS = 2048  # texts whose masked tokens are copied at a time
_ALIKE = 64  # texts, in order of length, that are computed at the length of their longest
_ENTRY_COST = 64  # writing a moment's entry takes the time of so many multiplications; measured on CPUs


def local_similarity(
    images: Tensor,
    texts: Tensor,
    *,
    image_mask: Tensor | None = None,
    text_mask: Tensor | None = None,
    normalise: bool = False,
    route: Route = "auto",
) -> Tensor:
    """``||P T^T||_F`` of every image with every text.

    Exact in float32 to about 1e-6 relative by ``moments`` and ``gram`` (by ``moments`` it is the square whose error is
    about 1e-7 of ``||P||^2 ||T||^2``: where all cosines are nearly 0, ``gram`` is more accurate); about 1e-3 relative
    by ``fast``. Differentiable once on both sides with the gradient of the einsum. In bounded memory: less than
    0.5 GiB beside the result, whatever the number of images and texts.

    Args:
        images: (I, N, D) patch tokens, L2-normalised.
        texts: (T, M, D) word tokens, L2-normalised.
        image_mask: (I, N) bool, True where a token counts; None counts all positions.
        text_mask: (T, M) likewise.
        normalise: divide by ``sqrt(tokens of the image x tokens of the text)``.
        route: how to compute it; ``auto`` takes the cheaper exact way by `cheaper_route`.

    Returns:
        (I, T) float32 (float64 for float64 tokens), at least 0; exactly 0 where a side has no token that counts.

    Raises:
        InputError: shapes or masks do not fit.
    """
    _check(images, texts, image_mask, text_mask)
    if route not in get_args(Route):
        raise InputError(f"route is {route!r}; choose one of {', '.join(get_args(Route))}")
    if route == "auto":
        route = cheaper_route(images, texts, text_mask)
    square: Tensor = _SquaredNorm.apply(images, texts, image_mask, text_mask, route)  # type: ignore[no-untyped-call]
    positive = square > 0
    norm = torch.where(positive, torch.where(positive, square, 1.0).sqrt(), 0.0)  # the gradient at 0 is 0, as of a norm
    if not normalise:
        return norm
    pairs = _counts(images, image_mask)[:, None] * _counts(texts, text_mask)
    return norm / pairs.clamp_min(1).sqrt().to(norm.dtype)


def local_similarity_of(
    images: Features, texts: Features, *, ends: bool = True, normalise: bool = False, route: Route = "auto"
) -> Tensor:
    """`local_similarity` of features, which bring their masks.

    Args:
        images: features of I images; all their real tokens count.
        texts: features of T texts.
        ends: whether the start and end tokens of a text count, as in the published code.
        normalise: see `local_similarity`.
        route: see `local_similarity`.

    Returns:
        (I, T).
    """
    text_mask = texts.mask if ends else content_mask(texts.mask)
    return local_similarity(
        images.tokens, texts.tokens, image_mask=images.mask, text_mask=text_mask, normalise=normalise, route=route
    )


def content_mask(mask: Tensor) -> Tensor:
    """(B, N): `mask` without the first and the last real position of each row, which are start and end of a text."""
    order = mask.cumsum(dim=1)
    return mask & (order > 1) & (order < order[:, -1:])


def cheaper_route(images: Tensor, texts: Tensor, text_mask: Tensor | None = None) -> Literal["moments", "gram"]:
    """Which exact way costs less: the documented rule.

    With I images of N tokens, T texts of M (counted) tokens and vectors of length D, in multiplications: moments cost
    ``D^2 / 2 (I (N + 64) + T (M + 64) + I T)``, 64 standing for the writing of an entry; the Gram form ``I T N M D``.
    """
    (count, patches, size), sentences = images.shape, len(texts)
    words = float(text_mask.sum()) if text_mask is not None else float(sentences * texts.shape[1])
    making = count * (patches + _ENTRY_COST) + words + sentences * _ENTRY_COST
    by_moments = size**2 / 2 * (making + count * sentences)
    return "moments" if by_moments <= count * patches * words * size else "gram"


class _SquaredNorm(torch.autograd.Function):
    """``||P T^T||_F^2``; saves only the tokens for the backward pass."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's own
        images: Tensor,
        texts: Tensor,
        image_mask: Tensor | None,
        text_mask: Tensor | None,
        route: str,
    ) -> Tensor:
        ctx.save_for_backward(images, texts, image_mask, text_mask)
        ctx.route = route
        return _SQUARES[route](images, texts, image_mask, text_mask)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:  # noqa: ANN401
        images, texts, image_mask, text_mask = ctx.saved_tensors
        compute = _gradient_by_gram if ctx.route == "gram" else _gradient_by_moments
        of_images = of_texts = None
        if ctx.needs_input_grad[0]:
            of_images = compute(images, texts, image_mask, text_mask, grad)
        if ctx.needs_input_grad[1]:
            of_texts = compute(texts, images, text_mask, image_mask, grad.mT)
        return of_images, of_texts, None, None, None


def _squares_by_moments(
    images: Tensor, texts: Tensor, image_mask: Tensor | None, text_mask: Tensor | None, fast: bool = False
) -> Tensor:
    """(I, T), block by block of images and texts."""
    dtype = moments.working_dtype(images)
    held = max(1, _HELD // (moments.STRIPE * images.shape[-1] * dtype.itemsize))
    order = _by_extent(texts, text_mask)
    found = images.new_empty(len(images), len(texts), dtype=dtype)
    for start in range(0, len(texts), _TEXTS):
        rows = order[start : start + _TEXTS]
        batches = list(_batches(texts, text_mask, rows))
        for begin in range(0, len(images), held):
            block = slice(begin, begin + held)
            own = moments.masked(images[block], _rows(image_mask, block))
            found[block, rows] = _products(own, batches, len(rows), fast)
    if fast:  # rounding must not give similarity to what has no tokens
        found.index_fill_(0, torch.nonzero(_counts(images, image_mask) == 0)[:, 0], 0.0)
        found.index_fill_(1, torch.nonzero(_counts(texts, text_mask) == 0)[:, 0], 0.0)
    return found


def _products(images: Tensor, batches: list[Tensor], count: int, fast: bool) -> Tensor:
    """(I, count) inner products of second moments, summed stripe by stripe."""
    size = images.shape[-1]
    step = max(1, _STREAMED // (moments.STRIPE * size * images.itemsize * _ALIKE))
    held = images.new_empty(len(images) * moments.STRIPE * size)
    streamed = images.new_empty(min(step * _ALIKE, count) * moments.STRIPE * size)
    found = images.new_zeros(len(images), count)
    for start in range(0, size, moments.STRIPE):
        own = moments.stripe(images, start, held)
        own[:, :, own.shape[1] :] *= 2.0
        left = own.flatten(1)
        centred = _Centred(left) if fast else None
        column = 0
        for first in range(0, len(batches), step):
            right = _stripes(batches[first : first + step], start, streamed)
            part = found[:, column : column + len(right)]
            if centred is None:
                part.addmm_(left, right.T)
            else:
                part += centred.products(right)
            column += len(right)
    return found


def _stripes(batches: list[Tensor], start: int, out: Tensor) -> Tensor:
    """(B, L) stripes of the texts of several batches, one after the other in `out`."""
    width = min(moments.STRIPE, batches[0].shape[-1] - start) * (batches[0].shape[-1] - start)
    row = 0
    for tokens in batches:
        moments.stripe(tokens, start, out[row * width :])
        row += len(tokens)
    return out[: row * width].view(row, width)


class _Centred:
    """Products in bfloat16 of what is left of moments when a common part is taken away.

    ``<A, B> = <A - a, B - b> + <A - a, b> + <a, B>``: only the first term, which is small, is rounded. Any a and b are
    right; means are good.

    Args:
        left: (I, L) stripes; overwritten.
    """

    def __init__(self, left: Tensor) -> None:
        self.centre = left[:_CENTRE_SAMPLE].mean(dim=0)
        self.left = left.sub_(self.centre)
        self.small = left.bfloat16()
        self.other: Tensor | None = None
        self.at_other = left

    def products(self, right: Tensor) -> Tensor:
        """(I, B) products with stripes (B, L), which are overwritten."""
        if self.other is None:
            self.other = right[:_CENTRE_SAMPLE].mean(dim=0)
            self.at_other = self.left @ self.other
        at_centre = right @ self.centre
        small = right.sub_(self.other).bfloat16()
        return (self.small @ small.T).to(right.dtype).add_(self.at_other[:, None]).add_(at_centre)


def _batches(texts: Tensor, mask: Tensor | None, order: Tensor) -> Iterator[Tensor]:
    """Texts in order of length, a hundred or so at a time, masked and cut to the longest of them."""
    for start in range(0, len(order), _ALIKE):
        rows = order[start : start + _ALIKE]
        if mask is None:
            yield moments.masked(texts[rows[0] : rows[-1] + 1], None)
            continue
        used = torch.nonzero(mask[rows].any(dim=0))
        last = int(used[-1]) + 1 if len(used) else 0
        yield moments.masked(texts[rows, :last], mask[rows, :last])


def _squares_by_gram(images: Tensor, texts: Tensor, image_mask: Tensor | None, text_mask: Tensor | None) -> Tensor:
    """(I, T). Only words that count take part; cosines exist for a block of images at a time."""
    words, owner = _flat(texts, text_mask)
    step = _gram_rows(images, len(words))
    found = images.new_zeros(len(images), len(texts), dtype=words.dtype)
    for start in range(0, len(images), step):
        block = moments.masked(images[start : start + step], _rows(image_mask, slice(start, start + step)))
        cosines = (block.flatten(0, 1) @ words.T).view(*block.shape[:2], -1)
        found[start : start + step].index_add_(1, owner, cosines.square_().sum(dim=1))
    return found


_SQUARES: Mapping[str, Callable[..., Tensor]] = {
    "moments": _squares_by_moments,
    "gram": _squares_by_gram,
    "fast": partial(_squares_by_moments, fast=True),
}


def _gradient_by_moments(
    own: Tensor, other: Tensor, own_mask: Tensor | None, other_mask: Tensor | None, grad: Tensor
) -> Tensor:
    """Gradient of the `own` tokens: ``2 X_i sum_j grad_ij Y_j^T Y_j``; moments of both sides exist in blocks."""
    size, dtype = own.shape[-1], moments.working_dtype(own)
    held = max(1, _HELD // (size * size * dtype.itemsize))
    step = max(1, _STREAMED // (size * size * dtype.itemsize))
    found = []
    for begin in range(0, len(own), held):
        tokens = moments.masked(own[begin : begin + held], _rows(own_mask, slice(begin, begin + held)))
        mixed = tokens.new_zeros(len(tokens), size * size)
        for start in range(0, len(other), step):
            part = slice(start, start + step)
            moment = moments.second_moment(other[part], _rows(other_mask, part))
            mixed.addmm_(grad[begin : begin + held, part], moment.flatten(1))
        found.append(2.0 * (tokens @ mixed.view(-1, size, size)))
    return torch.cat(found).to(own.dtype) if found else torch.zeros_like(own)


def _gradient_by_gram(
    own: Tensor, other: Tensor, own_mask: Tensor | None, other_mask: Tensor | None, grad: Tensor
) -> Tensor:
    """Gradient of the `own` tokens: ``2 sum_j grad_ij (X_i Y_j^T) Y_j``."""
    words, owner = _flat(other, other_mask)
    step = _gram_rows(own, len(words))
    found = []
    for start in range(0, len(own), step):
        block = moments.masked(own[start : start + step], _rows(own_mask, slice(start, start + step)))
        cosines = (block.flatten(0, 1) @ words.T).view(*block.shape[:2], -1)
        cosines *= 2.0 * grad[start : start + step][:, None, owner]
        found.append((cosines.flatten(0, 1) @ words).view(*block.shape[:2], -1))
    return torch.cat(found).to(own.dtype) if found else torch.zeros_like(own)


def _flat(tokens: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """(W, D) tokens that count, and (W,) the row of each."""
    kept = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device) if mask is None else mask
    return tokens[kept].to(moments.working_dtype(tokens)), torch.nonzero(kept)[:, 0]


def _gram_rows(tokens: Tensor, words: int) -> int:
    numbers = max(1, tokens.shape[1] * words)
    return max(1, _STREAMED // (numbers * moments.working_dtype(tokens).itemsize))


def _rows(mask: Tensor | None, rows: slice | Tensor) -> Tensor | None:
    return None if mask is None else mask[rows]


def _by_extent(tokens: Tensor, mask: Tensor | None) -> Tensor:
    """Rows ordered by the last position that counts: short texts need not be computed at the length of long ones."""
    if mask is None:
        return torch.arange(len(tokens), device=tokens.device)
    positions = torch.arange(1, mask.shape[1] + 1, device=mask.device)
    extent = (mask * positions).amax(dim=1) if mask.shape[1] else mask.sum(dim=1)
    return torch.argsort(extent, stable=True)


def _counts(tokens: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return torch.full((len(tokens),), tokens.shape[1], device=tokens.device)
    return mask.sum(dim=1)


def _check(images: Tensor, texts: Tensor, image_mask: Tensor | None, text_mask: Tensor | None) -> None:
    if images.ndim != 3 or texts.ndim != 3 or images.shape[-1] != texts.shape[-1]:
        raise InputError(
            "local similarity needs tokens (I, N, D) and (T, M, D) of equal D, got "
            f"{tuple(images.shape)} and {tuple(texts.shape)}"
        )
    if images.dtype != texts.dtype or images.device != texts.device:
        raise InputError(
            f"image tokens are {images.dtype} on {images.device}, text tokens {texts.dtype} on {texts.device}: "
            "bring both to one precision and device"
        )
    for side, tokens, mask in (("image", images, image_mask), ("text", texts, text_mask)):
        if mask is not None and (mask.shape != tokens.shape[:2] or mask.dtype != torch.bool):
            raise InputError(
                f"the {side} mask must be bool {tuple(tokens.shape[:2])}, got {mask.dtype} {tuple(mask.shape)}"
            )
