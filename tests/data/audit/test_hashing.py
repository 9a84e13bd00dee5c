from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dct

from generate.captions import picture
from swath.data.audit.hashing import dihedral_hashes, grey_thumbnail, hamming, perceptual_hash
from swath.errors import InputError


def reference(image: Image.Image) -> int:
    """The DCT hash as the imagehash package computes it."""
    pixels = np.asarray(image.convert("L").resize((32, 32), Image.Resampling.LANCZOS))
    low = dct(dct(pixels, axis=0), axis=1)[:8, :8]
    bits = (low > np.median(low)).flatten()
    return int("".join("1" if bit else "0" for bit in bits), 2)


def planes(pixels):
    return np.moveaxis(pixels, -1, 0)


def test_equals_the_reference_bit_for_bit():
    pictures = [picture(seed, 80) for seed in range(20)]
    grey = np.stack([grey_thumbnail(planes(pixels)) for pixels in pictures])
    assert [int(code) for code in perceptual_hash(grey)] == [reference(Image.fromarray(pixels)) for pixels in pictures]


def test_compression_and_size_hardly_matter_but_content_does():
    pixels = picture(5, 224)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=40)
    copies = [pixels, np.asarray(Image.open(buffer)), np.asarray(Image.fromarray(pixels).resize((96, 96)))]
    others = [picture(seed, 224) for seed in range(6, 30)]
    codes = perceptual_hash(np.stack([grey_thumbnail(planes(one)) for one in copies + others]))
    distances = hamming(codes, codes[0])
    assert distances[1:3].max() <= 2
    assert distances[3:].min() >= 10


def test_positions_are_those_of_the_turned_picture():
    grey = grey_thumbnail(planes(picture(7, 96)))
    table = dihedral_hashes(grey[None])[0]
    assert table[0] == perceptual_hash(grey[None])[0]
    turned = [np.rot90(grey, quarter) for quarter in range(4)]
    turned += [np.fliplr(one) for one in turned]
    for one in turned:
        code = perceptual_hash(np.ascontiguousarray(one)[None])[0]
        assert hamming(table, code).min() <= 1
    assert len(set(table.tolist())) == 8


def test_other_shapes_are_refused():
    with pytest.raises(InputError, match=r"must be \(N, 32, 32\)"):
        perceptual_hash(np.zeros((32, 32), dtype=np.uint8))
