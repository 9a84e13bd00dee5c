from __future__ import annotations

import pytest
import torch

from generate.models import VIT, tiny_config, tiny_model
from swath.training.encoding import BatchEncoder

CONVNET = {"type": "convnet", "image_size": 32, "widths": [8, 16], "depths": [1, 1], "hidden": 24}


@pytest.mark.parametrize("tower", [VIT, CONVNET])
@pytest.mark.parametrize("chunk", [None, 2])
def test_towers_for_any_bands_are_trained_as_they_encode(tower, chunk):
    config = tiny_config(towers={"any": tower | {"bands": "any"}}, sensors={"*": {"tower": "any", "input": "bands"}})
    model = tiny_model(config)
    images = {"any@s1-grd": torch.randn(3, 2, 32, 32), "any@s2-l2a": torch.randn(2, 12, 32, 32)}
    wanted = torch.cat([model.forward_images(batch, key).pooled for key, batch in images.items()])
    _, features, _ = BatchEncoder(model, chunk).images(images, tokens=True)
    torch.testing.assert_close(features.pooled, wanted)
    features.pooled.sum().backward()
    assert all(value.grad is not None for value in model.towers["any"].parameters())
