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

from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from swath.errors import InputError
from swath.features import Features
from swath.similarity import moments

Route = Literal["auto", "moments", "gram", "fast"]
_HELD = 320 << 20  # bytes of packed image moments held at a time
_STREAMED = 64 << 20  # bytes of packed text moments, or of cosines, made at a time
_CENTRE_SAMPLE = 64  # token sets whose mean moment is the centre of the fast route; any centre is right, a mean is good
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


def _squares_by_moments(images: Tensor, texts: Tensor, image_mask: Tensor | None, text_mask: Tensor | None) -> Tensor:
    """(I, T). Packed image moments are held in blocks; text moments stream past, in order of length."""
    dtype, length = moments.working_dtype(images), moments.half_length(images.shape[-1])
    held = images.new_empty(_rows_of(_HELD, length, dtype.itemsize, images), length, dtype=dtype)
    streamed = images.new_empty(_rows_of(_STREAMED, length, dtype.itemsize, texts), length, dtype=dtype)
    order = _by_extent(texts, text_mask)
    found = images.new_empty(len(images), len(texts), dtype=dtype)
    for begin in range(0, len(images), len(held)):
        block = images[begin : begin + len(held)]
        moments.half_moments(block, _rows(image_mask, slice(begin, begin + len(held))), held[: len(block)])
        for start in range(0, len(texts), len(streamed)):
            rows = order[start : start + len(streamed)]
            moments.half_moments(texts[rows], _rows(text_mask, rows), streamed[: len(rows)])
            found[begin : begin + len(block), rows] = held[: len(block)] @ streamed[: len(rows)].T
    return found


def _squares_by_centred_moments(
    images: Tensor, texts: Tensor, image_mask: Tensor | None, text_mask: Tensor | None
) -> Tensor:
    """(I, T) by ``<A, B> = <A - a, B - b> + <A, b> + <a, B> - <a, b>``, the first term in bfloat16."""
    order = _by_extent(texts, text_mask)
    image_centre = _centre(images, image_mask, torch.arange(len(images), device=images.device))
    text_centre = _centre(texts, text_mask, order)
    length, both = len(image_centre), image_centre @ text_centre
    held = images.new_empty(_rows_of(_HELD, length, 2, images), length, dtype=torch.bfloat16)
    streamed = images.new_empty(_rows_of(_STREAMED, length, 2, texts), length, dtype=torch.bfloat16)
    found = images.new_empty(len(images), len(texts), dtype=moments.working_dtype(images))
    for begin in range(0, len(images), len(held)):
        block = slice(begin, begin + len(held))
        own, at_text = _centred(images[block], _rows(image_mask, block), image_centre, text_centre, held)
        for start in range(0, len(texts), len(streamed)):
            rows = order[start : start + len(streamed)]
            other, at_image = _centred(texts[rows], _rows(text_mask, rows), text_centre, image_centre, streamed)
            product = (own @ other.T).to(found.dtype)
            found[block, rows] = product.add_(at_text[:, None]).add_(at_image - both)
    for side, empty in ((0, _counts(images, image_mask) == 0), (1, _counts(texts, text_mask) == 0)):
        found.index_fill_(side, torch.nonzero(empty)[:, 0], 0.0)
    return found


def _centre(tokens: Tensor, mask: Tensor | None, order: Tensor) -> Tensor:
    """(L,) mean moment of token sets spread evenly over `order`."""
    sample = order[:: max(1, len(order) // _CENTRE_SAMPLE)]
    length = moments.half_length(tokens.shape[-1])
    halves = tokens.new_empty(len(sample), length, dtype=moments.working_dtype(tokens))
    moments.half_moments(tokens[sample], _rows(mask, sample), halves)
    return halves.mean(dim=0) if len(halves) else halves.new_zeros(length)


def _centred(tokens: Tensor, mask: Tensor | None, centre: Tensor, other: Tensor, out: Tensor) -> tuple[Tensor, Tensor]:
    """(B, L) moments less `centre`, in the first rows of `out`, and (B,) products of the moments with `other`."""
    step = moments.chunk_rows(len(centre), tokens)
    linear = centre.new_empty(len(tokens))
    buffer = centre.new_empty(min(step, len(tokens)), len(centre))
    for start in range(0, len(tokens), step):
        rows = slice(start, start + step)
        halves = buffer[: len(tokens[rows])]
        moments.half_moments(tokens[rows], _rows(mask, rows), halves)
        linear[rows] = halves @ other
        out[: len(tokens)][rows] = halves.sub_(centre)
    return out[: len(tokens)], linear


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


_SQUARES = {"moments": _squares_by_moments, "gram": _squares_by_gram, "fast": _squares_by_centred_moments}


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


def _rows_of(budget: int, length: int, itemsize: int, tokens: Tensor) -> int:
    """Rows of a buffer: no more than the budget or the tokens need, at least one."""
    return max(1, min(len(tokens), budget // (length * itemsize)))


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
