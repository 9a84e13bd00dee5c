from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from swath.errors import InputError
from swath.models.decoding import Decoding, Vocabulary, write

START, END = 0, 1
CPU = torch.device("cpu")


class Toy:
    """A language of a few tokens: the next one depends on the text, the last token and the place."""

    def __init__(self, texts: int, tokens: int, seed: int = 0) -> None:
        self.table = torch.randn(texts, 12, tokens, tokens, generator=torch.manual_seed(seed)) * 2
        self.rows = [(text, ()) for text in range(texts)]
        self.calls = 0

    def logits(self, text: int, ids: tuple[int, ...]) -> torch.Tensor:
        before = ids[-2] if len(ids) > 1 else 0
        return self.table[text, len(ids) - 1, ids[-1]] + self.table[text, before, :, ids[-1]]

    def score(self, last: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.rows = [(text, (*ids, token)) for (text, ids), token in zip(self.rows, last.tolist(), strict=True)]
        return torch.stack([self.logits(text, ids) for text, ids in self.rows])

    def select(self, rows: torch.Tensor, per_text: int) -> None:
        self.rows = [self.rows[row] for row in rows.tolist()]
        owners = [text for text, _ in self.rows]
        assert all(len(set(owners[at : at + per_text])) == 1 for at in range(0, len(owners), per_text))


def run(toy: Toy, decoding: Decoding, count: int, first: int = 0):
    return write(toy, count, Vocabulary(START, END), decoding, CPU, first)


def repeats(ids: tuple[int, ...], length: int) -> bool:
    grams = [ids[at : at + length] for at in range(len(ids) - length + 1)]
    return length > 0 and len(set(grams)) < len(grams)


def exhaustive(toy: Toy, text: int, tokens: int, decoding: Decoding) -> tuple[tuple[int, ...], float]:
    """The best of all texts: those that end, and those cut at the greatest length."""
    words = [token for token in range(tokens) if token not in (START, END)]
    best, score = (), -math.inf
    for length in range(1, decoding.max_length + 1):
        for ids in itertools.product(words, repeat=length):
            if repeats(ids, decoding.no_repeat):
                continue
            whole = [ids] if length == decoding.max_length else []
            if max(1, decoding.min_length) <= length < decoding.max_length:
                whole.append((*ids, END))
            for candidate in whole:
                total, past = 0.0, (START,)
                for token in candidate:
                    total += float(toy.logits(text, past).log_softmax(dim=0)[token])
                    past = (*past, token)
                found = total / len(candidate) ** decoding.length_penalty
                if found > score:
                    best, score = ids, found
    return best, score


@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0, 2.0, -0.5])
@pytest.mark.parametrize(("minimum", "no_repeat"), [(0, 0), (3, 0), (0, 2), (2, 1)])
def test_beam_search_with_enough_beams_is_exhaustive(penalty, minimum, no_repeat):
    tokens, texts = 5, 3
    decoding = Decoding("beam", max_length=4, min_length=minimum, beams=64, length_penalty=penalty, no_repeat=no_repeat)
    toy = Toy(texts, tokens, seed=int(10 * penalty) + minimum)
    found = run(toy, decoding, texts)
    for text, written in enumerate(found):
        ids, score = exhaustive(toy, text, tokens, decoding)
        assert written.ids == ids
        assert written.score == pytest.approx(score, abs=1e-4)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), beams=st.integers(1, 4), penalty=st.floats(0, 2), no_repeat=st.integers(0, 3))
def test_a_few_beams_never_beat_all_and_keep_the_rules(seed, beams, penalty, no_repeat):
    decoding = Decoding("beam", max_length=5, min_length=2, beams=beams, length_penalty=penalty, no_repeat=no_repeat)
    toy = Toy(2, 5, seed)
    for text, written in enumerate(run(toy, decoding, 2)):
        if no_repeat != 1:  # three words at most, so that a text may have to end early
            assert len(written.ids) >= 2
        assert len(written.ids) <= 5
        assert not {START, END} & set(written.ids)
        assert not repeats(written.ids, no_repeat)
        if no_repeat != 1 and beams > 1:
            assert written.score <= exhaustive(toy, text, 5, decoding)[1] + 1e-4


