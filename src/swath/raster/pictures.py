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
    bands = pixels.to_rgb()[:1] if pixels.sensor.is_grey else pixels.to_rgb()
    grey_or_colour = [Image.fromarray(band) for band in bands]
    picture = grey_or_colour[0] if len(grey_or_colour) == 1 else Image.merge("RGB", grey_or_colour)
    # Whole multiples are averaged before the rest is resampled: five times as fast, and no worse a picture.
    picture.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=1.0)
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=quality)
    return out.getvalue()
