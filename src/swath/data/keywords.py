"""Keywords (EBAKER, section 3.4): the most frequent words of each data set, stop words aside, merged into one list."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from swath.data.annotations import Annotations
from swath.data.dataset import Dataset
from swath.data.words import content_words
from swath.errors import DataError

PER_DATASET = 512
"""Keywords taken of each data set, as in the paper; its three sets give 800 together."""


@dataclass(frozen=True, slots=True)
class Keywords:
    """Keywords with their statistics.

    Attributes:
        words: the keywords, most frequent first (over all data sets together).
        counts: data set -> keyword -> how often it stands in the captions; keywords of that data set's own list only.
    """

    words: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return any(word in own for own in self.counts.values())

    def write(self, path: str | Path) -> None:
        """Write the list as JSON."""
        document = {"words": list(self.words), "counts": {name: dict(own) for name, own in self.counts.items()}}
        Path(path).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def word_counts(captions: Iterable[str]) -> Counter[str]:
    """How often each word that is not a stop word stands in captions; case does not matter.

    Punctuation and digits are no words. Words appear in the order of their first use.
    """
    counts: Counter[str] = Counter()
    for text in captions:
        counts.update(content_words(text))
    return counts


def keywords(
    datasets: Sequence[Dataset | Annotations], top: int = PER_DATASET, split: str | None = "train"
) -> Keywords:
    """The most frequent words of each data set, merged.

    Args:
        datasets: with different names.
        top: words taken of each; of equally frequent ones, those first in the alphabet.
        split: count this split only, where a data set has it; None counts all captions.

    Raises:
        DataError: no data set, two of one name, `top` below 1, or a data set without a single word.
    """
    names = [data.name for data in datasets]
    if not names or len(set(names)) < len(names):
        raise DataError(f"keywords need data sets with different names (name=...); got {', '.join(names) or 'none'}")
    if top < 1:
        raise DataError(f"the number of keywords a data set must be at least 1, not {top}")
    counts: dict[str, dict[str, int]] = {}
    for data in datasets:
        found = word_counts(_captions(data, split))
        if not found:
            raise DataError(f"the captions of {data.name!r} hold no word that is not a stop word; no keywords in it")
        counts[data.name] = dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:top])
    return _merged(counts)


def merge_keywords(lists: Sequence[Keywords]) -> Keywords:
    """Join lists, such as one made for each data set.

    Raises:
        DataError: no list, or two that count one data set.
    """
    counts: dict[str, Mapping[str, int]] = {}
    for one in lists:
        twice = sorted(counts.keys() & one.counts.keys())
        if twice:
            raise DataError(f"two keyword lists count the same data set: {', '.join(twice)}")
        counts.update(one.counts)
    if not counts:
        raise DataError("there is no keyword list to merge")
    return _merged(counts)


def read_keywords(path: str | Path) -> Keywords:
    """Read a list: what `Keywords.write` wrote, or a text file with a word a line.

    Raises:
        DataError: no such file, no word in it, or not what it should be.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"keyword list {path} cannot be read: {error}") from error
    if path.suffix != ".json":
        words = list(dict.fromkeys(line.strip().lower() for line in text.splitlines() if line.strip()))
        if not words:
            raise DataError(f"keyword list {path} is empty")
        return Keywords(tuple(words), {path.stem: dict.fromkeys(words, 0)})
    try:
        document = json.loads(text)
        counts = {
            str(name): {str(word): int(count) for word, count in own.items()}
            for name, own in document["counts"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f'{path} is not a keyword list: it needs "counts" by data set and word ({error!r})') from error
    if not any(counts.values()):
        raise DataError(f"keyword list {path} is empty")
    return _merged(counts)


def _captions(data: Dataset | Annotations, split: str | None) -> list[str]:
    if isinstance(data, Dataset):
        entries = [(pair.split, (*pair.captions, *pair.long_captions)) for pair in data]
    else:
        entries = [(entry.split, (*entry.captions, *entry.long_captions)) for entry in data.entries]
    counted = split if split in {name for name, _ in entries} else None
    return [text for name, texts in entries if counted in (None, name) for text in texts]


def _merged(counts: Mapping[str, Mapping[str, int]]) -> Keywords:
    together: Counter[str] = Counter()
    for own in counts.values():
        together.update(own)
    ranked = sorted(together, key=lambda word: (-together[word], word))
    return Keywords(tuple(ranked), dict(counts))