def test_one_beam_is_greedy():
    greedy = Decoding("greedy", max_length=6, min_length=1, no_repeat=0)
    beam = Decoding("beam", max_length=6, min_length=1, beams=1, no_repeat=0)
    assert run(Toy(4, 7), greedy, 4) == run(Toy(4, 7), beam, 4)


def test_greedy_takes_the_likeliest_word():
    toy = Toy(1, 6)
    (written,) = run(toy, Decoding("greedy", max_length=5, min_length=0, no_repeat=0), 1)
    past, total = (START,), 0.0
    for token in written.ids:
        scores = toy.logits(0, past).log_softmax(dim=0)
        total += float(scores[token])
        scores[START] = -math.inf
        if len(past) == 1:
            scores[END] = -math.inf
        assert token == int(scores.argmax())
        past = (*past, token)
    assert written.log_probability <= total + 1e-5


def test_texts_that_have_ended_cost_nothing_more():
    toy = Toy(2, 4)
    toy.table[:, :, :, END] = 50.0
    run(toy, Decoding("greedy", max_length=10, min_length=0), 2)
    assert toy.calls == 2  # a first word, which every text has, and the end


@pytest.mark.parametrize("method", ["greedy", "beam", "nucleus"])
def test_a_text_does_not_depend_on_its_neighbours(method):
    decoding = Decoding(method, max_length=8, min_length=2, beams=3, seed=4)
    together = run(Toy(5, 9), decoding, 5)
    for text in range(5):
        toy = Toy(5, 9)
        toy.rows = [(text, ())]
        (alone,) = run(toy, decoding, 1, first=text)
        assert alone.ids == together[text].ids


def test_sampling_draws_from_the_nucleus_alone_and_by_probability():
    count = 4000
    toy = Toy(1, 6)
    toy.table[:] = 0.0
    toy.table[0, 0, START] = torch.tensor([1.0, 1.0, 0.4, 0.3, 0.2, 0.1]).log()
    toy.rows = [(0, ())] * count
    decoding = Decoding("nucleus", max_length=1, min_length=1, top_p=0.65)
    first = [written.ids[0] for written in run(toy, decoding, count)]
    shares = [first.count(token) / count for token in range(6)]
    # 0.4 and 0.3 reach 65 % together; start and end cannot come first.
    assert shares[4] == shares[5] == shares[START] == shares[END] == 0
    assert shares[2] == pytest.approx(4 / 7, abs=0.03)
    assert shares[3] == pytest.approx(3 / 7, abs=0.03)
    again = run_again(toy, decoding, count)
    assert first == again
    assert first != run_again(toy, Decoding("nucleus", max_length=1, min_length=1, top_p=0.65, seed=1), count)


def run_again(toy: Toy, decoding: Decoding, count: int) -> list[int]:
    toy.rows = [(0, ())] * count
    return [written.ids[0] for written in run(toy, decoding, count)]


@pytest.mark.parametrize("method", ["greedy", "beam", "nucleus"])
def test_where_everything_would_be_a_repetition_the_text_ends(method):
    decoding = Decoding(method, max_length=10, min_length=9, no_repeat=1, beams=2)
    for written in run(Toy(2, 5), decoding, 2):
        assert sorted(written.ids) == [2, 3, 4]


def test_scores_that_are_not_finite_are_refused():
    toy = Toy(2, 4)
    toy.table[1] = math.nan
    with pytest.raises(InputError, match="not finite"):
        run(toy, Decoding("greedy"), 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "best"},
        {"max_length": 0},
        {"min_length": 50},
        {"beams": 0},
        {"no_repeat": -1},
        {"temperature": 0.0},
        {"top_p": 0.0},
        {"top_p": math.nan},
    ],
)
def test_settings_without_sense_are_refused(wrong):
    with pytest.raises(InputError):
        Decoding(**wrong)
