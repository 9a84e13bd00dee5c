from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from generate.rasters import s2_scene, write_image
from swath.chips import Pixels
from swath.data import read_dataset
from swath.data.captioned import CaptionTable, caption_chips, gather_chips
from swath.errors import DataError, SensorError, SourceError
from swath.raster import read_chip


class Counter:
    """Says how large an image is; counts what it was shown."""

    def __init__(self, name: str = "counter", stops: int | None = None) -> None:
        self.id, self.shown, self.stops = name, 0, stops

    def caption(self, pixels: Sequence[Pixels], *, first: int = 0) -> list[str]:
        if any(image.data.shape[2] == 33 for image in pixels):
            raise SensorError("not this one")
        self.shown += len(pixels)
        if self.stops is not None and self.shown > self.stops:
            raise KeyboardInterrupt
        return [f"{image.data.shape[2]} columns of {image.sensor.name} ." for image in pixels]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    s2_scene(folder / "scene.tif", 600)
    write_image(folder / "photo.png", 64, 48, seed=2)
    write_image(folder / "odd.png", 33, 33, seed=3)
    (folder / "broken.tif").write_bytes(b"II*\0 this is no TIFF")
    return folder


def test_photographs_are_taken_whole_and_scenes_cut(folder: Path) -> None:
    chips, missed = gather_chips([str(folder), str(folder / "photo.png")])
    sizes = sorted((Path(chip.scene.href).name, chip.window.width, chip.window.height) for chip in chips)
    assert sizes == [("odd.png", 33, 33), ("photo.png", 64, 48), *[("scene.tif", 256, 256)] * 9]
    assert [Path(entry.href).name for entry in missed] == ["broken.tif"]
    small, _ = gather_chips([str(folder / "photo.png")], chip=16)
    assert len(small) == 12
    with pytest.raises(SourceError, match="no such file"):
        gather_chips([str(folder / "absent.png")])


def test_captions_go_into_a_table_that_is_a_data_set(folder: Path, tmp_path: Path) -> None:
    chips, _ = gather_chips([str(folder)])
    table = CaptionTable(tmp_path / "out" / "captions.parquet", "counter")
    told: list[tuple[int, int]] = []
    missed = caption_chips(
        chips, Counter(), table, batch_size=4, progress=lambda done, total, _: told.append((done, total))
    )
    # One bad image in a batch takes no other with it.
    assert [Path(entry.href).name for entry in missed] == ["odd.png"]
    assert told[-1] == (11, 11)
    dataset = read_dataset(tmp_path / "out" / "captions.parquet")
    assert len(dataset) == 10
    texts = {pair.captions[0] for pair in dataset}
    assert texts == {"64 columns of rgb .", "256 columns of s2-l2a ."}
    again = {(chip.scene.sensor, chip.window): read_chip(chip).data for chip in chips if chip in table}
    for pair in dataset:
        assert (read_chip(pair.chip).data == again[pair.chip.scene.sensor, pair.chip.window]).all()


def test_a_second_run_goes_on_and_another_captioner_begins_anew(folder: Path, tmp_path: Path) -> None:
    chips, _ = gather_chips([str(folder)])
    chips = [chip for chip in chips if chip.window.width != 33]
    file = tmp_path / "captions.parquet"
    with pytest.raises(KeyboardInterrupt):
        caption_chips(chips, Counter(stops=7), CaptionTable(file, "counter"), batch_size=3)
    rest = Counter()
    caption_chips(chips, rest, CaptionTable(file, "counter"), batch_size=3)
    assert rest.shown == len(chips) - 6
    other = Counter("other")
    caption_chips(chips, other, CaptionTable(file, "other"))
    assert other.shown == len(chips)
    assert all(chip in CaptionTable(file, "other") for chip in chips)
    assert not any(chip in CaptionTable(file, "counter") for chip in chips)


def test_another_file_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "notes.parquet"
    file.write_text("not Parquet")
    with pytest.raises(DataError, match=r"notes.parquet is no table of captions"):
        CaptionTable(file, "counter")
    assert file.read_text() == "not Parquet"
