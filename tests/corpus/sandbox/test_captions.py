from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from swath.chips import Window
from swath.corpus.sandbox import captions, facts, paragraphs, words
from swath.corpus.sandbox.classes import LABELS, Cover
from swath.corpus.sandbox.noise import stream


@pytest.fixture(scope="module")
def observed(seen):
    windows = [Window(col, row, 128, 128) for row in (0, 128) for col in (0, 128)]
    return [(day, area, facts.observe(day, area)) for pair in seen.values() for day in pair for area in windows]


def crop(day, area):
    return day.cover[area.row * 2 : (area.row + area.height) * 2, area.col * 2 : (area.col + area.width) * 2]


def test_labels_are_the_covers_above_the_threshold(observed):
    for day, area, seen in observed:
        cover = crop(day, area)
        for label, kinds in LABELS.items():
            share = np.isin(cover, [int(kind) for kind in kinds]).mean()
            if share >= 0.02:
                assert abs(seen.labels[label] - share) < 1e-3
            elif share < 0.01:
                assert label not in seen.labels


def test_parts_add_up_and_say_where(observed):
    for day, area, seen in observed:
        assert 0.8 < sum(part.share for part in seen.parts.values()) <= 1 + 1e-9
        cover = crop(day, area)[::2, ::2]
        for theme, part in seen.parts.items():
            mask = np.isin(cover, [int(kind) for kind in facts.THEMES[theme]])
            assert abs(mask.mean() - part.share) < 1e-9
            assert part.largest <= part.share + 1e-9
            down, right = np.argwhere(mask).mean(0) / 128 - 0.5
            assert ("left" in part.where) <= (right < -0.1)
            assert ("right" in part.where) <= (right > 0.1)
            assert ("upper" in part.where or part.where == "top") <= (down < -0.1)
            assert ("lower" in part.where or part.where == "bottom") <= (down > 0.1)


def test_five_short_captions_in_the_style_of_caption_sets(observed):
    for number, (_, _, seen) in enumerate(observed):
        found = captions.write(stream(0, "c", number), seen)
        assert len(set(found)) == 5
        for sentence in found:
            assert sentence.endswith(" .")
            assert sentence == sentence.lower()
            assert 2 <= len(sentence.split()) <= 30
            assert "{" not in sentence
            assert "  " not in sentence


def test_long_captions_have_their_length(observed):
    for number, (_, _, seen) in enumerate(observed):
        text = paragraphs.write(stream(0, "l", number), seen)
        assert paragraphs.LEAST <= len(text.split()) <= paragraphs.MOST
        assert re.fullmatch(r"[A-Z].*\.", text)
        assert "{" not in text
        assert len(set(text.split(". "))) == len(text.split(". "))


SAYS = {
    r"\bship": lambda s: s.counts["ships"] > 0,
    r"\bbridge": lambda s: s.counts["bridge"] > 0,
    r"\bflood": lambda s: "flood" in s.parts or "drowned" in s.parts or s.crops == "flooded",
    r"wildfire|burned|burn scar": lambda s: "burn" in s.parts,
    r"earthquake|collapsed": lambda s: "damage" in s.parts,
    r"\bconifer|spruce": lambda s: "conifer" in s.parts,
    r"rainforest|jungle": lambda s: "rainforest" in s.parts,
    r"\bsnow": lambda s: "snow" in s.parts,
    r"desert sand|sandy desert": lambda s: "sand" in s.parts,
    r"\bpadd(y|ies)": lambda s: "paddies" in s.parts,
    r"\b(ponds?|lakes?)\b(?! country)": lambda s: "lake" in s.parts or "ice" in s.parts,
    r"(?<!by a )\briver\b": lambda s: "river" in s.parts or "ice" in s.parts,
    r"airport": lambda s: s.counts["airport"] > 0 or "runway" in s.parts,
    r"\bvineyards|\bvines": lambda s: "vineyards" in s.parts,
    r"\bharbour|\bport\b": lambda s: s.counts["harbour"] > 0,
}


def test_captions_speak_only_of_what_is_there(observed):
    told = dict.fromkeys(SAYS, 0)
    for number, (_, _, seen) in enumerate(observed):
        text = " ".join(captions.write(stream(1, "c", number), seen)) + " "
        text += paragraphs.write(stream(1, "l", number), seen).lower()
        for pattern, holds in SAYS.items():
            if re.search(pattern, text):
                told[pattern] += 1
                assert holds(seen), (pattern, text)
    assert sum(count > 0 for count in told.values()) >= 11, told


