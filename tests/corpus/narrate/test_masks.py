from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from benchmarks import narrator_oracle as oracle
from generate import narrator
from generate.rasters import noise, write_tiff
from swath.corpus.checker import Checker
from swath.corpus.narrate import RouteOptions, open_route
from swath.corpus.narrate.mask_classes import read_classes
from swath.corpus.narrate.mask_facts import MaskTeller
from swath.corpus.narrate.regions import regions_of
from swath.corpus.narrate.writing import StatementWriter, paragraph
from swath.errors import DataError, InputError

CLASSES = read_classes("0=land,1=water,2=lake,3=cereal field,-1=")
NAMES = {code: entry.phrase for code, entry in CLASSES.by_code.items()}


def texts(material, count=10):
    captions = [one.text for one in StatementWriter(material.statements, count).write(material.facts)]
    return [*captions, *(one.text for one in paragraph(material.statements, material.facts.name))]


def true_texts(codes, known=None, pixel=100.0):
    known = np.ones(codes.shape, bool) if known is None else known
    material = MaskTeller("x", regions_of(codes, known), CLASSES.by_code, pixel).material()
    found = texts(material)
    checks = oracle.mask_checks(oracle.Mask(codes, known, NAMES, pixel))
    for text in found:
        assert oracle.errors(text, checks) == []
        # Of two things in one sentence the checker may place the wrong one; it errs on the side of rejecting.
        assert {finding.reason for finding in Checker().check(text, material.facts)} <= {"sensor", "position"}
    return " ".join(found).lower()


def test_tells_shape_place_and_surroundings():
    pond = narrator.mask("pond")
    text = true_texts(pond)
    assert "surrounded by land" in text
    assert "in the middle" in text
    assert "compact" in text
    assert f"about {round(100 * pond.mean())} percent" in text
    assert "from top to bottom" in true_texts(narrator.mask("band"))
    assert "many separate patches of water" in true_texts(narrator.mask("spots"))
    assert "water covers the whole image" in true_texts(narrator.mask("all")) or "nothing but water" in text
    assert "two lakes" in true_texts(np.where(np.isin(np.arange(48)[:, None] // 8 + 0 * np.arange(48), (1, 4)), 2, 0))


@settings(max_examples=25)
@given(arrays(np.int64, (4, 4), elements=st.integers(0, 3)), st.integers(0, 3))
def test_every_statement_is_true_of_its_mask(coarse, holes):
    codes = np.kron(coarse, np.ones((8, 8), np.int64))
    known = np.ones(codes.shape, bool)
    known[: 2 * holes, :5] = False
    true_texts(codes, known)


@given(arrays(np.int64, (9, 12), elements=st.integers(0, 2)))
def test_regions_are_those_of_scipy(codes):
    found = regions_of(codes, np.ones(codes.shape, bool))
    assert sum(region.share for region in found.values()) == pytest.approx(1.0)
    for code, region in found.items():
        labels, count = ndimage.label(codes == code)
        sizes = np.bincount(labels.ravel())[1:]
        assert region.patches == np.count_nonzero(sizes >= 1)
        assert region.shape.share == pytest.approx(sizes.max() / codes.size)
        assert count == len(sizes)


def test_without_a_place_no_areas_are_told():
    codes = narrator.mask("pond")
    material = MaskTeller("x", regions_of(codes, codes >= 0), CLASSES.by_code, None).material()
    assert "hectare" not in " ".join(texts(material, 30))


def test_narrates_scenes_by_their_masks(tmp_path):
    narrator.flood(tmp_path)
    options = RouteOptions(masks=str(tmp_path / "masks"), classes="1=water,0=land,-1=", pair=("_S1", "_label"), size=64)
    route = open_route("masks", str(tmp_path / "scenes"), options)
    assert len(route.items) == 4
    found = dict(zip((item.name.split("_")[0] for item in route.items), route.tell(route.items), strict=True))
    assert "a band of water" in " ".join(texts(found["band"], 20)).lower()
    # The mask says water, so nothing is said of floods or of open water.
    assert not any(word in " ".join(texts(one, 20)) for one in found.values() for word in ("flood", "open water"))
    assert all(fact.value == "Sentinel-1 GRD radar (SAR)" for one in found.values() for fact in one.facts.of("sensor"))


def test_bad_masks_are_errors_of_their_chip(tmp_path):
    narrator.flood(tmp_path, ("pond", "band"))
    write_tiff(tmp_path / "masks" / "pond_label.tif", np.full((1, 64, 64), 7, np.int16), nodata=-1)
    write_tiff(tmp_path / "masks" / "band_label.tif", np.full((1, 64, 64), -1, np.int16), nodata=-1)
    write_tiff(tmp_path / "scenes" / "none_S1.tif", noise(2, 64, 64, "float32"), descriptions=("VV", "VH"))
    options = RouteOptions(masks=str(tmp_path / "masks"), classes="1=water,0=land", pair=("_S1", "_label"), size=64)
    route = open_route("masks", str(tmp_path / "scenes"), options)
    messages = sorted(str(one) for one in route.tell(route.items))
    assert ["knows less than 90%" in messages[0], "no mask under it" in messages[1], "class 7" in messages[2]] == [
        True
    ] * 3


@pytest.mark.parametrize("text", ["1=water,1=land", "x=water", "nonsense", "1="])
def test_classes_that_cannot_be_meant(text):
    with pytest.raises(DataError):
        read_classes(text)
    assert read_classes("sen1floods11").by_code[0].phrase == "land"
    assert read_classes("worldcover").by_code[50].phrase == "built-up land"


def test_masks_and_classes_are_needed(tmp_path):
    with pytest.raises(InputError, match="--masks"):
        open_route("masks", str(tmp_path))
