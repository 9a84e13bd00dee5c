"""Weights of one image tower, as SSL4EO-S12, torchgeo and CLOSP publish them, brought to timm's keys.

- torchgeo and CLOSP-Visual: timm's keys, without a classifier.
- SSL4EO-S12's own files: ``state_dict`` with ``module.encoder_q.`` (MoCo v2, ResNets) or ``module.base_encoder.``
  (MoCo v3, vision transformers), ``teacher`` with ``module.backbone.`` or ``backbone.`` (DINO), ``model`` (MAE, with
  its decoder beside the encoder).

Files say nothing of their bands. Where nobody else does, their number tells (`swath.models.stems.usual_bands`).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from swath.bands import canonical
from swath.errors import CheckpointError
from swath.models import zoo
from swath.models.checkpoint import compare
from swath.models.convert import read_foreign
from swath.models.stems import adapt_state, stem_key, usual_bands

_WRAPPERS = ("state_dict", "teacher", "model")
_PREFIXES = ("module.encoder_q.", "module.base_encoder.", "module.backbone.", "backbone.", "module.")
# What pre-training had beside the encoder: classifiers and projection heads, MAE's decoder.
_BESIDE = re.compile(r"(fc|head|head_dist|decoder_\w+|mask_token)(\.|$)")
_HUB_FILE = re.compile(r"([A-Za-z0-9][\w.-]*/[\w.-]+)/([\w./-]+\.(?:ckpt|pth|pt|bin|safetensors))")


def find_weights(name: str, revision: str | None = None) -> tuple[Path, zoo.ZooEntry | None]:
    """The file that a user means by a name: a file, a zoo name, or ``org/name/file`` on the hub.

    Returns:
        the file, and the zoo's entry where it has one.

    Raises:
        CheckpointError: there is no such file, or the zoo's entry is a whole model.
        ModelError: the hub cannot be reached and the file is not in its cache.
    """
    from swath.models.hub import fetch_file

    path = Path(name).expanduser()
    if path.is_file():
        return path, zoo.find_file(path.name)
    entry = zoo.find(name)
    if entry is not None:
        if entry.layout != "backbone" or entry.repo is None or entry.file is None:
            raise CheckpointError(f"{entry.name} is a whole model, not the weights of one image tower")
        return fetch_file(entry.repo, entry.file, revision), entry
    match = _HUB_FILE.fullmatch(name)
    if match is None:
        raise CheckpointError(
            f"there are no weights {name!r}: not a file, not in the zoo (swath models), not ORG/NAME/FILE on the hub"
        )
    return fetch_file(match[1], match[2], revision), zoo.find_file(Path(match[2]).name)


def read_backbone(path: Path) -> dict[str, Tensor]:
    """The encoder in a published file, under timm's keys.

    Raises:
        CheckpointError: no such file, unsafe, damaged, or without an encoder of one of the known layouts.
    """
    # MAE's and DINO's own files keep the arguments of their run: a bag of plain values.
    with torch.serialization.safe_globals([argparse.Namespace]):
        data = read_foreign(path)
    for key in _WRAPPERS:
        if isinstance(data, dict) and isinstance(data.get(key), dict):
            data = data[key]
            break
    state = (
        {str(key): value for key, value in data.items() if isinstance(value, Tensor)} if isinstance(data, dict) else {}
    )
    for prefix in _PREFIXES:
        own = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        if own:
            state = own
            break
    state = {key: value for key, value in state.items() if not _BESIDE.match(key)}
    try:
        stem_key(state)
    except CheckpointError as error:
        raise CheckpointError(f"{path} holds no image tower under timm's keys: {error}") from error
    return state


def fill_backbone(backbone: nn.Module, path: Path, bands: Sequence[str], weight_bands: Sequence[str] | None) -> None:
    """Load published weights into a timm backbone, its first layer by the bands' names.

    A band that the weights know and the backbone does not is left out, as good as zero; one that only the backbone
    knows takes the mean of all filters (see `swath.models.stems`).

    Args:
        backbone: as timm makes it; a classifier that it has keeps its values.
        path: the file.
        bands: names of the backbone's bands, in their order.
        weight_bands: names of the bands that the file was trained on; None takes the usual ones of their number.

    Raises:
        CheckpointError: keys or shapes do not fit, or the file's bands are not known.
    """
    state = read_backbone(path)
    count = state[stem_key(state)].shape[1]
    known = tuple(weight_bands or ()) or usual_bands(count)
    if known is None or len(known) != count:
        raise CheckpointError(
            f"{path} takes {count} bands, but {'nobody says which' if known is None else f'{len(known)} are named'}; "
            "name them in the order of its training (weight_bands)"
        )
    # Filters are only rescaled where some band must share the mean: otherwise each is exactly what it was.
    shared = {canonical(name) for name in bands} - {canonical(name) for name in known}
    state = adapt_state(state, known, bands, rescale=bool(shared))
    own = backbone.state_dict()
    wanted = {key: tuple(value.shape) for key, value in own.items() if not _BESIDE.match(key)}
    misfits = compare(wanted, state)
    if misfits:
        raise CheckpointError(f"{path} does not fit {type(backbone).__name__}: {'; '.join(misfits)}")
    backbone.load_state_dict(own | {key: value.to(own[key].dtype) for key, value in state.items()})
