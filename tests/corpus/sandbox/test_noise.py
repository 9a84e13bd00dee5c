from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from swath.corpus.sandbox.noise import block_mean, fractal, hashed, replicate, resize, smooth, stream


def test_streams_are_named_not_counted():
    first = stream(1, "a", "terrain").random(4)
    stream(1, "b").random(100)
    assert np.array_equal(first, stream(1, "a", "terrain").random(4))
    assert not np.array_equal(first, stream(2, "a", "terrain").random(4))
    assert not np.array_equal(first, stream(1, "a", "cover").random(4))


def test_fractal_has_the_spectrum_asked_for():
    beta = 3.0
    field = fractal(stream(0, "spectrum"), 256, beta=beta, longest=1e9)
    power = np.abs(np.fft.fft2(field * np.outer(np.hanning(256), np.hanning(256)))) ** 2
    rows, cols = np.meshgrid(np.fft.fftfreq(256), np.fft.fftfreq(256), indexing="ij")
    radius = np.hypot(rows, cols)
    bands = np.geomspace(0.03, 0.3, 9)
    mean = [power[(radius >= low) & (radius < high)].mean() for low, high in pairwise(bands)]
    slope = np.polyfit(np.log(np.sqrt(bands[1:] * bands[:-1])), np.log(mean), 1)[0]
    assert abs(slope + beta) < 0.35
    assert abs(field.mean()) < 1e-3
    assert abs(field.std() - 1) < 1e-3


@given(hnp.arrays(np.float32, (6, 6), elements=st.floats(-100, 100, width=32)), st.integers(1, 4))
def test_block_mean_undoes_replicate(field, factor):
    assert np.allclose(block_mean(replicate(field, factor), factor), field, atol=1e-3)


@given(st.integers(3, 40), st.integers(3, 40))
def test_resize_keeps_a_plane(old, new):
    """A linear ramp keeps its values at the ground positions of the new pixels, away from the clamped border."""
    ramp = np.tile((np.arange(old, dtype=np.float32) + 0.5) / old, (old, 1))
    out = resize(ramp, new)
    place = (np.arange(new) + 0.5) / new
    inner = (place >= 0.5 / old) & (place <= 1 - 0.5 / old)
    assert out.shape == (new, new)
    assert np.allclose(out[0, inner], place[inner], atol=1e-5)


def test_smooth_keeps_the_mean_of_the_interior_and_reduces_variance():
    noise = stream(0, "smooth").standard_normal((64, 64)).astype(np.float32)
    out = smooth(noise, 2)
    assert abs(out.mean() - noise.mean()) < 0.01
    assert out.std() < 0.3
    assert np.allclose(smooth(np.full((9, 9), 4.0), 20), 4.0)


def test_hashed_is_fixed_and_uniform():
    ids = np.arange(20_000)
    values = hashed(ids, 7)
    assert np.array_equal(values[100:200], hashed(ids[100:200], 7))
    assert not np.array_equal(values, hashed(ids, 8))
    assert values.min() >= 0
    assert values.max() < 1
    counts = np.histogram(values, 10, (0, 1))[0]
    assert abs(counts - 2000).max() < 200
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.03
