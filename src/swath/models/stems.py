"""First layers for other bands: filters of a trained tower carried over to a tower that takes other bands.

A band that the trained tower knows, by name, keeps its own filters (a picture's red is Sentinel-2's B04). A band that
it does not know takes the mean of all its filters. Then everything is scaled by old over new number of bands, so that
a scene whose bands are alike gives activations of the same size as before, which the layers behind were trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from swath.bands import RGB_BANDS, S1_BANDS, S2_L1C_BANDS, S2_L2A_BANDS, canonical
from swath.errors import CheckpointError, InputError

STEM_KEYS = ("conv1.weight", "stem.0.weight", "patch_embed.proj.weight", "stem.conv1.weight", "conv_stem.weight")
"""First layers of ``vit`` and ResNets, ``convnet``, timm's vision transformers, and further timm families."""

_BY_COUNT = {len(names): names for names in (S1_BANDS, RGB_BANDS, S2_L2A_BANDS, S2_L1C_BANDS)}
_PREFIXES = ("", "backbone.")


def adapt_stem(weight: Tensor, from_bands: Sequence[str], to_bands: Sequence[str], *, rescale: bool = True) -> Tensor:
    """Filters of a first layer for other bands.

    Args:
        weight: (out, len(from_bands), kh, kw), the trained filters.
        from_bands: names of the bands that they are for, in their order.
        to_bands: names of the bands wanted, in their order.
        rescale: whether to scale by ``len(from_bands) / len(to_bands)``. Without it, bands left out are as good as
            filled with zeros, to the last bit.

    Returns:
        (out, len(to_bands), kh, kw), of the same type and on the same device; the same tensor where the bands are the
        same in the same order.

    Raises:
        InputError: no bands, a band named twice, or `weight` has another number of bands.
    """
    if weight.ndim != 4 or weight.shape[1] != len(from_bands):
        raise InputError(f"filters of shape {tuple(weight.shape)} are not for {len(from_bands)} bands")
    source, target = [canonical(name) for name in from_bands], [canonical(name) for name in to_bands]
    for names, keys in ((from_bands, source), (to_bands, target)):
        if not keys or len(set(keys)) < len(keys):
            raise InputError(f"bands must be named, each once, not: {', '.join(names) or 'none'}")
    if source == target:
        return weight
    mean = weight.mean(dim=1)
    chosen = [weight[:, source.index(key)] if key in source else mean for key in target]
    adapted = torch.stack(chosen, dim=1)
    return adapted * (len(source) / len(target)) if rescale else adapted


def adapt_state(
    state: Mapping[str, Tensor], from_bands: Sequence[str], to_bands: Sequence[str], *, rescale: bool = True
) -> dict[str, Tensor]:
    """The state dict of a vision tower for other bands: its first layer adapted, the rest as it is.

    Args:
        state: keys of a tower, its own (``conv1.weight``) or a timm backbone's (``backbone.conv1.weight``).
        from_bands: names of the bands that it takes, in their order.
        to_bands: names of the bands wanted, in their order.
        rescale: as in `adapt_stem`.

    Raises:
        CheckpointError: the first layer cannot be found.
        InputError: as in `adapt_stem`.
    """
    key = stem_key(state)
    return {**state, key: adapt_stem(state[key], from_bands, to_bands, rescale=rescale)}


def stem_key(state: Mapping[str, Tensor]) -> str:
    """The key of a tower's first layer.

    Raises:
        CheckpointError: none of the known ones is there.
    """
    for key in (prefix + name for prefix in _PREFIXES for name in STEM_KEYS):
        if key in state and state[key].ndim == 4:
            return key
    raise CheckpointError(f"no first layer among {len(state)} weights; looked for {', '.join(STEM_KEYS)}")


def usual_bands(count: int) -> tuple[str, ...] | None:
    """The bands that a tower of this many takes where nobody says: VV and VH; red, green, blue; Sentinel-2's 12 or 13.

    That is how SSL4EO-S12, torchgeo and CLOSP publish theirs; None for any other number.
    """
    return _BY_COUNT.get(count)
