"""From a chip's pixels to the tensor a vision tower takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from swath.bands import canonical, places
from swath.chips import Pixels
from swath.models.config import SensorInput, TowerConfig
from swath.sensors import to_db

_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def prepare(pixels: Pixels, route: SensorInput, tower: TowerConfig) -> Tensor:
    """Render or standardise, resize and normalise one chip.

    Args:
        pixels: the chip.
        route: how the model takes the chip's sensor.
        tower: the tower it goes to.

    Returns:
        (bands, S, S) float32 on the CPU, S being the tower's image size.

    Raises:
        SensorError: the chip's sensor lacks a band that the tower takes and the route does not fill.
    """
    if route.input == "rgb":
        bands = [Image.fromarray(band) for band in (pixels.to_rgb()[:1] if pixels.sensor.is_grey else pixels.to_rgb())]
        return prepare_picture(bands[0] if len(bands) == 1 else Image.merge("RGB", bands), tower)
    return prepare_bands(torch.from_numpy(standardise(pixels, route, tower)), tower)


class WindowPreparer:
    """Prepares square windows of one larger picture, which is rendered once. Safe to call from many threads.

    In float32 a window equals what `prepare` gives but for the rounding of the last arithmetic step. In half precision
    windows are resized by torch's 8-bit kernel, in a fourth of Pillow's time: of some hundred values one is a grey
    level off, a tenth of what rounding to bfloat16 does to the vectors.

    Args:
        pixels: what the windows are cut from.
        route: how the model takes its sensor.
        tower: the tower it goes to.
        dtype: precision of the result.
    """

    def __init__(self, pixels: Pixels, route: SensorInput, tower: TowerConfig, dtype: torch.dtype) -> None:
        self.pixels, self.route, self.tower, self.dtype = pixels, route, tower, dtype
        self._picture: NDArray[np.uint8] | None = None
        if route.input == "rgb" and not (pixels.sensor.stretches_itself or pixels.sensor.is_grey):
            # A copy, whatever the layout: a chip's own pixels are read-only, which torch's tensors cannot be.
            self._picture = np.array(np.moveaxis(pixels.to_rgb(), 0, -1), order="C")
            # One value for each of a row of colours, so that rows are worked on whole.
            std = torch.tensor(tower.std, dtype=torch.float32)
            self._scale = (1 / (255 * std)).repeat(tower.image_size)
            self._shift = (-torch.tensor(tower.mean, dtype=torch.float32) / std).repeat(tower.image_size)

    def __call__(self, boxes: Sequence[Sequence[int]]) -> Tensor:
        """Prepare windows.

        Args:
            boxes: (N, 4) top, left, bottom, right in pixels of the picture, each a square.

        Returns:
            (N, bands, S, S) on the CPU; pictures lie in memory with channels last.

        Raises:
            SensorError: see `prepare`.
        """
        if self._picture is None:
            return torch.stack([prepare(_cut(self.pixels, box), self.route, self.tower) for box in boxes]).to(
                self.dtype
            )
        size = self.tower.image_size
        out = torch.empty(len(boxes), size, size, 3, dtype=self.dtype)
        for place, (top, left, bottom, right) in zip(out, boxes, strict=True):
            small = self._resized(self._picture[top:bottom, left:right])
            torch.addcmul(self._shift, small.reshape(size, -1), self._scale, out=place.view(size, -1))
        return out.permute(0, 3, 1, 2)

    def _resized(self, window: NDArray[np.uint8]) -> Tensor:
        """(S, S, 3) of a square window (H, H, 3)."""
        size = self.tower.image_size
        if len(window) == size:
            return torch.from_numpy(window)
        if self.dtype not in (torch.bfloat16, torch.float16):
            picture = Image.fromarray(window).resize((size, size), _FILTERS[self.tower.interpolation])
            return torch.from_numpy(np.array(picture))
        planes = torch.from_numpy(window).permute(2, 0, 1)[None]
        small = F.interpolate(planes, (size, size), mode=self.tower.interpolation, antialias=True)
        return small[0].permute(1, 2, 0)


def _cut(pixels: Pixels, box: Sequence[int]) -> Pixels:
    top, left, bottom, right = box
    return Pixels(pixels.data[:, top:bottom, left:right], pixels.valid[top:bottom, left:right], pixels.sensor)


def standardise(pixels: Pixels, route: SensorInput, tower: TowerConfig) -> NDArray[np.float32]:
    """Bring a chip's bands into the order and scale that a tower takes; at the chip's own size.

    Bands are found by name, never by position (see `swath.bands`); those that the sensor lacks take the value that
    the route declares. Linear power goes to decibel. Invalid pixels become 0, the mean, or the route's `nodata`.

    Args:
        pixels: the chip.
        route: how the model takes the chip's sensor; its input is ``bands``.
        tower: the tower it goes to.

    Returns:
        (bands, H, W) float32 in the tower's order.

    Raises:
        SensorError: the sensor lacks a band that the tower takes and the route does not fill.
    """
    if route.statistics == "sensor":
        return _arranged(pixels.sensor.normalize(pixels.data, pixels.valid), pixels, route, tower)
    values = pixels.data.astype(np.float32)
    if pixels.sensor.units == "power":
        values = to_db(values)
    good = np.isfinite(values) & pixels.valid[None]
    values = np.where(good, values, np.float32(np.nan if route.nodata is None else route.nodata))
    values = _arranged(values, pixels, route, tower)
    mean = np.array(tower.mean, dtype=np.float32)[:, None, None]
    std = np.array(tower.std, dtype=np.float32)[:, None, None]
    scaled: NDArray[np.float32] = np.nan_to_num((values - mean) / std, nan=0.0)
    return scaled


def _arranged(
    values: NDArray[np.float32], pixels: Pixels, route: SensorInput, tower: TowerConfig
) -> NDArray[np.float32]:
    if tower.band_names is None:
        return values
    found = places(pixels.sensor, tower.band_names, route.fill)
    if found == tuple(range(len(values))):
        return values
    filled = {canonical(name): value for name, value in route.fill.items()}
    out = np.empty((len(found), *values.shape[1:]), dtype=np.float32)
    for band, (place, name) in enumerate(zip(found, tower.band_names, strict=True)):
        out[band] = filled[canonical(name)] if place is None else values[place]
    return out


def prepare_picture(picture: Image.Image, tower: TowerConfig) -> Tensor:
    """Resize and normalise a picture, to the last bit as OpenCLIP's evaluation transform does.

    Args:
        picture: of mode ``RGB``, or ``L``: resized once for the three equal bands that it stands for.
        tower: the tower it goes to.

    Returns:
        (3, S, S) float32.
    """
    width, height = picture.size
    resized = _resized(width, height, tower)
    if resized != (width, height):
        picture = picture.resize(resized, _FILTERS[tower.interpolation])
    left, top, right, bottom = _centre(*resized, tower.image_size)
    if (left, top, right, bottom) != (0, 0, *resized):
        picture = picture.crop((left, top, right, bottom))
    if picture.mode == "L":
        picture = Image.merge("RGB", [picture] * 3)
    values = (
        torch.from_numpy(np.array(picture, dtype=np.uint8)).permute(2, 0, 1).contiguous().to(torch.float32).div_(255)
    )
    mean = torch.tensor(tower.mean, dtype=torch.float32)[:, None, None]
    std = torch.tensor(tower.std, dtype=torch.float32)[:, None, None]
    return values.sub_(mean).div_(std)


def prepare_bands(values: Tensor, tower: TowerConfig) -> Tensor:
    """Resize standardised bands with an antialiased filter.

    Args:
        values: (bands, H, W) float32.
        tower: the tower they go to.

    Returns:
        (bands, S, S) float32.
    """
    height, width = values.shape[1:]
    columns, rows = _resized(width, height, tower)
    if (columns, rows) != (width, height):
        values = F.interpolate(values[None], (rows, columns), mode=tower.interpolation, antialias=True)[0]
    left, top, right, bottom = _centre(columns, rows, tower.image_size)
    return values[:, top:bottom, left:right].contiguous()


def _resized(width: int, height: int, tower: TowerConfig) -> tuple[int, int]:
    """Width and height after scaling; the long side is cut down to whole pixels, as torchvision does."""
    size = tower.image_size
    if tower.resize == "squash":
        return size, size
    if width <= height:
        return size, int(size * height / width)
    return int(size * width / height), size


def _centre(width: int, height: int, size: int) -> tuple[int, int, int, int]:
    left, top = round((width - size) / 2), round((height - size) / 2)
    return left, top, left + size, top + size
