"""From a scene and texts to heat maps: each window is read, prepared and encoded once, whatever the number of texts.

The scene is read in blocks that hold many windows, so that pixels shared by windows are read about once and memory
stays bounded for scenes of any size. Windows are scored as they are encoded; only their scores are kept.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from affine import Affine
from numpy.typing import NDArray

from swath.chips import Chip, Pixels, SceneRef, Window
from swath.errors import EmptyChipError, InputError, ModelError
from swath.localize.heatmap import HeatMap
from swath.localize.windows import average, default_scales, place_windows
from swath.raster import MIN_VALID, describe, read_chip, scene_grid

if TYPE_CHECKING:
    from torch import Tensor

    from swath.archive.encoder import Encoder

By = Literal["windows", "tokens"]
"""What is compared with a text: a window as a whole (as published), or each of its patch tokens."""

BLOCK_BYTES = 128 * 2**20
"""About how much of a scene's pixels is held at once."""

_CHUNK = 8
"""Windows that a thread prepares at a time."""

Progress = Callable[[int, int], None]
"""Called with (windows done, windows in all)."""


@dataclass(frozen=True, slots=True)
class _Block:
    """A part of the scene and the windows within it; `boxes` (N, 4) and `area` count in pixels of the scene."""

    area: Window
    boxes: NDArray[np.int64]


@dataclass
class _Seen:
    """What has been seen so far: boxes with their scores, and where the scene has no data."""

    boxes: list[NDArray[np.int64]] = field(default_factory=list)
    scores: list[NDArray[np.float32]] = field(default_factory=list)
    windows: int = 0
    empty: int = 0
    missing: NDArray[np.bool_] | None = None


def localize(
    scene: SceneRef,
    texts: str | Sequence[str],
    encoder: Encoder,
    *,
    scales: Sequence[int] | None = None,
    by: By = "windows",
    pixel: int | None = None,
    window: Window | None = None,
    batch_size: int = 32,
    workers: int = 2,
    progress: Progress | None = None,
) -> HeatMap:
    """Say where in a scene texts fit: the mean cosine over overlapping windows of several sizes.

    Args:
        scene: any scene of a sensor that the model takes.
        texts: one text or several; the scene is looked at once for all.
        encoder: a `swath.models.DualEncoder`, or anything that fits `swath.archive.Encoder`.
        scales: sides of the windows in pixels of the scene; default 256, 512 and 768, less in a small scene.
        by: ``windows`` compares whole windows, as published, and shifts them by half a side once more; ``tokens``
            compares the patch tokens of windows laid side by side: half the windows or fewer for a finer map, with
            models whose tokens lie in the space of the texts (swath's convnets do; CLIP's, only roughly).
        pixel: side of a map's pixel in pixels of the scene; default a 32nd of the smallest window.
        window: the part of the scene to look at; default all of it.
        batch_size: windows encoded at once.
        workers: threads that prepare windows.
        progress: told how far it is.

    Raises:
        InputError: an empty text or no text, a scale or pixel below 1, a window outside the scene.
        EmptyChipError: nowhere in the scene are valid pixels.
        RasterError: a file of the scene cannot be read.
        SensorError: the model takes no images of the scene's sensor.
        ModelError: `by` is ``tokens`` and the model's tokens are no square grid.
    """
    asked = check_texts(texts)
    grid = scene_grid(scene)
    area = window or Window(0, 0, grid.width, grid.height)
    if area.col + area.width > grid.width or area.row + area.height > grid.height:
        raise InputError(f"{scene.href}: window {area.to_list()} reaches outside its {grid.width} x {grid.height} px")
    sides = tuple(scales) if scales is not None else default_scales(area.height, area.width)
    boxes = place_windows(area.height, area.width, sides, offset=by == "windows")
    sides = tuple(int(side) for side in np.unique(boxes[:, 2] - boxes[:, 0]))
    step = max(1, sides[0] // 32) if pixel is None else pixel
    if step < 1 or batch_size < 1 or workers < 1:
        raise InputError(f"pixel, batch size and workers must be 1 or more, got {pixel}, {batch_size}, {workers}")
    with ThreadPoolExecutor(workers) as pool:
        # While the first pixels are read.
        queries = pool.submit(lambda: encoder.encode_texts(asked).pooled.float().cpu())
        look = _Look(scene, area, step, encoder, queries, by, batch_size)
        for block in _blocks(boxes + np.array([area.row, area.col] * 2), _side(scene, sides[-1])):
            look.at(block, pool)
            if progress is not None:
                progress(look.seen.windows + look.seen.empty, len(boxes))
    seen = look.seen
    if not seen.boxes:
        raise EmptyChipError(f"{scene.href}: no window {area.to_list()} has valid pixels; choose another scene")
    offset = np.array([area.row, area.col] * 2)
    return HeatMap(
        scene=scene,
        texts=asked,
        window=area,
        pixel=step,
        cells=average(np.concatenate(seen.boxes) - offset, np.concatenate(seen.scores), area.height, area.width),
        crs=grid.crs,
        transform=grid.transform * Affine.translation(area.col, area.row) * Affine.scale(step),
        scales=sides,
        windows=seen.windows,
        empty=seen.empty,
        missing=seen.missing,
        model_id=encoder.model_id,
    )


def check_texts(texts: str | Sequence[str]) -> tuple[str, ...]:
    """The texts as a tuple.

    Raises:
        InputError: there is none, or one is no text or empty.
    """
    asked = (texts,) if isinstance(texts, str) else tuple(texts)
    if not asked:
        raise InputError("no text to look for; give one or several")
    for number, text in enumerate(asked):
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"text {number + 1} of {len(asked)} is empty; say what to look for")
    return asked


