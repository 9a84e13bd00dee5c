from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from generate.models import tiny_model
from swath.errors import InputError
from swath.models import DualEncoder
from swath.models.stretch import stretch_positions, stretched


def by_the_papers_loop(table, keep, ratio):
    rows = list(table[:keep])
    for index in range(keep, len(table)):
        step = table[index + 1] - table[index] if index + 1 < len(table) else table[index] - table[index - 1]
        rows += [table[index] + (k / ratio) * step for k in range(ratio)]
    return torch.stack(rows)


@given(st.integers(2, 30), st.integers(0, 20), st.integers(1, 6))
def test_equals_the_papers_loop(length, keep, ratio):
    table = torch.randn(length, 3, dtype=torch.float64)
    if keep > length - 2:
        with pytest.raises(InputError, match="cannot keep"):
            stretch_positions(table, keep, ratio)
        return
    torch.testing.assert_close(stretch_positions(table, keep, ratio), by_the_papers_loop(table, keep, ratio))


def test_clips_77_become_248():
    assert stretch_positions(torch.randn(77, 8)).shape == (248, 8)


def test_short_texts_keep_their_vectors_and_long_ones_fit(tmp_path):
    model = tiny_model()
    longer = stretched(model, keep=12)
    assert longer.config.text.context_length == 12 + 4 * 20
    assert longer.config.name == "tiny-92"
    assert model.model_id in longer.config.provenance["stretched"]
    short = ["many trees", "a plane"]
    torch.testing.assert_close(longer.encode_texts(short).pooled, model.encode_texts(short).pooled)
    assert longer.encode_texts(["the " * 80], truncation="error").tokens.shape[1] == 82
    images = torch.randn(1, 3, 32, 32)
    assert torch.equal(longer.encode_images(images, "rgb").pooled, model.encode_images(images, "rgb").pooled)
    longer.save_pretrained(tmp_path)
    assert DualEncoder.from_pretrained(tmp_path).model_id == longer.model_id
