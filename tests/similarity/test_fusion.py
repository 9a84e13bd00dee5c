from __future__ import annotations

import json

import pytest
import torch

from swath.errors import InputError
from swath.similarity import PUBLISHED, Fusion


def test_published_weights_verbatim():
    pooled, local = torch.rand(3, 4), 61 * torch.rand(3, 4)
    torch.testing.assert_close(PUBLISHED(pooled, local), 0.6 * pooled + 0.4 * local)


def test_calibration_scales_both_parts_and_finds_the_useful_one():
    torch.manual_seed(0)
    target = torch.randn(40, 40, dtype=torch.float64)
    noise = torch.randn(40, 40, dtype=torch.float64)

    def agreement(fused):
        return float(torch.corrcoef(torch.stack([fused.flatten(), target.flatten()]))[0, 1])

    useful_local = Fusion.calibrate(noise, 30 + 7 * target, agreement)
    assert (useful_local.alpha, useful_local.beta) == (0.0, 1.0)
    useful_global = Fusion.calibrate(0.1 * target, 30 + 7 * noise, agreement)
    assert (useful_global.alpha, useful_global.beta) == (1.0, 0.0)
    half = Fusion.calibrate(0.01 * (target + noise), 30 + 7 * (target - noise), agreement)
    assert half.beta == pytest.approx(0.5)
    fused = half(0.01 * (target + noise), 30 + 7 * (target - noise))
    assert float(fused.mean()) == pytest.approx(0, abs=1e-9)


def test_of_equally_good_weights_the_smallest_local_one_is_taken():
    fusion = Fusion.calibrate(torch.rand(3, 3), torch.rand(3, 3), lambda fused: 1.0)
    assert fusion.beta == 0.0


def test_survives_json():
    fusion = Fusion.calibrate(
        torch.rand(3, 3), torch.rand(3, 3), lambda fused: float(fused[0, 0]), normalise=True, ends=False
    )
    assert not fusion.ends
    assert Fusion.from_dict(json.loads(json.dumps(fusion.to_dict()))) == fusion


@pytest.mark.parametrize(
    "call",
    [
        lambda: PUBLISHED(torch.zeros(2, 3), torch.zeros(3, 2)),
        lambda: Fusion(local_std=0.0),
        lambda: Fusion(alpha=float("nan")),
        lambda: Fusion.from_dict({"beta": "0.4"}),
        lambda: Fusion.calibrate(torch.ones(2, 2), torch.rand(2, 2), lambda fused: 0.0),
        lambda: Fusion.calibrate(torch.rand(2, 2), torch.rand(2, 2), lambda fused: 0.0, weights=[2.0]),
        lambda: Fusion.calibrate(torch.rand(2, 2), torch.rand(2, 2), lambda fused: float("nan")),
        lambda: Fusion.from_dict({"gamma": 1}),
    ],
)
def test_unusable_input_is_refused(call):
    with pytest.raises(InputError):
        call()
