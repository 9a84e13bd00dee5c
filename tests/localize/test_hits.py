"""Hits answer with heat maps of their chips and scenes."""

from __future__ import annotations

from pathlib import Path

import pytest

from localize.scenes import ColourEncoder, patched
from swath.archive import Archive, Hits, ingest
from swath.errors import InputError
from swath.sources import cut, open_source


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    patched(tmp_path / "scenes" / "scene.tif", 128, 192, (20, 130, 60, 170))
    encoder = ColourEncoder()
    made = Archive.create(tmp_path / "archive", encoder.model_id, encoder.dim, encoder=encoder)
    ingest(made, cut(open_source(str(tmp_path / "scenes")), 64), encoder)
    return made


def test_a_hit_says_where_in_its_chip_and_in_its_scene(archive: Archive) -> None:
    hits = archive.search("red", k=3)
    chip = hits.heat_map(0, ColourEncoder())
    assert chip.texts == ("red",)
    assert chip.window.to_list() == hits[0].window
    left, top, width, height = hits[0].window
    peak = chip.peaks()[0]
    assert left <= peak.x <= left + width
    assert top <= peak.y <= top + height
    assert 130 <= peak.x <= 170
    scene = hits.heat_map(0, ColourEncoder(), whole_scene=True)
    assert scene.window.to_list() == [0, 0, 192, 128]
    assert hits[1].heat_map(["blue", "green"], ColourEncoder()).texts == ("blue", "green")


def test_a_query_without_text_asks_for_one(archive: Archive) -> None:
    hits = archive.search("red", k=1)
    with pytest.raises(InputError, match="no text"):
        Hits({}, "", list(hits)).heat_map(0, ColourEncoder())
