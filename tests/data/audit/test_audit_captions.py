from __future__ import annotations

import pytest

from swath.data import read_annotations
from swath.data.audit.captions import CaptionRow, caption_facts, caption_rows, odd_captions, split_overlaps


def rows(*entries):
    return [CaptionRow(*entry) for entry in entries]


def test_counts():
    (fact,) = caption_facts(
        rows(
            ("x", "train", "a", "one tree ."),
            ("x", "train", "a", "one  tree . "),
            ("x", "train", "a", "a lake ."),
            ("x", "test", "b", "a lake ."),
            ("x", "test", "c", "a lake ."),
        )
    )
    assert (fact.images, fact.slots, fact.distinct, fact.distinct_sets) == (3, 5, 2, 2)
    assert (fact.shared, fact.repeated) == (3, 1)


def test_overlaps_go_both_ways_and_ignore_case_and_punctuation():
    found = split_overlaps(
        rows(
            ("x", "train", "a", "A lake."),
            ("x", "train", "a", "a road ."),
            ("x", "test", "b", "a lake ."),
            ("y", "test", "c", "a LAKE"),
            ("y", "val", "d", "nothing else"),
        )
    )
    shared = {(one.first, one.second): (one.shared, one.of) for one in found}
    assert shared[("x", "train"), ("x", "test")] == (1, 2)
    assert shared[("x", "test"), ("x", "train")] == (1, 1)
    assert shared[("y", "test"), ("x", "train")] == (1, 1)
    assert len(shared) == 6
    assert found[0].examples == ("A lake.",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" ", "blank"),
        ("1 .", "no word"),
        ("airport .", "a single word"),
        ("a house with with a pool .", "doubled word 'with'"),
        ("see <b>trees</b> here", "markup or a link"),
        ("trees at http://x.org here", "markup or a link"),
        ("caf\ufffd near a road", "control or replacement characters"),
        ("tree " * 3 + "lake road " * 40, "too long"),
        ("a road between two lakes .", None),
    ],
)
def test_odd_captions(text, reason):
    found = odd_captions(rows(("x", "train", "a", text)))
    assert (reason in found[0].reason) if reason else not found


@pytest.mark.data
def test_known_counts_of_real_captions(shared_data):
    data = [
        read_annotations(shared_data / "ucm"),
        read_annotations(shared_data / "rsicd"),
        read_annotations(shared_data / "captions_only" / "rsitmd_captions.json", name="rsitmd"),
    ]
    texts = caption_rows(data)
    ucm, rsicd, _ = caption_facts(texts)
    assert ucm.distinct_sets == 719
    assert (rsicd.slots, rsicd.distinct) == (54_605, 18_189)
    blank = [one for one in odd_captions(texts) if one.reason == "blank"]
    assert len(blank) == 20
    assert {one.row.dataset for one in blank} == {"rsitmd"}
    leaks = {(one.first, one.second): one.shared for one in split_overlaps(texts)}
    # The published lists count train and validation of RSICD as one: 271 there.
    both = leaks[("rsitmd", "test"), ("rsicd", "train")] + leaks[("rsitmd", "test"), ("rsicd", "val")]
    assert 260 <= both <= 280
