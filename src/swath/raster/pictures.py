"""Small pictures of chips, for pages and archive rows."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from swath.chips import Pixels


def thumbnail(pixels: Pixels, side: int = 128, quality: int = 80) -> bytes:
    """A WebP picture of a chip as its sensor is shown in RGB; `side` pixels on its longest side at most.

    Args:
        pixels: a chip's pixels.
        side: longest side in pixels; smaller chips keep their own size.
        quality: WebP quality, 0 to 100.
    """
    picture = Image.fromarray(np.ascontiguousarray(np.moveaxis(pixels.to_rgb(), 0, -1)))
    picture.thumbnail((side, side), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=quality, method=2)
    return out.getvalue()
