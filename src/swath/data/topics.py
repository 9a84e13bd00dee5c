"""Queries and judgements of a labelled corpus: ``queries.jsonl`` and ``qrels/``, as CrisisLandMark has them.

The published judgements could not be seen; where a corpus has none, they are made from its labels: an image is
relevant to a set of labels that it has all of (1), and most relevant where it has no others (2).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from swath.data.dataset import Dataset
from swath.data.pairs import Pair
from swath.errors import DataError

QUERIES = "queries.jsonl"
QRELS = "qrels"
_HEADER = ("query-id", "corpus-id", "score")


@dataclass(frozen=True, slots=True)
class Topics:
    """What a corpus is asked, and what answers.

    Attributes:
        queries: id -> text.
        qrels: query id -> image name -> relevance; 0 is judged as not relevant.
        origin: where the judgements come from (files, or labels).
    """

    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    origin: str

    def check(self, documents: Collection[str]) -> list[str]:
        """Names of judged documents that are not in the corpus, each once.

        Args:
            documents: the names of the corpus' images.
        """
        return list(dict.fromkeys(name for own in self.qrels.values() for name in own if name not in documents))


def grade(query: Collection[str], image: Collection[str]) -> int:
    """How relevant an image with labels is to a set of labels: 2 the same set, 1 all of them and more, 0 else."""
    asked, has = set(query), set(image)
    if not asked or not asked <= has:
        return 0
    return 2 if asked == has else 1


def topics_of(pairs: Iterable[Pair]) -> Topics:
    """Queries and judgements from labels: one query for every label, and for every set of labels that an image has.

    Raises:
        DataError: no image has a label.
    """
    sets: dict[tuple[str, ...], list[str]] = {}
    for pair in pairs:
        if pair.labels:
            sets.setdefault(tuple(pair.labels), []).append(pair.name)
    if not sets:
        raise DataError("no image has labels, so nothing says what answers a query; give queries and judgements")
    single = dict.fromkeys(label for labels in sets for label in labels)
    asked = list(dict.fromkeys([*((label,) for label in single), *sets]))
    qrels: dict[str, dict[str, int]] = {}
    queries: dict[str, str] = {}
    for number, labels in enumerate(asked):
        own = {name: found for has, names in sets.items() if (found := grade(labels, has)) for name in names}
        queries[f"q{number:04d}"] = ". ".join(label.lower() for label in labels)
        qrels[f"q{number:04d}"] = own
    return Topics(queries, qrels, "labels: 2 the same set, 1 all asked and more")


def write_topics(topics: Topics, folder: Path) -> None:
    """Write ``queries.jsonl`` and ``qrels/corpus.tsv`` (TREC form: query 0 document relevance).

    Raises:
        DataError: an image's name has white space in it, which TREC files cannot hold.
    """
    spaced = next((name for own in topics.qrels.values() for name in own if name.split() != [name]), None)
    if spaced is not None:
        raise DataError(f"image name {spaced!r} has white space; judgements cannot name it")
    lines = [json.dumps({"id": query, "query": text}, ensure_ascii=False) for query, text in topics.queries.items()]
    _write(folder / QUERIES, "\n".join(lines) + "\n")
    (folder / QRELS).mkdir(exist_ok=True)
    judged = [f"{query} 0 {name} {found}" for query, own in topics.qrels.items() for name, found in own.items()]
    _write(folder / QRELS / "corpus.tsv", "\n".join(judged) + "\n")


def find_topics(path: Path, queries: Path | None = None, qrels: Path | None = None) -> Topics | None:
    """The queries and judgements beside a corpus, or in files that are named.

    Args:
        path: the corpus: a folder or a file.
        queries: the file of queries, where it is not ``queries.jsonl`` beside the corpus.
        qrels: a file of judgements, or a folder of them, likewise.

    Returns:
        None where neither is named and neither lies beside the corpus.

    Raises:
        DataError: one is there without the other, a file cannot be read, or a judged query has no text.
    """
    folder = path if path.is_dir() else path.parent
    asked, judged = queries or folder / QUERIES, qrels or folder / QRELS
    if queries is None and qrels is None and not asked.is_file() and not judged.exists():
        return None
    texts = dict(_queries(asked))
    found: dict[str, dict[str, int]] = {}
    files = sorted(file for file in judged.iterdir() if file.is_file()) if judged.is_dir() else [judged]
    if not files:
        raise DataError(f"{judged} holds no judgements")
    for file in files:
        for query, own in read_qrels(file).items():
            found.setdefault(query, {}).update(own)
    silent = next((query for query in found if query not in texts), None)
    if silent is not None:
        raise DataError(f"{judged}: judges query {silent!r}, which {asked} does not have")
    return Topics(texts, found, f"{asked.name}, {judged.name}")


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read judgements in any usual form.

    TREC (``query 0 document relevance``), BEIR (a header, then query, document, relevance), or JSON
    ``{query: {document: relevance}}``.

    Raises:
        DataError: unreadable, of another form, or a document is judged twice.
    """
    found: dict[str, dict[str, int]] = {}
    for where, query, document, relevance in _judgements(path):
        own = found.setdefault(query, {})
        if document in own:
            raise DataError(f"{where}: document {document!r} is judged twice for query {query!r}")
        try:
            own[document] = int(str(relevance))
        except ValueError:
            raise DataError(f"{where}: relevance {relevance!r} is not a whole number") from None
    if not found:
        raise DataError(f"{path} holds no judgements")
    return found


def _judgements(path: Path) -> Iterator[tuple[str, str, str, object]]:
    text = _text(path)
    if path.suffix.lower() == ".json":
        try:
            document = json.loads(text)
            rows = [(query, name, value) for query, own in document.items() for name, value in own.items()]
        except (ValueError, AttributeError) as error:
            raise DataError(f"{path} must be JSON {{query: {{document: relevance}}}} ({error})") from error
        yield from ((str(path), *row) for row in rows)
        return
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or (number == 1 and tuple(fields) == _HEADER):
            continue
        if len(fields) not in (3, 4):
            raise DataError(f"{path}, line {number}: expected query 0 document relevance, got {len(fields)} fields")
        yield f"{path}, line {number}", fields[0], fields[-2], fields[-1]


def _queries(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name = next(row[key] for key in ("id", "_id", "query_id", "query-id") if key in row)
            yield str(name), str(next(row[key] for key in ("query", "text") if key in row))
        except (ValueError, TypeError, StopIteration):
            raise DataError(f'{path}, line {number}: must be {{"id": ..., "query": ...}}') from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def documents_of(dataset: Dataset) -> tuple[Pair, ...]:
    """The images that are searched: those of split ``corpus``, else of ``test``, else all that are not ``train``.

    Raises:
        DataError: none is left.
    """
    for name in ("corpus", "test"):
        found = tuple(pair for pair in dataset if pair.split == name)
        if found:
            return found
    found = tuple(pair for pair in dataset if pair.split != "train")
    if not found:
        raise DataError(f"{dataset.name!r} has only a train split; name the split that is searched")
    return found
