"""Small pictures of chips, for pages and archive rows."""

from __future__ import annotations

import io

from PIL import Image

from swath.chips import Pixels


def thumbnail(pixels: Pixels, side: int = 128, quality: int = 80) -> bytes:
    """A JPEG picture of a chip as its sensor is shown in RGB; `side` pixels on its longest side at most.

    JPEG and not WebP: as small at this size, and ten times as fast to write, which indexing feels.

    Args:
        pixels: a chip's pixels.
        side: longest side in pixels; smaller chips keep their own size.
        quality: JPEG quality, 0 to 95.
    """
    picture = Image.merge("RGB", [Image.fromarray(band) for band in pixels.to_rgb()])
    picture.thumbnail((side, side), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()
