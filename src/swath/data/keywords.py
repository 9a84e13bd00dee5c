"""Keywords (EBAKER, section 3.4): the most frequent words of each data set, stop words aside, merged into one list."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from swath.data.annotations import Annotations
from swath.data.dataset import Dataset, require_distinct
from swath.data.words import content_words, stop_words, words
from swath.errors import DataError

PER_DATASET = 512
"""Keywords taken of each data set, as in the paper; its three sets give 800 together."""

_REMEDY = "; write one word a line, or make a list with: swath data keywords DATASET... --to FILE"


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
        """Write the list for `read_keywords`: with its counts where the name ends in ``.json``, else a word a line.

        Raises:
            DataError: the file cannot be written.
        """
        path = Path(path)
        text = "\n".join(self.words)
        if path.suffix == ".json":
            document = {"words": list(self.words), "counts": {name: dict(own) for name, own in self.counts.items()}}
            text = json.dumps(document, indent=1, ensure_ascii=False)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise DataError(f"keyword list {path} cannot be written: {error}") from error


@dataclass(frozen=True, slots=True)
class WordFacts:
    """Counts of the words of one data set's captions.

    Attributes:
        dataset: its name.
        captions: captions counted.
        words: words in them, as often as they stand there.
        stop_words: how many of `words` are stop words.
        distinct: different words that are not stop words.
        keywords: length of the data set's own list.
        covered: how many of `words` are on the merged list, so that masking keywords hides them.
    """

    dataset: str
    captions: int
    words: int
    stop_words: int
    distinct: int
    keywords: int
    covered: int

    def to_dict(self) -> dict[str, str | int]:
        """The facts as JSON values."""
        return asdict(self)


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
        split: count this split only; None, or a data set without splits, counts all captions.

    Raises:
        DataError: no data set, two of one name, `top` below 1, a data set with other splits, or without a single word.
    """
    require_distinct([data.name for data in datasets], "keywords need")
    if top < 1:
        raise DataError(f"the number of keywords a data set must be at least 1, not {top}")
    counts: dict[str, dict[str, int]] = {}
    for data in datasets:
        found = word_counts(_captions(data, split))
        if not found:
            raise DataError(f"the captions of {data.name!r} hold no word that is not a stop word; no keywords in it")
        counts[data.name] = dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:top])
    return _merged(counts)


def word_facts(
    datasets: Sequence[Dataset | Annotations], found: Keywords, split: str | None = "train"
) -> tuple[WordFacts, ...]:
    """What `keywords` counted, data set by data set.

    Args:
        datasets: those that `found` was made of.
        found: the merged list.
        split: as `keywords` was given it.
    """
    listed, stops = frozenset(found.words), stop_words()
    facts = []
    for data in datasets:
        texts = _captions(data, split)
        counts = Counter(word for text in texts for word in words(text))
        facts.append(
            WordFacts(
                data.name,
                captions=len(texts),
                words=counts.total(),
                stop_words=sum(count for word, count in counts.items() if word in stops),
                distinct=sum(word not in stops for word in counts),
                keywords=len(found.counts[data.name]),
                covered=sum(count for word, count in counts.items() if word in listed),
            )
        )
    return tuple(facts)


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
        listed = list(dict.fromkeys(line.strip().lower() for line in text.splitlines() if line.strip()))
        if not listed:
            raise DataError(f"keyword list {path} is empty{_REMEDY}")
        return Keywords(tuple(listed), {path.stem: dict.fromkeys(listed, 0)})
    try:
        document = json.loads(text)
        counts = {
            str(name): {str(word): int(count) for word, count in own.items()}
            for name, own in document["counts"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f'{path} is not a keyword list: it needs "counts" by data set and word ({error!r})') from error
    if not any(counts.values()):
        raise DataError(f"keyword list {path} is empty{_REMEDY}")
    return _merged(counts)


def _captions(data: Dataset | Annotations, split: str | None) -> list[str]:
    if isinstance(data, Dataset):
        entries = [(pair.split, (*pair.captions, *pair.long_captions)) for pair in data]
    else:
        entries = [(entry.split, (*entry.captions, *entry.long_captions)) for entry in data.entries]
    known = [name for name in dict.fromkeys(name for name, _ in entries) if name]
    if split is not None and known and split not in known:
        raise DataError(
            f"data set {data.name!r} has no split {split!r} to count; it has {', '.join(known)}: name one of them, "
            "or count every caption (split=None, --split all)"
        )
    return [text for name, texts in entries if split is None or not known or name == split for text in texts]


def _merged(counts: Mapping[str, Mapping[str, int]]) -> Keywords:
    together: Counter[str] = Counter()
    for own in counts.values():
        together.update(own)
    ranked = sorted(together, key=lambda word: (-together[word], word))
    return Keywords(tuple(ranked), dict(counts))