class _Look:
    """Encodes windows and keeps their scores."""

    def __init__(
        self,
        scene: SceneRef,
        area: Window,
        pixel: int,
        encoder: Encoder,
        queries: Future[Tensor],
        by: By,
        batch_size: int,
    ) -> None:
        self.scene, self.area, self.pixel, self.by = scene, area, pixel, by
        self.encoder, self.queries, self.batch_size = encoder, queries, batch_size
        self.seen = _Seen()

    def at(self, block: _Block, pool: ThreadPoolExecutor) -> None:
        """Read a block, and score its windows."""
        try:
            pixels = read_chip(Chip(self.scene, block.area), min_valid=0.0)
        except EmptyChipError:
            self.seen.empty += len(block.boxes)
            self._mark_missing(block.area, np.zeros((block.area.height, block.area.width), dtype=np.bool_))
            return
        if not pixels.valid.all():
            self._mark_missing(block.area, pixels.valid)
        local = block.boxes - np.array([block.area.row, block.area.col] * 2)
        kept = np.array([_valid_share(pixels, box) >= MIN_VALID for box in local])
        self.seen.empty += int(np.count_nonzero(~kept))
        for batch, boxes in _ahead(pixels, local[kept], self.encoder, pool, self.batch_size):
            self._score(batch, boxes + np.array([block.area.row, block.area.col] * 2))

    def _score(self, batch: Tensor, boxes: NDArray[np.int64]) -> None:
        features = self.encoder.encode_images(batch, self.scene.sensor)
        queries = self.queries.result()
        self.seen.windows += len(boxes)
        if self.by == "windows":
            self.seen.boxes.append(boxes)
            self.seen.scores.append((features.pooled.float().cpu() @ queries.T).numpy())
            return
        count = features.tokens.shape[1]
        side = math.isqrt(count)
        if count == 0 or side * side != count:
            raise ModelError(
                f"model {self.encoder.model_id} gives {count} tokens an image, no square grid; use windows"
            )
        scores = features.tokens.float().cpu() @ queries.T
        self.seen.boxes.append(_token_boxes(boxes, side))
        self.seen.scores.append(scores.reshape(-1, len(queries)).numpy())

    def _mark_missing(self, block: Window, valid: NDArray[np.bool_]) -> None:
        """Note at the resolution of the map where the scene has no data: at the centres of the map's pixels."""
        if self.seen.missing is None:
            shape = (-(-self.area.height // self.pixel), -(-self.area.width // self.pixel))
            self.seen.missing = np.zeros(shape, dtype=np.bool_)
        at = []
        for count, start, first, extent in (
            (self.area.height, self.area.row, block.row, block.height),
            (self.area.width, self.area.col, block.col, block.width),
        ):
            centres = np.arange(-(-count // self.pixel)) * self.pixel + self.pixel // 2
            centres = np.minimum(centres, count - 1) + start - first
            at.append((np.flatnonzero((centres >= 0) & (centres < extent)), centres))
        (rows, at_row), (columns, at_column) = at
        self.seen.missing[np.ix_(rows, columns)] = ~valid[np.ix_(at_row[rows], at_column[columns])]


def _side(scene: SceneRef, largest: int) -> int:
    """Side of the squares in which window corners are gathered, so that a block's pixels fit `BLOCK_BYTES`."""
    size = sum(np.dtype(describe(layer.href).dtype).itemsize for layer in scene.layers) + 1
    return max(largest, int(math.sqrt(BLOCK_BYTES / size)) - largest)


def _blocks(boxes: NDArray[np.int64], side: int) -> Iterator[_Block]:
    """Windows gathered by the square that holds their upper left corner."""
    squares, member = np.unique(boxes[:, :2] // side, axis=0, return_inverse=True)
    member = member.reshape(-1)
    for number in range(len(squares)):
        own = boxes[member == number]
        top, left = own[:, :2].min(axis=0)
        bottom, right = own[:, 2:].max(axis=0)
        yield _Block(Window(int(left), int(top), int(right - left), int(bottom - top)), own)


def _ahead(
    pixels: Pixels, boxes: NDArray[np.int64], encoder: Encoder, pool: ThreadPoolExecutor, batch_size: int
) -> Iterator[tuple[Tensor, NDArray[np.int64]]]:
    """(batch, its boxes); the next batch is prepared while the caller works on one."""
    own = getattr(encoder, "window_preparer", None)
    prepare = _one_by_one(pixels, encoder) if own is None else own(pixels)

    def begin(start: int) -> list[Future[Tensor]]:
        rows = boxes[start : start + batch_size].tolist()
        return [pool.submit(prepare, rows[at : at + _CHUNK]) for at in range(0, len(rows), _CHUNK)]

    starts = range(0, len(boxes), batch_size)
    waiting = deque(begin(start) for start in starts[:2])
    for number, start in enumerate(starts):
        batch = torch.cat([future.result() for future in waiting.popleft()])
        waiting.extend(begin(ahead) for ahead in starts[number + 2 : number + 3])
        yield batch, boxes[start : start + batch_size]


def _one_by_one(pixels: Pixels, encoder: Encoder) -> Callable[[Sequence[Sequence[int]]], Tensor]:
    return lambda boxes: torch.stack([encoder.prepare(_cut(pixels, box)) for box in boxes])


def _cut(pixels: Pixels, box: Sequence[int]) -> Pixels:
    top, left, bottom, right = box
    return Pixels(pixels.data[:, top:bottom, left:right], pixels.valid[top:bottom, left:right], pixels.sensor)


def _valid_share(pixels: Pixels, box: NDArray[np.int64]) -> float:
    top, left, bottom, right = box
    part = pixels.valid[top:bottom, left:right]
    return np.count_nonzero(part) / part.size


def _token_boxes(boxes: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """(N * side * side, 4) the cells of a `side` x `side` grid in each box, row by row."""
    step = (boxes[:, 2:] - boxes[:, :2])[:, None, :] * np.arange(side + 1)[None, :, None] / side
    edges = boxes[:, None, :2] + np.rint(step).astype(np.int64)
    top, bottom = np.repeat(edges[:, :-1, 0], side, axis=1), np.repeat(edges[:, 1:, 0], side, axis=1)
    left, right = np.tile(edges[:, :-1, 1], side), np.tile(edges[:, 1:, 1], side)
    return np.stack([top, left, bottom, right], axis=-1).reshape(-1, 4)