def test_counted_lakes_are_counted_right(observed):
    for number, (_, _, seen) in enumerate(observed):
        if "lake" not in seen.parts:
            continue
        for sentence in captions.write(stream(2, "c", number), seen):
            match = re.search(r"\b(two|three|four|five|six) (lakes|ponds)\b", sentence)
            if match:
                assert match[1] == words.number(seen.parts["lake"].pieces)


def test_what_lies_on_both_sides_of_a_river():
    names = list(facts.THEMES)
    themes = np.full((64, 64), names.index("conifer"), np.int32)
    themes[:, 32:] = names.index("fields")
    themes[::4] = names.index("grass")
    themes[:, 31:33] = names.index("river")
    down = np.stack([np.full(80, 0.5), np.linspace(0, 1, 80)], axis=1)
    assert facts._on_both_sides(down, themes) == ("grass",)
    assert facts._on_both_sides(down[::-1], themes) == ("grass",)
    assert set(facts._on_both_sides(down[:, ::-1], themes)) >= {"grass", "conifer", "fields"}


def test_captions_do_not_say_where_what_they_do_not_know(observed):
    """Rivers without land on both sides, patches that do not touch the largest cover, snow out of season."""
    patterns = "on both sides", "(settlement|lake|clear-cut)s (lie|are scattered|are) in ", "in winter"
    known = [seen for _, _, seen in observed if seen.course is not None or seen.share("town", "lake", "clearcut")]
    said = dict.fromkeys(patterns, 0)
    for number, seen in enumerate(known):
        parts = {name: replace(part, beside=()) for name, part in seen.parts.items()}
        blind = replace(seen, parts=parts | {"snow": replace(next(iter(parts.values())), share=0.4)}, season="spring")
        blind = replace(blind, course=blind.course and replace(blind.course, banks=()))
        for sentence in captions.write(stream(5, number), blind, 60):
            assert not re.search(
                r"on both sides|(settlement|lake|clear-cut)s (lie|are scattered|are) in |in winter", sentence
            )
        for pattern in patterns:
            said[pattern] += any(re.search(pattern, one) for one in captions.write(stream(5, number), seen, 60))
    assert said[patterns[0]] > 2
    assert said[patterns[1]] > 2


def test_roads_too_small_to_count_are_not_denied(observed):
    for number, (_, _, seen) in enumerate(observed):
        assert "no main road" not in paragraphs.write(stream(6, "l", number), seen)


def test_captions_differ_between_chips(observed):
    sentences = [c for n, (_, _, seen) in enumerate(observed) for c in captions.write(stream(3, n), seen)]
    assert len(set(sentences)) > 0.7 * len(sentences)


def test_after_an_event_the_captions_tell_of_it(observed):
    told = [
        any(re.search("flood|burn|earthquake|collapsed|fire", c) for c in captions.write(stream(4, n), seen))
        for n, (_, _, seen) in enumerate(observed)
        if seen.event and max(seen.share("flood", "drowned"), seen.share("burn"), seen.share("damage")) > 0.1
    ]
    assert len(told) >= 5
    assert np.mean(told) > 0.6


def test_a_chip_of_one_cover_still_has_five_captions(seen):
    day = replace(seen["tropical-island"][0], cover=np.full((512, 512), Cover.SEA, np.uint8), ships=())
    calm = facts.observe(day, Window(0, 0, 64, 64))
    assert list(calm.parts) == ["sea"]
    assert len(set(captions.write(stream(0, "sea"), calm))) == 5
    assert paragraphs.LEAST <= len(paragraphs.write(stream(0, "sea"), calm).split()) <= paragraphs.MOST


@pytest.mark.parametrize(
    ("phrase", "plural"),
    [("many houses in rows", True), ("a lake", False), ("two lakes", True), ("dense rainforest", False),
     ("green trees", True), ("a patchwork of fields", False), ("rows of vines", True), ("meadows", True),
     ("a town with a grid of streets", False), ("fields of many colors", True)],
)  # fmt: skip
def test_verbs_agree(phrase, plural):
    assert words.is_plural(phrase) is plural


@pytest.mark.parametrize(
    ("points", "source", "mouth"),
    [([(0.1, 0.0), (0.5, 0.5)], "north-west", "middle"), ([(0.0, 0.5), (1.0, 0.5)], "west", "east")],
)
def test_sides_are_named(points, source, mouth):
    assert facts._side(np.array(points[0])) == source
    assert facts._side(np.array(points[1])) == mouth
