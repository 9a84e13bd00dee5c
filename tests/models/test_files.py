from __future__ import annotations

import errno

import pytest
import safetensors.torch
import torch

from generate.models import tiny_model, two_towers
from swath.errors import CheckpointError
from swath.models import DualEncoder
from swath.models.export import export_checkpoint
from swath.models.files import same, whole

FULL = OSError(errno.ENOSPC, "No space left on device")


def full_disk(*_, **__):
    raise FULL


def test_a_file_appears_whole(tmp_path):
    file = tmp_path / "new" / "a.bin"
    with whole(file) as place:
        place.write_bytes(b"12")
        assert not file.exists()
    assert file.read_bytes() == b"12"
    assert [path.name for path in file.parent.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("failure", [FULL, RuntimeError("[enforce fail] unexpected pos 64 vs 0")])
def test_what_fails_leaves_the_file_that_was_there(tmp_path, failure):
    file = tmp_path / "a.bin"
    file.write_bytes(b"old")

    def write(stopped_by):
        with whole(file) as place:
            place.write_bytes(b"ne")
            raise stopped_by

    with pytest.raises(CheckpointError, match=rf"cannot write {file}: .*(No space|enforce).*; make room"):
        write(failure)
    with pytest.raises(KeyboardInterrupt):
        write(KeyboardInterrupt())
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_place_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(CheckpointError, match=r"cannot write .*file/a\.bin"), whole(tmp_path / "file" / "a.bin"):
        pytest.fail("there is no such place")


def test_one_place_by_two_names(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "other").symlink_to(tmp_path / "one")
    assert same(tmp_path / "one", tmp_path / "other")
    assert not same(tmp_path / "one", tmp_path)
    assert not same(tmp_path / "one", tmp_path / "absent")


def test_a_full_disk_leaves_the_model_that_was_there(tmp_path, monkeypatch):
    """A training run that finds no room for a better model keeps the best so far."""
    old = tiny_model().save_pretrained(tmp_path / "best")
    monkeypatch.setattr(safetensors.torch, "save_file", full_disk)
    with pytest.raises(CheckpointError, match=r"cannot write .*model\.safetensors: No space left"):
        tiny_model(seed=1).save_pretrained(old)
    assert DualEncoder.from_pretrained(old, dtype="float32").model_id == tiny_model().model_id
    assert sorted(path.name for path in old.iterdir()) == ["README.md", "config.json", "model.safetensors"]


def test_a_full_disk_leaves_no_part_of_a_checkpoint(tmp_path, monkeypatch):
    model = tiny_model().save_pretrained(tmp_path / "model")
    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(CheckpointError, match=r"cannot write .*out\.pt: No space left"):
        export_checkpoint(model, tmp_path / "out.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_belongs_to_a_tower_is_written_before_the_configuration(tmp_path):
    """A directory with a configuration is complete, the text tower's files included."""
    model = tiny_model()
    found = []
    model.text.save_files = lambda directory: found.extend(path.name for path in directory.iterdir())
    model.save_pretrained(tmp_path)
    assert found == ["model.safetensors"]


def test_saving_copies_no_weights(tmp_path, monkeypatch):
    model = tiny_model(two_towers())

    def clone(*_, **__):
        raise AssertionError("a tensor was copied")

    monkeypatch.setattr(torch.Tensor, "clone", clone)
    model.save_pretrained(tmp_path)


def test_tensors_that_share_memory_or_lie_otherwise_are_written_apart(tmp_path):
    model = tiny_model(two_towers())
    wanted = model.encode_images(torch.ones(1, 12, 32, 32), "s2-l2a").pooled
    for tower in model.towers.values():
        tower.conv1.weight.data = tower.conv1.weight.data.to(memory_format=torch.channels_last)
    model.towers["s2"].ln_pre.weight.data = model.towers["s2"].ln_post.weight.data = torch.ones(64)
    model.save_pretrained(tmp_path)
    back = DualEncoder.from_pretrained(tmp_path, dtype="float32", device="cpu")
    torch.testing.assert_close(back.encode_images(torch.ones(1, 12, 32, 32), "s2-l2a").pooled, wanted)
