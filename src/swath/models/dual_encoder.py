"""`DualEncoder`: a text tower, a vision tower a sensor (or group of sensors), maybe places: into one space."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, cast

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional as F

from swath.chips import Pixels
from swath.errors import InputError
from swath.features import Features
from swath.lonlat import as_lonlat
from swath.models import checkpoint, preprocess, ragged, windows
from swath.models.config import ModelConfig, split_key
from swath.models.decoder import build_decoder
from swath.models.keys import from_file_keys, to_file_keys
from swath.models.precision import DType
from swath.models.routing import ANY_BANDS
from swath.models.sentences import with_sentences
from swath.models.towers import (
    PlaceTower,
    TextTower,
    Truncation,
    VisionTower,
    build_location_tower,
    build_text_tower,
    build_vision_tower,
)
from swath.models.wavelength import band_codes
from swath.sensors import sensor as sensor_called

INITIAL_LOGIT_SCALE = math.log(1 / 0.07)
"""CLIP's start value of the logarithm of the inverse temperature."""


class DualEncoder(nn.Module):
    """Images of several sensors, texts and, with a location tower, places into one vector space.

    In a state dict the text tower of type ``clip`` has no prefix and the vision tower named ``rgb`` has ``visual.``,
    so OpenCLIP state dicts load as they are; other vision towers have ``towers.<name>.``, the location tower
    ``location.``. A decoder that writes captions has ``text_decoder.``, as in OpenCLIP's CoCa; it is used through
    `swath.models.captioner.Captioner`.

    Args:
        config: what to build.
        text: a ready text tower in place of the one that `config` describes.
        towers: ready vision towers, likewise.
        location: a ready location tower, likewise.
        directory: the checkpoint being loaded, for towers that keep files of their own; None for a fresh model.

    Raises:
        ModelError: a tower type is unknown.
        CheckpointError: an option of a tower is wrong.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        text: TextTower | None = None,
        towers: Mapping[str, VisionTower] | None = None,
        location: PlaceTower | None = None,
        directory: Path | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.text = cast(nn.Module, text or build_text_tower(config.text, config.embed_dim, directory))
        ready = dict(towers or {})
        self.towers = nn.ModuleDict(
            {
                name: cast(nn.Module, ready.get(name) or build_vision_tower(entry, config.embed_dim, directory))
                for name, entry in config.towers.items()
            }
        )
        self.location: nn.Module | None = None
        if config.location is not None:
            self.location = cast(nn.Module, location or build_location_tower(config.location, config.embed_dim))
        self.text_decoder = build_decoder(config, self.text)
        self.logit_scale = nn.Parameter(torch.tensor(INITIAL_LOGIT_SCALE))
        self._digest: str | None = None
        self.register_state_dict_post_hook(to_file_keys)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(from_file_keys)  # type: ignore[no-untyped-call]

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        *,
        revision: str | None = None,
        dtype: DType | torch.dtype = "auto",
        device: str | torch.device = "auto",
    ) -> DualEncoder:
        """Load a model, ready to encode.

        Args:
            name: a packaged model (``swath-mini``), a directory written by `save_pretrained` or ``swath convert``, a
                zoo name (``swath models``), a hub id (``org/name``), or ``open_clip:ARCH[/pretrained]``.
            revision: branch, tag or commit on the hub.
            dtype: precision of the weights while encoding; ``auto`` takes bfloat16 only where that is faster.
            device: ``auto`` takes a GPU where there is one.

        Raises:
            ModelError: there is no such model, or it cannot be fetched.
            CheckpointError: configuration and weights do not fit together.
            MissingExtraError: the model needs a package that is not installed.
        """
        return checkpoint.load(str(name), revision=revision, dtype=dtype, device=device)

    def save_pretrained(self, directory: str | Path, *, dtype: DType | torch.dtype | None = None) -> Path:
        """Write configuration, weights (safetensors) and model card.

        Args:
            directory: made where it does not exist; files of an earlier save are replaced.
            dtype: precision of the stored weights; None keeps that of the model.

        Returns:
            the directory.
        """
        return checkpoint.save(self, Path(directory), dtype)

    @property
    def model_id(self) -> str:
        """Name, ``@`` and 12 hexadecimal digits over configuration and weights: equal ids give equal vectors."""
        if self.training:
            return f"{self.config.name}@{checkpoint.digest(self)}"
        if self._digest is None:
            self._digest = checkpoint.digest(self)
        return f"{self.config.name}@{self._digest}"

    def remember_digest(self, digest: str) -> None:
        """Take a digest that was found while reading the weights, in place of finding it again."""
        self._digest = digest

    def forget_digest(self) -> None:
        """Find the digest anew when it is next asked for: configuration or weights have changed."""
        self._digest = None

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.config.embed_dim

    @property
    def fusion(self) -> Mapping[str, float | bool] | None:
        """Calibrated weights of global and local similarity (see `swath.similarity.Fusion`); None without any."""
        return self.config.fusion

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.logit_scale.device

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the weights."""
        return self.logit_scale.dtype

    def train(self, mode: bool = True) -> Self:
        """Switch between training and encoding; training may change the weights, so the model id is found anew."""
        if mode:
            self._digest = None
        return super().train(mode)

    def prepare(self, pixels: Pixels) -> Tensor:
        """Turn a chip's pixels into the tensor that the tower of their sensor takes. Safe to call from many threads.

        Returns:
            (bands, S, S) float32 on the CPU.

        Raises:
            SensorError: the model takes no images of this sensor.
        """
        route = self.config.route(pixels.sensor)
        return preprocess.prepare(pixels, route, self.config.towers[route.tower])

    def window_preparer(self, pixels: Pixels) -> Callable[[Sequence[Sequence[int]]], Tensor]:
        """What prepares square windows of one larger picture, faster than `prepare` of each.

        Returns:
            from boxes (N, 4) top, left, bottom, right in pixels of the picture to (N, bands, S, S) on the CPU in the
            model's precision, for `encode_images`; see `swath.models.preprocess.WindowPreparer`.

        Raises:
            SensorError: the model takes no images of this sensor.
        """
        route = self.config.route(pixels.sensor)
        return preprocess.WindowPreparer(pixels, route, self.config.towers[route.tower], self.dtype)

    @torch.inference_mode()
    def encode_images(self, batch: Tensor, sensor: str, *, tokens: bool = True) -> Features:
        """Encode prepared images of one sensor.

        Args:
            batch: (B, bands, S, S), each from `prepare`.
            sensor: name of their sensor.
            tokens: whether to give the patch tokens too; without them `Features.tokens` is (B, 0, D).

        Returns:
            float32 features on the model's device.

        Raises:
            SensorError: the model takes no images of this sensor.
            InputError: the batch has another shape.
        """
        pooled, patches = self.raw_images(batch.to(self.device, self.dtype), self.config.batch_key(sensor))
        return _features(pooled, patches if tokens else patches[:, :0])

    def encode_pixels(self, chips: Sequence[Pixels], *, batch_size: int = 32, tokens: bool = True) -> Features:
        """Prepare and encode chips of any mixture of sensors, in the order given.

        Raises:
            InputError: no chips.
            SensorError: the model takes no images of a chip's sensor.
        """
        if not chips:
            raise InputError("no chips to encode")
        groups: dict[str, list[int]] = {}
        for index, chip in enumerate(chips):
            groups.setdefault(self.config.batch_key(chip.sensor), []).append(index)
        order, parts = [], []
        for members in groups.values():
            for start in range(0, len(members), batch_size):
                rows = members[start : start + batch_size]
                batch = torch.stack([self.prepare(chips[row]) for row in rows])
                parts.append(self.encode_images(batch, chips[rows[0]].sensor.name, tokens=tokens))
                order += rows
        inverse = torch.empty(len(order), dtype=torch.long)
        inverse[torch.tensor(order)] = torch.arange(len(order))
        return Features.cat(parts).select(inverse)

    @torch.inference_mode()
    def encode_texts(
        self,
        texts: Sequence[str],
        *,
        truncation: Truncation = "warn",
        pad_to_context: bool = False,
        tokens: bool = True,
    ) -> Features:
        """Encode texts, each at its own length; equal texts are encoded once.

        A model whose configuration says so reads longer texts sentence by sentence too (see `swath.models.sentences`).

        Args:
            texts: any number of texts, any lengths.
            truncation: what to do with a text over the context length: ``error``, ``warn`` (cut it and say how many),
                ``count`` (cut it and log how many) or ``window`` (read all of it, window by window, and pool).
            pad_to_context: give every position up to the context length, padding included and marked as real, as
                EBAKER's published local similarity counts them. Slower: every text costs the full context.
            tokens: whether to give the word tokens too; without them `Features.tokens` is (B, 0, D).

        Returns:
            float32 features on the model's device, in the order given; N is the length of the longest text.

        Raises:
            InputError: a text is not a string, is too long, or there is none; or `pad_to_context` together with
                windows, which have no one context.
        """
        if truncation == "window" and pad_to_context:
            raise InputError("positions of one context cannot be counted where a text is read in windows")
        tower = cast(TextTower, self.text)
        found = tower.tokenize(texts, truncation)
        if not found.ids:
            raise InputError("no texts to encode")
        features = ragged.encode(tower, found.ids, self.device, pad_to_context=pad_to_context, tokens=tokens)
        if found.owners is not None:
            features = windows.join(features, found.owners)
        share = self.config.text.sentences
        return with_sentences(features, texts, share, self._pooled_texts) if share else features

    def _pooled_texts(self, texts: list[str]) -> Tensor:
        """(B, D) of texts as wholes."""
        tower = cast(TextTower, self.text)
        ids = tower.tokenize(texts, "count").ids
        return ragged.encode(tower, ids, self.device, pad_to_context=False, tokens=False).pooled

    @torch.inference_mode()
    def encode_locations(self, lonlat: ArrayLike, *, batch_size: int = 1024) -> Tensor:
        """Encode places.

        Args:
            lonlat: (N, 2) longitude and latitude in degrees, in this order.
            batch_size: places at a time; spherical harmonics of 40 degrees take 13 KB each.

        Returns:
            (N, D) float32, L2-normalised, on the model's device.

        Raises:
            InputError: the model has no location tower, there are no places, or one is impossible (see
                `swath.lonlat.as_lonlat`).
        """
        places = torch.from_numpy(as_lonlat(lonlat, "lonlat"))
        if not len(places):
            raise InputError("no places to encode")
        batches = (places[start : start + batch_size] for start in range(0, len(places), batch_size))
        return torch.cat([self.forward_locations(batch.to(self.device)) for batch in batches])

    @torch.inference_mode()
    def raw_texts(self, texts: Sequence[str], truncation: Truncation = "warn") -> Tensor:
        """Pooled vectors of texts as the tower gives them, not normalised: (B, D) float32.

        For what averages them so, as the classifier of RS5M does; in one batch, so for some hundred texts at most.
        """
        ids, mask = self.tokenize(texts, truncation)
        pooled, _ = self.text(ids.to(self.device), mask.to(self.device))
        return cast(Tensor, pooled.float())

    def tokenize(self, texts: Sequence[str], truncation: Truncation = "warn") -> tuple[Tensor, Tensor]:
        """Token ids of a batch for `forward_texts`, padded to its longest text.

        Returns:
            ids (B, N) int64 and mask (B, N) bool, on the CPU.

        Raises:
            InputError: a text cannot be used, or is to be read in windows, which a batch has no room for.
        """
        if truncation == "window":
            raise InputError("a batch holds one row a text: windows are for encode_texts")
        tower = cast(TextTower, self.text)
        return ragged.pad(tower.tokenize(texts, truncation).ids, tower)

    def forward_images(self, batch: Tensor, key: str = "rgb") -> Features:
        """Encode images with gradient; takes and gives what `encode_images` does.

        Args:
            batch: (B, bands, S, S).
            key: what they have in common: `ModelConfig.batch_key` of their sensors, which is the name of their tower
                unless that takes any bands.
        """
        return _features(*self.raw_images(batch, key))

    def forward_texts(self, ids: Tensor, mask: Tensor) -> Features:
        """Encode token ids (B, N) with mask (B, N), both from `tokenize`, with gradient."""
        pooled, words = self.text(ids, mask)
        return _features(pooled, words, mask)

    def forward_locations(self, lonlat: Tensor) -> Tensor:
        """Encode places (N, 2) that `swath.lonlat.as_lonlat` has checked, with gradient: (N, D), L2-normalised."""
        if self.location is None:
            raise InputError(f"model {self.config.name!r} has no location tower and encodes no places")
        return F.normalize(self.location(lonlat).float(), dim=-1)

    def forward(
        self, images: Mapping[str, Tensor], ids: Tensor, mask: Tensor, places: Tensor | None = None
    ) -> tuple[dict[str, Features], Features, Tensor | None, Tensor]:
        """One training step's forward pass, in one call so that wrappers for parallel training see all of it.

        Args:
            images: batches by `ModelConfig.batch_key`.
            ids: (B, N) token ids.
            mask: (B, N) of `ids`.
            places: (P, 2) longitude and latitude in degrees, checked by `swath.lonlat.as_lonlat`; None where there are
                none.

        Returns:
            image features by the same key, text features, vectors of the places (P, D) or None, and the logit scale
            (the exponential of the parameter).
        """
        found = {name: self.forward_images(batch, name) for name, batch in images.items()}
        located = None if places is None else self.forward_locations(places)
        return found, self.forward_texts(ids, mask), located, self.logit_scale.exp()

    def raw_images(self, batch: Tensor, key: str) -> tuple[Tensor, Tensor]:
        """Pooled vectors (B, D) and tokens (B, N, D) as the tower gives them, not normalised; as `forward_images`."""
        tower, inputs = self.tower_inputs(batch, key)
        return cast(tuple[Tensor, Tensor], tower(*inputs))

    def tower_inputs(self, batch: Tensor, key: str) -> tuple[nn.Module, tuple[Tensor, ...]]:
        """The tower that a batch goes to, and what it takes: the images, and the codes of any bands that it takes.

        Args:
            batch: (B, bands, S, S).
            key: see `forward_images`.

        Raises:
            InputError: there is no such tower, or the batch has another shape.
        """
        tower, seen = split_key(key)
        entry = self.config.towers.get(tower)
        if entry is None:
            raise InputError(f"model {self.config.name!r} has no tower {tower!r}; it has {', '.join(self.towers)}")
        if (entry.bands == ANY_BANDS) != (seen is not None):
            raise InputError(f"images for tower {tower!r} come under ModelConfig.batch_key of a sensor, not {key!r}")
        bands = () if seen is None else sensor_called(seen).bands
        wanted = (len(bands) or entry.band_count, entry.image_size, entry.image_size)
        if batch.ndim != 4 or tuple(batch.shape[1:]) != wanted:
            raise InputError(f"tower {key!r} takes (B, {', '.join(map(str, wanted))}), not {tuple(batch.shape)}")
        return self.towers[tower], (batch, band_codes(bands).to(batch.device)) if bands else (batch,)


def _features(pooled: Tensor, tokens: Tensor, mask: Tensor | None = None) -> Features:
    tokens = F.normalize(tokens.float(), dim=-1)
    if mask is None:
        mask = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
    else:
        tokens = tokens * mask[..., None]
    return Features(F.normalize(pooled.float(), dim=-1), tokens, mask)
