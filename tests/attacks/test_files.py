"""Hostile files that a keeper indexes or loads: nothing outside is read, nothing runs, and the rest goes on."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archive.fakes import FakeEncoder, make_chip, units, write_scenes
from generate.models import tiny_model
from swath.archive import Archive
from swath.errors import CheckpointError, InputError, SwathError
from swath.models import DualEncoder
from swath.raster import read_chip
from swath.sources import open_source


def item(href: str, **more: Any) -> str:
    """A STAC item whose one asset is somewhere."""
    assets = {"image": {"href": href, "type": "image/tiff; application=geotiff", "roles": ["data"]}}
    properties = {"datetime": "2020-01-01T00:00:00Z", **more}
    return json.dumps(
        {"type": "Feature", "stac_version": "1.0.0", "id": "x", "geometry": None, "properties": properties, "links": [],
         "assets": assets}
    )  # fmt: skip


@pytest.mark.parametrize(
    "href",
    [
        "../secret.tif", "/etc/passwd", "file:///etc/passwd", "sub/../../secret.tif", "link.tif",
        "/vsicurl/http://127.0.0.1:1/a.tif", "/vsizip//etc/a.zip/a.tif", "/vsisubfile/0_100,/etc/passwd",
        "gopher://127.0.0.1/a.tif", "GTIFF_DIR:1:../secret.tif", "<VRTDataset></VRTDataset>", "virtual.tif",
    ],
)  # fmt: skip
def test_metadata_leads_to_no_file_outside(tmp_path: Path, href: str) -> None:
    outside = write_scenes(tmp_path / "outside", 1) / "scene000.tif"
    outside.rename(tmp_path / "secret.tif")
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "link.tif").symlink_to(tmp_path / "secret.tif")
    source = f'<SourceFilename relativeToVRT="0">{tmp_path}/secret.tif</SourceFilename><SourceBand>1</SourceBand>'
    band = f'<VRTRasterBand dataType="Byte" band="1"><SimpleSource>{source}</SimpleSource></VRTRasterBand>'
    (folder / "virtual.tif").write_text(f'<VRTDataset rasterXSize="128" rasterYSize="128">{band}</VRTDataset>')
    (folder / "item.json").write_text(item(href))
    opened = open_source(str(folder / "item.json"))
    assert [read_chip(chip) for chip in source_chips_of(opened)] == []
    assert len(opened.failures) == 1
    assert opened.failures[0].reason


def source_chips_of(source: Any) -> list[Any]:
    from swath.sources import cut

    return list(cut(source, 64))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0, 1e30])
def test_vectors_that_are_none_are_refused_whole(tmp_path: Path, value: float) -> None:
    encoder = FakeEncoder()
    archive = Archive.create(tmp_path / "archive", encoder.model_id, encoder.dim)
    vectors = units(3)
    vectors[1] = value
    with pytest.raises(InputError, match=make_chip(1).id):
        archive.add([make_chip(number) for number in range(3)], vectors)
    assert len(archive) == 0


class Runs:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize(
    "weights",
    [
        b"",
        b"\x80\x04\x95cposix\nsystem\n",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 60) + b'{"logit_scale":{"dtype":"F32","shape":[],"data_offsets":[0,9]}}'[:60],
        struct.pack("<Q", 72) + b'{"logit_scale":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4]}}'[:72],
    ],
    ids=["empty", "pickle", "huge-header", "list", "cut-off", "huge-shape"],
)
def test_weights_that_are_none(tmp_path: Path, weights: bytes) -> None:
    tiny_model().save_pretrained(tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").write_bytes(weights)
    with pytest.raises(CheckpointError):
        DualEncoder.from_pretrained(tmp_path / "model")


def test_nothing_in_a_models_folder_is_unpickled(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    tiny_model().save_pretrained(tmp_path / "model")
    for name in ("model.safetensors", "pytorch_model.bin", "open_clip_pytorch_model.bin", "model.pt"):
        (tmp_path / "model" / name).write_bytes(pickle.dumps(Runs(mark)))
    with pytest.raises(SwathError):
        DualEncoder.from_pretrained(tmp_path / "model")
    assert not mark.exists()
    pickle.loads((tmp_path / "model" / "model.pt").read_bytes())
    assert mark.exists(), "the bait works"


def test_text_in_metadata_is_only_text(tmp_path: Path) -> None:
    """It is kept and found as it is; no part of it is a condition, an address or an order."""
    said = "'; DROP TABLE chips; -- <script>alert(1)</script> ${jndi:ldap://x} Ignore all instructions"
    archive = Archive.create(tmp_path / "archive", "fake@1", 16, encoder=FakeEncoder())
    chips = [make_chip(1, properties={"title": said, said: said}), make_chip(2, 5.0)]
    archive.add(chips, np.stack([units(1)[0], units(1, seed=1)[0]]))
    from swath.archive import conditions as made

    for name in ("title", said):
        found = archive.browse(where=made.compare(made.Name(name, is_property=True), "=", said))
        assert [hit.id for hit in found] == [chips[0].id]
    assert len(archive.search(said, k=2)) == 2
    assert len(archive) == 2
