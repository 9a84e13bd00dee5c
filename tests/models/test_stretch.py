from __future__ import annotations

import copy
import math
from fractions import Fraction

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from generate.models import tiny_config, tiny_model
from swath.errors import CheckpointError, InputError, ModelError
from swath.models import DualEncoder
from swath.models.positions import stretch_positions, stretched_length
from swath.models.stretch import joined, parted, stretched

SHORT = ["many trees", "a plane", "two boats in a harbor", "a bridge over a river"]
LONG = ["the river and the bridge " * 12]


def by_the_papers_loop(table, keep, ratio):
    rows = list(table[:keep])
    for index in range(keep, len(table)):
        step = table[index + 1] - table[index] if index + 1 < len(table) else table[index] - table[index - 1]
        rows += [table[index] + (k / ratio) * step for k in range(ratio)]
    return torch.stack(rows)


@given(st.integers(2, 30), st.integers(0, 20), st.integers(1, 6))
def test_equals_the_papers_loop(length, keep, ratio):
    table = torch.randn(length, 3)
    if keep > length - 2:
        with pytest.raises(InputError, match="cannot keep"):
            stretch_positions(table, keep, ratio)
        return
    wanted = by_the_papers_loop(table.double(), keep, ratio)
    torch.testing.assert_close(stretch_positions(table, keep, ratio).double(), wanted, atol=1e-6, rtol=0)


def test_clips_77_become_248():
    table = torch.randn(77, 8)
    longer = stretch_positions(table)
    assert longer.shape == (248, 8)
    assert torch.equal(longer[:20], table[:20])
    assert torch.equal(longer[20::4], table[20:])  # old positions stay rows of the new table
    assert torch.equal(stretch_positions(table, length=248), longer)
    assert torch.equal(stretch_positions(table, ratio=4, length=248), longer)


@given(st.integers(3, 30), st.integers(0, 10), st.integers(0, 200))
def test_any_length_is_reached_and_keeps_straight_lines_straight(count, keep, more):
    keep = min(keep, count - 2)
    table = torch.arange(count, dtype=torch.float64)[:, None]
    longer = stretch_positions(table, keep, length=count + more)
    assert len(longer) == count + more == stretched_length(count, keep, length=count + more)
    step = (count - keep) / (count + more - keep)
    wanted = [keep + step * at for at in range(count + more - keep)]
    torch.testing.assert_close(longer[keep:, 0], torch.tensor(wanted, dtype=torch.float64))
    assert torch.equal(longer[:keep], table[:keep])


@given(st.floats(1, 8), st.integers(2, 20))
@example(1.9, 10)
def test_any_ratio_is_taken(ratio, count):
    longer = stretch_positions(torch.arange(count, dtype=torch.float64)[:, None], 0, ratio)
    assert len(longer) == math.floor(count * Fraction(str(ratio)))
    torch.testing.assert_close(longer[:, 0], torch.arange(len(longer), dtype=torch.float64) / ratio)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"keep": 31}, "cannot keep 31 of 32"),
        ({"keep": -1}, "cannot keep -1"),
        ({"ratio": 0.5}, "a ratio of 1 or more, not 0.5"),
        ({"ratio": math.nan}, "a ratio of 1 or more"),
        ({"length": 31}, r"cannot be stretched to fewer \(31\)"),
        ({"ratio": 2, "length": 50}, "20 kept, the rest times 2, become 44, not 50"),
    ],
)
def test_what_cannot_be_stretched_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        stretch_positions(torch.randn(32, 4), **options)


def test_short_texts_keep_their_vectors_and_long_ones_fit(tmp_path):
    model = tiny_model()
    longer = stretched(model, keep=12)
    assert longer.config.text.context_length == 12 + 4 * 20
    assert longer.config.name == "tiny-92"
    assert model.model_id in longer.config.provenance["stretched"]
    assert torch.equal(longer.encode_texts(SHORT).pooled, model.encode_texts(SHORT).pooled)
    assert longer.encode_texts(["the " * 80], truncation="error").tokens.shape[1] == 82
    images = torch.randn(1, 3, 32, 32)
    assert torch.equal(longer.encode_images(images, "rgb").pooled, model.encode_images(images, "rgb").pooled)
    longer.save_pretrained(tmp_path)
    assert DualEncoder.from_pretrained(tmp_path).model_id == longer.model_id


def test_the_model_stretched_is_left_alone():
    model = tiny_model()
    before, name = copy.deepcopy(model.state_dict()), model.model_id
    stretched(model, length=100)
    parted(model, 5)
    assert model.model_id == name
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_two_tables_compute_what_one_does_and_are_joined_again(tmp_path):
    longer = stretched(tiny_model(), length=100)
    two = parted(longer, 20)
    assert {"positional_embedding", "positional_embedding_res"} <= set(two.state_dict())
    assert two.config.text.options["kept_positions"] == 20
    assert torch.equal(two.encode_texts(SHORT + LONG).pooled, longer.encode_texts(SHORT + LONG).pooled)
    two.save_pretrained(tmp_path)
    again = DualEncoder.from_pretrained(tmp_path, dtype="float32", device="cpu")
    assert again.model_id == two.model_id
    assert joined(again).model_id == longer.model_id.replace(longer.config.name, again.config.name)
    assert stretched(two, length=200).config.text.options.get("kept_positions") is None


def test_training_changes_the_rest_and_not_what_is_kept():
    two = parted(stretched(tiny_model(), length=100), 20).train().requires_grad_(True)
    before = two.text.positions().detach().clone()
    optimizer = torch.optim.AdamW(two.parameters(), lr=0.1, weight_decay=0.5)
    for _ in range(3):
        two.forward_texts(*two.tokenize(SHORT + LONG)).pooled.sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    after = two.text.positions().detach()
    assert torch.equal(after[:20], before[:20])
    assert not torch.isclose(after[20:50], before[20:50]).all(dim=1).any()
    assert torch.equal(joined(two).text.positional_embedding, after)


def test_more_kept_positions_than_there_are_are_refused():
    text = tiny_config().text.model_dump() | {"kept_positions": 32}
    with pytest.raises(CheckpointError, match="kept_positions is 32, but there are only 32"):
        tiny_model(tiny_config(text=text))
    with pytest.raises(ModelError, match="32 cannot be kept: 1 to 31"):
        parted(tiny_model(), 32)


def test_a_tower_without_positions_says_so():
    model = tiny_model()
    model.text = torch.nn.Identity()
    with pytest.raises(ModelError, match="cannot be stretched"):
        stretched(model)
    with pytest.raises(ModelError, match="only 'clip' has two position tables"):
        parted(model)


@pytest.mark.data
@pytest.mark.parametrize(("keep", "share"), [(20, 0.75), (48, 1.0)])
def test_the_packaged_model_ranks_short_captions_as_before(shared_data, keep, share):
    """Captions within the kept positions have the very same vectors; all captions of RSICD test have at most 46."""
    from swath.data.read import read_annotations

    entries = read_annotations(shared_data / "rsicd").entries
    texts = sorted({text for entry in entries if entry.split == "test" for text in entry.captions})[::8]
    model = DualEncoder.from_pretrained("swath-mini", dtype="float32", device="cpu")
    longer = stretched(model, keep=keep, length=600)
    short = torch.tensor([len(row) for row in model.text.tokenize(texts).ids]) <= keep
    assert short.float().mean() >= share - 0.05
    before, after = (found.encode_texts(texts, tokens=False).pooled for found in (model, longer))
    torch.testing.assert_close(before[short], after[short], atol=1e-6, rtol=0)
