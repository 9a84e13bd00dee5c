"""From "which word comes next" to a text: greedy, beam and nucleus decoding of a batch.

Nothing here knows what the words are about: a `Writer` scores the next token of each of its rows, and the functions
choose. So the same code writes captions with a key/value cache, without one, and over a made-up vocabulary in tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from swath.errors import InputError

Method = Literal["greedy", "beam", "nucleus"]
"""``greedy``: the likeliest word each time; ``beam``: the likeliest texts of several; ``nucleus``: a draw (Holtzman
et al. 2020) from the likeliest words that together have `Decoding.top_p` of the probability."""

_NEVER = float("-inf")


class Writer(Protocol):
    """What scores next tokens. It starts with one row a text, all of them empty."""

    def score(self, last: Tensor) -> Tensor:
        """Take in each row's newest token, and score its next one.

        Args:
            last: (R,) token ids.

        Returns:
            (R, V) logits.
        """
        ...

    def select(self, rows: Tensor, per_text: int) -> None:
        """Go on with these rows in place of all.

        Args:
            rows: (R',) indices of rows; those of one text stay beside each other, each text with equally many.
            per_text: how many rows a text has from now on.
        """
        ...


@dataclass(frozen=True, slots=True)
class Decoding:
    """How texts are written.

    Attributes:
        method: see `Method`.
        max_length: most tokens of a text, the end token among them; a text that has not ended by then is cut.
        min_length: fewest tokens of a text before its end token; at least one always.
        beams: texts that beam search goes on with at a time.
        length_penalty: a text's score is the sum of its log-probabilities over its length to this power; 0 prefers
            short texts, above 1 long ones.
        no_repeat: no sequence of so many tokens comes twice in a text; 0 lets everything come again.
        temperature: of nucleus sampling; below 1 the likely becomes likelier.
        top_p: of nucleus sampling.
        seed: of nucleus sampling; text number n of a call is the same in every batch size.

    Raises:
        InputError: a value that makes no sense.
    """

    method: Method = "beam"
    max_length: int = 40
    min_length: int = 5
    beams: int = 5
    length_penalty: float = 1.0
    no_repeat: int = 3
    temperature: float = 1.0
    top_p: float = 0.9
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in ("greedy", "beam", "nucleus"):
            raise InputError(f"unknown decoding {self.method!r}; use greedy, beam or nucleus")
        if self.max_length < 1 or not 0 <= self.min_length <= self.max_length:
            raise InputError(f"lengths must be 0 <= min <= max, max >= 1; got {self.min_length} and {self.max_length}")
        if self.beams < 1 or self.no_repeat < 0:
            raise InputError(f"beams must be 1 or more and no_repeat 0 or more, got {self.beams} and {self.no_repeat}")
        if not self.temperature > 0 or not 0 < self.top_p <= 1:
            raise InputError(f"temperature must be above 0, top_p in (0, 1]; got {self.temperature} and {self.top_p}")

    @property
    def title(self) -> str:
        """Everything that decides the words, in one line: ``beam 5, length 5-40, ...``."""
        lengths = f"length {self.min_length}-{self.max_length}, no repeat {self.no_repeat}"
        if self.method == "greedy":
            return f"greedy, {lengths}"
        if self.method == "beam":
            return f"beam {self.beams}, penalty {self.length_penalty:g}, {lengths}"
        return f"nucleus {self.top_p:g}, temperature {self.temperature:g}, seed {self.seed}, {lengths}"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Ids with a meaning of their own.

    Attributes:
        start: stands before every text.
        end: stands behind every text.
    """

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Written:
    """One text.

    Attributes:
        ids: token ids without start and end.
        log_probability: of these tokens, and of the end token where there was one.
        score: what the text was chosen by: `log_probability` under the length penalty (beam), or itself.
    """

    ids: tuple[int, ...]
    log_probability: float
    score: float


@torch.inference_mode()
def write(
    writer: Writer, count: int, vocabulary: Vocabulary, decoding: Decoding, device: torch.device, first: int = 0
) -> list[Written]:
    """Write texts.

    Args:
        writer: scores next tokens.
        count: B, the number of texts.
        vocabulary: start and end.
        decoding: how.
        device: where the writer computes.
        first: number of the first text, for draws that do not depend on batches.

    Returns:
        B texts.

    Raises:
        InputError: the writer's scores are not finite.
    """
    if decoding.method == "beam" and decoding.beams > 1:
        return _Beams(writer, count, vocabulary, decoding, device).run()
    return _one_by_one(writer, count, vocabulary, decoding, device, first)


def _one_by_one(
    writer: Writer, count: int, vocabulary: Vocabulary, decoding: Decoding, device: torch.device, first: int
) -> list[Written]:
    """Greedy and nucleus decoding: one row a text; rows that have ended are left."""
    texts: list[list[int]] = [[] for _ in range(count)]
    total = [0.0] * count
    draws = _draws(decoding, first, count)
    under_way = list(range(count))
    last = torch.full((count,), vocabulary.start, device=device)
    for step in range(decoding.max_length):
        scores = _allowed(writer.score(last), [texts[text] for text in under_way], step, vocabulary, decoding)
        if decoding.method == "nucleus":
            chosen = _draw(scores, decoding, torch.from_numpy(draws[under_way, step]).to(device))
        else:
            chosen = scores.argmax(dim=1)
        found = scores.gather(1, chosen[:, None])[:, 0].tolist()
        going = []
        for row, (text, token) in enumerate(zip(under_way, chosen.tolist(), strict=True)):
            total[text] += found[row]
            if token != vocabulary.end:
                texts[text].append(token)
                going.append(row)
        if not going or step + 1 == decoding.max_length:
            break
        last = chosen
        if len(going) < len(under_way):
            rows = torch.tensor(going, device=device)
            writer.select(rows, 1)
            last, under_way = chosen[rows], [under_way[row] for row in going]
    return [Written(tuple(text), log, log) for text, log in zip(texts, total, strict=True)]


def _draws(decoding: Decoding, first: int, count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(count, max_length) numbers between 0 and 1, those of a text its own."""
    streams = (np.random.default_rng([decoding.seed, first + text]) for text in range(count))
    return np.stack([stream.random(decoding.max_length) for stream in streams])


def _draw(scores: Tensor, decoding: Decoding, numbers: Tensor) -> Tensor:
    """One token of the nucleus of each row; `numbers` (R,) between 0 and 1 decide."""
    probability, order = (scores / decoding.temperature).softmax(dim=1).sort(dim=1, descending=True)
    mass = probability.double().cumsum(dim=1)
    inside = (mass - probability) < decoding.top_p
    mass = (probability * inside).double().cumsum(dim=1)
    place = torch.searchsorted(mass, numbers[:, None] * mass[:, -1:])
    last = inside.sum(dim=1, keepdim=True) - 1
    return order.gather(1, torch.minimum(place, last))[:, 0]


class _Beams:
    """Beam search for a batch of texts, each with as many rows; texts that can no longer improve are left.

    A text is done only when none of its open beams can end with a better score than what has been found, whatever
    follows. So with enough beams the search finds what looking at every text would.
    """

    def __init__(
        self, writer: Writer, count: int, vocabulary: Vocabulary, decoding: Decoding, device: torch.device
    ) -> None:
        self.writer, self.vocabulary, self.decoding, self.device = writer, vocabulary, decoding, device
        self.done: list[list[Written]] = [[] for _ in range(count)]
        self.texts = list(range(count))
        self.beams: list[list[tuple[int, ...]]] = [[()] for _ in range(count)]
        self.total = torch.zeros(count, 1, device=device)

    def run(self) -> list[Written]:
        """Search; the best text of each."""
        last = torch.full((len(self.texts),), self.vocabulary.start, device=self.device)
        for step in range(self.decoding.max_length):
            scores = self.writer.score(last)
            flat = [ids for own in self.beams for ids in own]
            scores = _allowed(scores, flat, step, self.vocabulary, self.decoding)
            following = self._extend(scores.view(len(self.texts), -1, scores.shape[1]), step)
            if following is None:
                break
            last = following
        return [max(own, key=lambda entry: entry.score) for own in self.done]

    def _extend(self, scores: Tensor, step: int) -> Tensor | None:
        """Make every beam longer by a token; the newest tokens of the rows to go on with, None if there are none."""
        texts, width, tokens = scores.shape
        sums = (self.total[:, :, None] + scores).view(texts, width * tokens)
        # Of twice as many, half may be ends.
        best, places = sums.topk(min(2 * self.decoding.beams, width * tokens), dim=1)
        at_end = step + 1 == self.decoding.max_length
        rows, last, totals, beams, kept = [], [], [], [], []
        for number, text in enumerate(self.texts):
            going: list[tuple[int, int, float]] = []
            for total, place in zip(best[number].tolist(), places[number].tolist(), strict=True):
                if total == _NEVER:
                    continue
                beam, token = divmod(place, tokens)
                if token == self.vocabulary.end:
                    self._finish(text, self.beams[number][beam], total, step + 1)
                elif at_end:
                    self._finish(text, (*self.beams[number][beam], token), total, step + 1)
                elif len(going) < self.decoding.beams:
                    going.append((beam, token, total))
            if not going or self._is_done(text, going[0][2], step + 1):
                continue
            # A text with fewer open beams than others repeats its last one with no chance to be chosen.
            filled = going + [(*going[-1][:2], _NEVER)] * (self.decoding.beams - len(going))
            kept.append(text)
            rows += [number * width + beam for beam, _, _ in filled]
            last += [token for _, token, _ in filled]
            totals.append([total for _, _, total in filled])
            beams.append([(*self.beams[number][beam], token) for beam, token, _ in filled])
        if not kept:
            return None
        self.texts, self.beams = kept, beams
        self.total = torch.tensor(totals, device=self.device)
        self.writer.select(torch.tensor(rows, device=self.device), self.decoding.beams)
        return torch.tensor(last, device=self.device)

    def _finish(self, text: int, ids: tuple[int, ...], total: float, length: int) -> None:
        own = self.done[text]
        own.append(Written(ids, total, self._score(total, length)))
        own.sort(key=lambda entry: -entry.score)
        del own[self.decoding.beams :]

    def _score(self, total: float, length: int) -> float:
        return float(total / length**self.decoding.length_penalty)

    def _is_done(self, text: int, best: float, length: int) -> bool:
        """Whether no open beam can come before what is there: log-probabilities only fall, lengths only grow."""
        own = self.done[text]
        bounds = (self._score(best, length + 1), self._score(best, self.decoding.max_length))
        return bool(own) and own[0].score >= max(bounds)


def _allowed(
    logits: Tensor, texts: Sequence[Sequence[int]], step: int, vocabulary: Vocabulary, decoding: Decoding
) -> Tensor:
    """Log-probabilities (R, V) of the next tokens, minus infinity where a token may not come.

    Raises:
        InputError: scores are not finite.
    """
    scores = logits.float()
    if not bool(torch.isfinite(scores).all()):
        raise InputError("the caption decoder gives values that are not finite: look for NaN in the image or weights")
    scores = scores.log_softmax(dim=1)
    ends = scores[:, vocabulary.end].clone()
    scores[:, vocabulary.start] = _NEVER
    if step < max(1, decoding.min_length):
        scores[:, vocabulary.end] = _NEVER
    if decoding.no_repeat:
        for row, text in enumerate(texts):
            banned = _repeats(text, decoding.no_repeat)
            if banned:
                scores[row, banned] = _NEVER
    stuck = scores.isneginf().all(dim=1)  # in a vocabulary so small that everything would be a repetition
    scores[stuck, vocabulary.end] = ends[stuck]
    return scores


def _repeats(text: Sequence[int], length: int) -> list[int]:
    """Tokens that would repeat a sequence of `length` tokens of a text."""
    if length == 1:
        return list(set(text))
    tail = tuple(text[len(text) - length + 1 :]) if len(text) >= length - 1 else None
    starts = range(len(text) - length + 1)
    return [text[at + length - 1] for at in starts if tuple(text[at : at + length - 1]) == tail]
