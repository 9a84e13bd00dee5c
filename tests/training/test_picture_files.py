"""Decoded images in files: whole or not there, told by what decides them, and never more than there is room for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from generate.recipes import tiny_recipe
from swath.chips import Chip
from swath.data import read_dataset
from swath.errors import DataError
from swath.training import Recipe, picture_files
from swath.training.memory import decoded_bytes, free_memory
from swath.training.pictures import Pictures


def opened(folder: Path) -> tuple[Recipe, list[Chip]]:
    recipe = tiny_recipe(folder)
    return recipe, [pair.chip for pair in read_dataset(recipe.data.root / "pairs").pairs]


def test_files_hold_what_memory_would_and_damaged_images_stay_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recipe, chips = opened(tmp_path)
    Path(chips[2].scene.href).write_bytes(b"no image")
    plain = Pictures.read(chips, recipe.model, 40)
    Pictures.read(chips, recipe.model, 40, tmp_path / "kept")
    caplog.clear()
    found = Pictures.read(chips, recipe.model, 40, tmp_path / "kept")
    assert found.tower == plain.tower
    assert found.row.tolist() == plain.row.tolist()
    assert found.failures == plain.failures
    assert list(found.failures) == [2]
    assert all(torch.equal(found.arrays[key], array) for key, array in plain.arrays.items())
    assert Path(chips[2].scene.href).name in caplog.text


def test_another_size_or_a_changed_image_is_another_set(tmp_path: Path) -> None:
    recipe, chips = opened(tmp_path)
    first = picture_files.digest(chips, recipe.model, 40)
    assert picture_files.digest(chips, recipe.model, 40) == first
    assert picture_files.digest(chips, recipe.model, 41) != first
    assert picture_files.digest(chips[1:], recipe.model, 40) != first
    os.utime(chips[0].scene.href, ns=(1, 1))
    assert picture_files.digest(chips, recipe.model, 40) != first


def test_what_did_not_come_to_its_end_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, chips = opened(tmp_path)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("swath.training.pictures._read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Pictures.read(chips, recipe.model, 40, tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, chips = opened(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(DataError, match=r"no room for 0\.0 GiB .*No space left on device; name a folder on a larger"):
        Pictures.read(chips, recipe.model, 40, tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"data\.cache: .*file cannot be written"):
        Pictures.read(chips, recipe.model, 40, tmp_path / "file")


def test_damaged_files_are_named(tmp_path: Path) -> None:
    recipe, chips = opened(tmp_path)
    Pictures.read(chips, recipe.model, 40, tmp_path / "kept")
    (place,) = (tmp_path / "kept").iterdir()
    array = place / "0.npy"
    array.write_bytes(array.read_bytes()[:200])
    with pytest.raises(DataError, match=r"holds damaged decoded images .*: delete it"):
        Pictures.read(chips, recipe.model, 40, tmp_path / "kept")


def test_of_two_writers_one_set_stays(tmp_path: Path) -> None:
    writers = [picture_files.Writer(tmp_path, "set") for _ in range(2)]
    for value, writer in enumerate(writers):
        writer.array("rgb", (2, 3), torch.uint8)[:] = value
        writer.close({"rgb": 1}, [0, -1], {1: "unreadable"})
    found = picture_files.find(tmp_path, "set")
    assert found is not None
    assert found.arrays["rgb"].tolist() == [[0, 0, 0]]
    assert (found.rows, found.failures) == ([0, -1], {1: "unreadable"})
    assert [entry.name for entry in tmp_path.iterdir()] == ["set"]


def test_bytes_are_counted_as_arrays_have_them(tmp_path: Path) -> None:
    recipe, chips = opened(tmp_path)
    made = Pictures.read(chips, recipe.model, 40)
    held = sum(array.numel() * array.element_size() for array in made.arrays.values())
    assert decoded_bytes(chips, recipe.model, 40) == held
    free = free_memory()
    assert free is None or free > 0


def test_memory_is_the_less_of_the_machines_and_the_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    4000 kB\n")
    monkeypatch.setattr("swath.training.memory._MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr("swath.training.memory._CONTROL", tmp_path)
    assert free_memory() == 4_096_000
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("700000\n")
    (tmp_path / "memory.stat").write_text("anon 600000\ninactive_file 60000\nactive_file 40000\n")
    assert free_memory() == 400_000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory() == 4_096_000
