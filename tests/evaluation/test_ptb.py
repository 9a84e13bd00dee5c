"""Expected words are what Stanford's PTBTokenizer 3.4.1 printed, less pycocoevalcap's punctuation."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swath.evaluation.ptb import PUNCTUATION, tokenize

CASES = {
    "Many planes (white) are parked near a terminal.": "many planes -lrb- white -rrb- are parked near a terminal",
    "it's a harbour; don't look, we can't": "it 's a harbour do n't look we ca n't",
    "a well-known north-south road, t-shaped.": "a well-known north-south road t-shaped",
    "trees,water trees ,water 2,000.5 m": "trees water trees water 2,000.5 m",
    "about 1.2 hectares, 250m wide; 1.5km": "about 1.2 hectares 250m wide 1.5 km",
    "10° N, 5m² and 3x3 blocks": "10 ° n 5m ² and 3x3 blocks",
    "the building is in block b.": "the building is in block b.",
    "on farm B. The river bends.": "on farm b the river bends",
    "at 5 p.m. in the U.S.A.": "at 5 p.m. in the u.s.a.",
    "no. 5 and no. five, approx. 30 sq. km.": "no. 5 and no five approx 30 sq. km",
    "and/or 1/2 of w/o trees/bushes": "and/or 1/2 of w/o trees/bushes",
    "trees&bushes &amp; AT&T $5 50%": "trees & bushes & at&t $ 5 50 %",
    "the trees' tops and boys' 'small' \"big\"": "the trees tops and boys small big",
    "end.Next ends .next": "end.next ends next",
    "\u201ccurly\u201d \u2018one\u2019 \u2013 two \u2014 three\u2026": "curly one two three",
    "cannot gonna wanna": "can not gon na wan na",
    "what?! no!!! yes?": "what ?! no !!! yes",
    "two (2) trees [x] {y}": "two -lrb- 2 -rrb- trees -lsb- x -rsb- -lcb- y -rcb-",
    "a_b ~5 >3 <5 x^2": "a_b ~ 5 > 3 < 5 x ^ 2",
    "etc., e.g., vs. the rest": "etc. e.g. vs. the rest",
    "50,000-60,000 and 3-5m": "50,000-60 ,000 and 3-5m",
    "": "",
    " . , ; ": "",
}


@pytest.mark.parametrize("caption", CASES)
def test_captions_are_cut_as_the_java_program_cuts_them(caption: str) -> None:
    assert " ".join(tokenize(caption)) == CASES[caption]


def test_the_java_program_itself_agrees() -> None:
    ptb = pytest.importorskip("pycocoevalcap.tokenizer.ptbtokenizer")
    if shutil.which("java") is None:
        pytest.skip("no Java on the PATH")
    # Each caption is followed by one that does not begin with a capital: the program reads across lines.
    given = {
        str(number): [{"caption": text}, {"caption": "x"}] for number, text in enumerate(CASES) if text.strip(" .,;")
    }
    found = ptb.PTBTokenizer().tokenize(given)
    for captions, words in zip(given.values(), found.values(), strict=True):
        assert " ".join(tokenize(captions[0]["caption"])) == words[0]


def test_a_mixed_fraction_is_one_word() -> None:
    assert tokenize("1 1/2 acres") == ("1\xa01/2", "acres")


@given(st.text(max_size=60))
def test_words_hold_no_space_no_capital_and_no_punctuation(text: str) -> None:
    for word in tokenize(text):
        assert word
        assert word not in PUNCTUATION
        assert word == word.lower()
        assert not word.replace("\xa0", "").isspace()


@given(st.lists(st.sampled_from(["a", "river", "bends", "near", "dense", "green", "trees"]), min_size=1))
def test_plain_words_stay_and_line_breaks_are_spaces(words: list[str]) -> None:
    assert list(tokenize(" ".join(words) + " .")) == words
    assert list(tokenize("\n".join(words))) == words
    assert list(tokenize("  ".join(words).upper())) == words
