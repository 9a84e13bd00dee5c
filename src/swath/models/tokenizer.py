"""CLIP's byte-pair encoding (Radford et al. 2021; the merges file is OpenAI's, MIT licence).

With all merges the ids are exactly CLIP's. A prefix of the merges is a smaller valid encoding, for small models: the
merges are learned in order, so the first N are what byte-pair encoding would have learned with a budget of N.
"""

from __future__ import annotations

import gzip
import html
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from heapq import heapify, heappop, heappush
from importlib import resources
from itertools import pairwise

import ftfy
import regex

from swath.errors import InputError
from swath.models.towers import Tokenized, Truncation
from swath.models.truncation import check_lengths
from swath.models.windows import split

ALL_MERGES = 48_894
"""Merges of CLIP's vocabulary: 48,894 + 512 bytes + start and end = 49,408."""

MAX_CHARACTERS = 100_000
"""Longest text that is tokenised: far above any context length, and a bound on the work one text can cause."""

_MERGES_FILE = "bpe_simple_vocab_16e6.txt.gz"
_WORD = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE)


class Tokenizer:
    """Texts to CLIP token ids and back.

    Args:
        merges: how many of CLIP's merges to use, 0 to 48,894; the vocabulary is 512 bytes + merges + 2.

    Raises:
        InputError: `merges` is out of range.
    """

    def __init__(self, merges: int = ALL_MERGES) -> None:
        if not 0 <= merges <= ALL_MERGES:
            raise InputError(f"merges must be 0 to {ALL_MERGES}, not {merges}")
        self.merges = merges
        table = _merge_table()[:merges]
        symbols = list(_byte_symbols().values())
        symbols += [symbol + "</w>" for symbol in symbols] + [first + second for first, second in table]
        self._ids = {symbol: index for index, symbol in enumerate(symbols)}
        self._symbols = symbols
        self._ranks = {pair: rank for rank, pair in enumerate(table)}
        self.start_id = len(symbols)
        self.end_id = self.start_id + 1
        self._word_ids = lru_cache(maxsize=1 << 16)(self._encode_word)

    def __reduce__(self) -> tuple[type[Tokenizer], tuple[int]]:
        return Tokenizer, (self.merges,)

    @property
    def vocab_size(self) -> int:
        """Number of ids, start and end included."""
        return self.end_id + 1

    def encode(self, text: str) -> list[int]:
        """Ids of a text's words, without start and end. Case, repeated spaces and broken Unicode are mended first.

        Raises:
            InputError: not a string, or more than `MAX_CHARACTERS` characters.
        """
        return [index for word in self.words(text) for index in self._word_ids(word)]

    def words(self, text: str) -> list[str]:
        """The words, digits and punctuation marks that a text is cut into; `encode` strings their `word_ids` together.

        Raises:
            InputError: not a string, or more than `MAX_CHARACTERS` characters.
        """
        found: list[str] = _WORD.findall(clean(text))
        return found

    def word_ids(self, word: str) -> tuple[int, ...]:
        """Ids of one word as it appears inside a text (lower case, ends with a word end)."""
        return self._word_ids(word)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; start, end and every id behind the end are left out."""
        symbols = []
        for index in ids:
            if index == self.end_id:
                break
            if index != self.start_id:
                symbols.append(self._symbols[index])
        data = bytearray(_symbol_bytes()[char] for char in "".join(symbols).replace("</w>", " "))
        return data.decode("utf-8", errors="replace").strip()

    def __call__(self, texts: Sequence[str], context_length: int, truncation: Truncation = "warn") -> Tokenized:
        """Ids with start and end, at most `context_length` of them a text or window; a cut text keeps its end token.

        Raises:
            InputError: a text is too long and `truncation` is ``error``, or a text cannot be used.
        """
        if isinstance(texts, str):
            raise InputError("give a list of texts, not one text")
        rows = [[self.start_id, *self.encode(text), self.end_id] for text in texts]
        over = check_lengths([len(row) for row in rows], texts, context_length, truncation)
        if truncation == "window":
            return split(rows, context_length)
        if over:
            rows = [row if len(row) <= context_length else [*row[: context_length - 1], self.end_id] for row in rows]
        return Tokenized(rows, over)

    def _encode_word(self, word: str) -> tuple[int, ...]:
        table = _byte_symbols()
        parts = [table[byte] for byte in word.encode("utf-8")]
        parts[-1] += "</w>"
        return tuple(self._ids[part] for part in _merge(parts, self._ranks))


def clean(text: str) -> str:
    """Mend Unicode and HTML entities, join runs of white space, and lower the case, as CLIP does.

    Raises:
        InputError: not a string, or more than `MAX_CHARACTERS` characters.
    """
    if not isinstance(text, str):
        raise InputError(f"a text must be a string, not {type(text).__name__}")
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"a text of {len(text)} characters is over the limit of {MAX_CHARACTERS}: {text[:40]!r}...")
    # Printable ASCII without entities is what most captions are, and ftfy leaves it as it is.
    if not (text.isascii() and text.isprintable() and "&" not in text):
        text = html.unescape(html.unescape(ftfy.fix_text(text)))
    return " ".join(text.split()).lower()


def _merge(parts: list[str], ranks: Mapping[tuple[str, str], int]) -> list[str]:
    """Merge the pair of lowest rank wherever it stands, from left to right, until no pair has a rank.

    A heap of places keeps this at O(N log N), so that a "word" of many thousand letters does no harm.
    """
    parts = list(parts)
    before, after = list(range(-1, len(parts) - 1)), [*range(1, len(parts)), -1]
    heap = [(ranks[pair], place) for place, pair in enumerate(pairwise(parts)) if pair in ranks]
    heapify(heap)
    while heap:
        rank = heap[0][0]
        places, merged = [], []
        while heap and heap[0][0] == rank:
            places.append(heappop(heap)[1])
        for place in places:
            following = after[place]
            # A place is stale once its symbol, or the one behind it, has become part of another.
            if following < 0 or ranks.get((parts[place], parts[following])) != rank:
                continue
            parts[place] += parts[following]
            parts[following] = ""
            after[place] = after[following]
            after[following] = -1
            if after[place] >= 0:
                before[after[place]] = place
            merged.append(place)
        for place in merged:
            for first in (before[place], place):
                pair = (parts[first], parts[after[first]]) if first >= 0 and after[first] >= 0 else ("", "")
                if pair in ranks:
                    heappush(heap, (ranks[pair], first))
    return [part for part in parts if part]


@cache
def _byte_symbols() -> dict[int, str]:
    """A printable character for each byte: itself where it is printable Latin-1, else one from U+0100 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + n) for n, byte in enumerate(others)}


@cache
def _symbol_bytes() -> dict[str, int]:
    return {symbol: byte for byte, symbol in _byte_symbols().items()} | {" ": ord(" ")}


@cache
def _merge_table() -> list[tuple[str, str]]:
    packed = resources.files("swath.models").joinpath(_MERGES_FILE).read_bytes()
    lines = gzip.decompress(packed).decode("utf-8").split("\n")[1 : ALL_MERGES + 1]
    return [(first, second) for first, second in (line.split() for line in lines)]
