from __future__ import annotations

from datetime import UTC, datetime

import pytest

from benchmarks import narrator_oracle as oracle
from generate import narrator
from generate.models import tiny_model
from swath.corpus.checker import Checker
from swath.corpus.narrate import RetrievalCaptioner, RouteOptions, open_route, read_bank
from swath.corpus.narrate.admissible import for_radar, inadmissible
from swath.corpus.narrate.writing import StatementWriter
from swath.errors import DataError, InputError

CAPTION = (
    "Many green trees stand beside a white building . The tall buildings cast long shadows on the ground . "
    "The roofs are red ."
)


class Fixed:
    """A captioner that always says the same."""

    id = "fixed"

    def __init__(self, text=CAPTION):
        self.text, self.seen = text, 0

    def caption(self, pixels, /):
        self.seen += len(pixels)
        assert all(one.sensor.name in ("s2-tci", "rgb") for one in pixels)
        return [self.text] * len(pixels)


def told(path, captioner=None, **options):
    given = {"optical": str(path), "captioner": captioner or Fixed(), "size": 64, **options}
    route = open_route("pairs", str(path), RouteOptions(**given))
    assert len(route.items) == 1
    (found,) = route.tell(route.items)
    return found


def test_captions_the_optical_partner_and_rewrites_it(tmp_path):
    material = told(narrator.pairs(tmp_path), gsd=1.0)
    texts = [one.text for one in StatementWriter(material.statements, 6).write(material.facts)]
    assert material.origin["captioner"] == "fixed"
    assert material.origin["optical"] == "optical#0_0_64_64"
    assert material.origin["days_apart"] == "3.0"
    assert any("trees stand beside a building" in text for text in texts)
    assert any("layover" in text for text in texts)
    for text in texts:
        moment, place = datetime(2020, 11, 7, tzinfo=UTC), material.facts.of("location")[0].value
        assert oracle.pair_errors(text, CAPTION, moment, place) == []
        assert Checker([inadmissible]).check(text, material.facts) == ()


def test_what_a_pixel_cannot_show_is_not_told(tmp_path):
    captioner = Fixed("Three cars are beside a wall . A river flows through farmland .")
    statements = told(narrator.pairs(tmp_path), captioner).statements
    assert [one.wordings[0] for one in statements if one.topic.startswith("caption")] == [
        "a river flows through farmland"
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optical_date": "2020-01-04"}, "308 days away"),
        ({"shift": 100_000.0}, "no optical scene"),
        ({"shift": 320.0}, "best"),
    ],
)
def test_a_partner_of_another_date_or_place_is_refused(change, words, tmp_path):
    captioner = Fixed()
    found = told(narrator.pairs(tmp_path, **change), captioner)
    assert isinstance(found, DataError)
    assert words in str(found)
    assert captioner.seen == 0


def test_another_date_may_be_allowed(tmp_path):
    assert not isinstance(told(narrator.pairs(tmp_path, "2020-01-04"), days=400.0), DataError)


def test_a_captioner_and_optical_scenes_are_needed(tmp_path):
    with pytest.raises(InputError, match="captioner"):
        open_route("pairs", str(narrator.pairs(tmp_path)))


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("an orange roof beside a black field .", "A roof beside a field."),
        (
            "a residential area with black and brown roofs is divided by a grey road .",
            "A residential area with roofs is divided by a road.",
        ),
        ("the tall buildings cast long shadows on the gray road .", "The tall buildings show layover on the road."),
        ("a clear blue lake under some clouds .", ""),
        ("the roofs are red and the trees are green .", ""),
        ("a satellite image of a white airport .", "A radar image of an airport."),
        ("an image of the sea .", "The sea."),
        ("nothing much .", ""),
        ("", ""),
    ],
)
def test_rewrites_for_radar(caption, expected):
    assert for_radar(caption) == expected
    assert inadmissible(expected) == ()


@pytest.mark.parametrize(
    "text", ["Green fields.", "A photo of a port.", "A sunny beach.", "Shadows fall.", "A colourful roof."]
)
def test_finds_what_radar_cannot_support(text):
    assert inadmissible(text)


def test_retrieves_captions_of_a_bank():
    from swath.chips import Pixels
    from swath.sensors import sensor

    model = tiny_model()
    bank = [
        "a river in farmland .",
        "a river beside farmland .",
        "farmland and a river",
        "two ships at sea .",
        "farmland on the left",
    ]
    captioner = RetrievalCaptioner(model, bank, count=2, neighbours=3)
    import numpy as np

    picture = Pixels(np.full((3, 32, 32), 90, np.uint8), np.ones((32, 32), bool), sensor("rgb"))
    first, second = captioner.caption([picture, picture])
    assert first == second
    assert set(first.split(". ")) <= {
        "A river in farmland",
        "A river beside farmland",
        "A river beside farmland.",
        "A river in farmland.",
        "Farmland and a river",
        "Farmland and a river.",
    }
    assert "3 captions by" in captioner.id  # those with numbers and positions are no use elsewhere
    assert captioner.caption([]) == []
    with pytest.raises(InputError, match="bank"):
        RetrievalCaptioner(model, ["two ships", "a river without ships"])


def test_reads_banks(tmp_path):
    (tmp_path / "bank.txt").write_text("a river\n\na field\n")
    assert read_bank([str(tmp_path / "bank.txt")]) == ["a river", "a field"]
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(DataError, match="empty"):
        read_bank([str(tmp_path / "empty.txt")])
