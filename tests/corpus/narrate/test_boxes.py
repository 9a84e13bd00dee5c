from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import narrator_oracle as oracle
from generate import narrator
from swath.corpus.checker import Checker
from swath.corpus.narrate import RouteOptions, open_route
from swath.corpus.narrate.box_facts import BoxTeller
from swath.corpus.narrate.boxes import Box, BoxedImage, turned, upright
from swath.corpus.narrate.hierarchy import Hierarchy
from swath.corpus.narrate.material import Material
from swath.corpus.narrate.writing import StatementWriter, paragraph
from swath.errors import DataError

KINDS = {"ship": "vehicle", "car": "vehicle", "storage tank": "tank"}


def texts(material, count=8):
    captions = [one.text for one in StatementWriter(material.statements, count).write(material.facts)]
    return [*captions, *(one.text for one in paragraph(material.statements, material.facts.name))]


def told(path, **options):
    route = open_route("boxes", str(path), RouteOptions(**{"sensor": "sar", **options}))
    (material,) = route.tell(route.items)
    return route, material


@pytest.mark.parametrize("form", ["coco", "yolo", "voc"])
def test_reads_each_format_to_the_same_statements(form, tmp_path):
    _, material = told(getattr(narrator, form)(tmp_path), gsd=2.0)
    assert isinstance(material, Material)
    text = " ".join(texts(material, 20)).lower()
    assert "three ships and a storage tank" in text
    assert "form a horizontal row" in text or "lined up horizontally" in text
    assert "40 metres long" in text
    assert material.labels[0] == "ship"
    checks = oracle.box_checks(narrator.BOXES, (96, 96), 2.0, KINDS)
    assert [fault for caption in texts(material, 20) for fault in oracle.errors(caption, checks)] == []


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(KINDS)), st.integers(0, 88), st.integers(0, 88), st.integers(2, 8), st.integers(2, 8)
        ),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from([None, 0.5, 10.0]),
)
def test_every_statement_is_true_of_its_boxes(boxes, gsd):
    items = tuple(Box(name, upright(*where), f"boxes[{at}]") for at, (name, *where) in enumerate(boxes))
    material = BoxTeller(BoxedImage("x", items), 96, 96, gsd, Hierarchy()).material()
    checks = oracle.box_checks(boxes, (96, 96), gsd, KINDS)
    for caption in texts(material):
        assert oracle.errors(caption, checks) == []
        findings = Checker().check(caption, material.facts)
        assert all(finding.reason == "sensor" for finding in findings)  # the route adds the sensor
        assert gsd is not None or "metre" not in caption.lower()


def test_claims_no_metres_without_gsd(tmp_path):
    _, material = told(narrator.coco(tmp_path))
    assert not material.facts.of("length", "width")
    assert "metre" not in " ".join(texts(material, 20))


def test_oriented_boxes_give_length_and_width(tmp_path):
    path = narrator.coco(tmp_path, [("ship", 48, 48, 40, 10, 30)])
    _, material = told(path, gsd=2.0)
    assert "about 80 metres long and 20 metres wide" in " ".join(texts(material, 20))
    assert turned(0, 0, 2, 2, 0) == upright(-1, -1, 2, 2)
    corners = [value for point in turned(48, 48, 40, 10, 0.5) for value in point]
    narrator.yolo(tmp_path / "y", "0 " + " ".join(str(value / 96) for value in corners))
    _, second = told(tmp_path / "y", gsd=2.0)
    assert second.facts.of("width")[0].value == 20.0


@pytest.mark.parametrize(
    ("box", "words"),
    [(("ship", 200, 10, 20, 5), "outside"), (("ship", 30, 30, 0, 5), "no area"), (("ship", 30, 30, -4, 5), "no area")],
)
def test_a_bad_box_is_noted_and_its_class_not_counted(box, words, tmp_path):
    _, material = told(narrator.coco(tmp_path, [*narrator.BOXES, box]))
    assert any(words in note for note in material.notes)
    assert [fact.subject for fact in material.facts.of("count")] == ["storage tank"]
    text = " ".join(texts(material, 20)).lower()
    assert "three ships" not in text
    assert "ships and a storage tank" in text


def test_an_image_of_bad_boxes_alone_is_left_out(tmp_path):
    _, found = told(narrator.coco(tmp_path, [("ship", 30, 30, 0, 0)]))
    assert isinstance(found, DataError)
    assert "no area" in str(found)


def test_unknown_classes_are_noted(tmp_path):
    _, material = told(narrator.coco(tmp_path), classes="ship")
    assert any("unknown class 'storage tank'" in note for note in material.notes)
    assert "tank" not in " ".join(texts(material, 20))
    (tmp_path / "y").mkdir()
    _, material = told(narrator.yolo(tmp_path / "y", "7 .5 .5 .1 .1\n0 .5 .5 .1 .1"))
    assert any("unknown class '7'" in note for note in material.notes)
    assert not material.facts.of("count")


def test_a_class_that_nobody_knows_is_called_by_its_name():
    boxes = (Box("GlorbUnit", upright(10, 10, 5, 5), "boxes[0]"), Box("GlorbUnit", upright(40, 40, 5, 5), "boxes[1]"))
    material = BoxTeller(BoxedImage("x", boxes), 96, 96, None, Hierarchy({"GlorbUnit": "vehicle"})).material()
    assert "two glorb units" in " ".join(texts(material, 20)).lower()
    assert "vehicle" in material.labels


def test_a_class_cannot_be_a_kind_of_itself():
    with pytest.raises(DataError, match="kind of itself"):
        Hierarchy({"a": "b", "b": "a"})


@pytest.mark.parametrize(
    "text", ["", "   ", "{", "[1, 2", '{"images": []}', '{"images": [], "annotations": [], "categories": []}']
)
def test_broken_or_empty_json_names_the_file(text, tmp_path):
    (tmp_path / "boxes.json").write_text(text)
    with pytest.raises(DataError, match=r"boxes\.json"):
        open_route("boxes", str(tmp_path / "boxes.json"))


@pytest.mark.parametrize("text", ["<annotation>", "   ", "<!DOCTYPE x [<!ENTITY a 'b'>]><annotation/>"])
def test_a_broken_xml_is_listed_and_the_others_are_told(text, tmp_path):
    narrator.voc(tmp_path)
    (tmp_path / "broken.xml").write_text(text)
    route, material = told(tmp_path)
    assert isinstance(material, Material)
    assert len(route.failures) == 1
    assert "broken.xml" in route.failures[0]
    (tmp_path / "a.xml").unlink()
    with pytest.raises(DataError, match=r"broken\.xml"):
        open_route("boxes", str(tmp_path))


def test_an_empty_label_file_is_an_image_without_things(tmp_path):
    _, found = told(narrator.yolo(tmp_path, ""))
    assert isinstance(found, DataError)
    assert "no boxes" in str(found)


def test_boxes_of_another_picture_are_refused(tmp_path):
    path = narrator.coco(tmp_path)
    document = json.loads(path.read_text())
    document["images"][0] |= {"width": 500, "height": 500}
    path.write_text(json.dumps(document))
    _, found = told(path)
    assert "do not belong" in str(found)


def test_a_name_that_leads_out_is_refused(tmp_path):
    path = narrator.coco(tmp_path)
    path.write_text(path.read_text().replace("a.png", "../a.png"))
    with pytest.raises(DataError, match="outside the image folder"):
        open_route("boxes", str(path))
