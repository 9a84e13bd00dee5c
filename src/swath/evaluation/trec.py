"""TREC files: runs (``query Q0 document rank score tag``) and judgements (``query 0 document relevance``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from swath.errors import EvaluationError
from swath.evaluation.ranking import Qrels, Run, ranked


def read_qrels(path: str | Path) -> dict[str, dict[str, int]]:
    """Read relevance judgements.

    Raises:
        EvaluationError: the file cannot be read; a line is not four fields, or judges a document twice.
    """
    found: dict[str, dict[str, int]] = {}
    for number, fields in _lines(path, 4):
        query, _, document, relevance = fields
        own = found.setdefault(query, {})
        if document in own:
            raise EvaluationError(f"{path}, line {number}: document {document!r} is judged twice for query {query!r}")
        try:
            own[document] = int(relevance)
        except ValueError:
            raise EvaluationError(f"{path}, line {number}: relevance {relevance!r} is not a whole number") from None
    return found


def read_run(path: str | Path) -> dict[str, dict[str, float]]:
    """Read a run; the rank column is ignored, as trec_eval does: scores decide.

    Raises:
        EvaluationError: the file cannot be read; a line is not six fields, or answers with a document twice.
    """
    found: dict[str, dict[str, float]] = {}
    for number, fields in _lines(path, 6):
        query, _, document, _, score, _ = fields
        own = found.setdefault(query, {})
        if document in own:
            raise EvaluationError(f"{path}, line {number}: document {document!r} is given twice for query {query!r}")
        try:
            own[document] = float(score)
        except ValueError:
            raise EvaluationError(f"{path}, line {number}: score {score!r} is not a number") from None
    return found


def write_qrels(qrels: Qrels, path: str | Path) -> Path:
    """Write relevance judgements.

    Raises:
        EvaluationError: an id is empty or has white space in it.
    """
    lines = [
        f"{_id(query)} 0 {_id(document)} {relevance}\n"
        for query, own in qrels.items()
        for document, relevance in own.items()
    ]
    Path(path).write_text("".join(lines), encoding="utf-8")
    return Path(path)


def write_run(run: Run, path: str | Path, tag: str = "swath") -> Path:
    """Write a run, best first by trec_eval's rule (see `swath.evaluation.ranking.ranked`).

    Raises:
        EvaluationError: an id or the tag is empty or has white space in it.
    """
    lines = []
    for query, own in run.items():
        lines += [
            f"{_id(query)} Q0 {_id(document)} {rank} {own[document]!r} {_id(tag)}\n"
            for rank, document in enumerate(ranked(own), start=1)
        ]
    Path(path).write_text("".join(lines), encoding="utf-8")
    return Path(path)


def _lines(path: str | Path, fields: int) -> Iterator[tuple[int, list[str]]]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) != fields:
            raise EvaluationError(f"{path}, line {number}: {fields} fields expected, got {len(parts)}")
        yield number, parts


def _id(name: str) -> str:
    if not name or name.split() != [name]:
        raise EvaluationError(f"{name!r} cannot stand in a TREC file: an id must have no white space")
    return name
