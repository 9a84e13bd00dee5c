"""The door: `audit` looks through data sets and says what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from swath.chips import Chip
from swath.data.audit.captions import (
    CaptionFacts,
    CaptionRow,
    OddCaption,
    Overlap,
    caption_facts,
    caption_rows,
    odd_captions,
    split_overlaps,
)
from swath.data.audit.contradictions import Contradiction, LabelledCaptions, contradictions
from swath.data.audit.duplicates import DuplicateGroup, find_duplicates
from swath.data.audit.near_texts import near_repeats
from swath.data.audit.precedence import HELD_OUT, duplicate_exclusions
from swath.data.audit.scan import BrokenImage, ImageRow, Progress, image_rows, scan
from swath.data.dataset import Dataset, Failure, require_distinct
from swath.data.exclusions import Exclusion, Exclusions
from swath.errors import DataError

EXCLUDED_SCORE = 7.0
"""Contradictions with odds of 1,000 to 1 are left out of training; weaker ones are only reported."""

_UNUSABLE = ("blank", "no word")


@dataclass(frozen=True, slots=True)
class NearRepeat:
    """Two captions that nearly agree.

    Attributes:
        first: one of them.
        second: the other.
        similarity: Jaccard similarity of their words.
        across: whether they stand in different splits.
    """

    first: CaptionRow
    second: CaptionRow
    similarity: float
    across: bool


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found.

    Attributes:
        settings: what it was asked to do.
        facts: counts of each data set's captions.
        duplicates: groups of images that show the same.
        overlaps: captions that splits have in common.
        near_repeats: captions that nearly agree.
        contradictions: captions that speak of another class than the image's.
        odd: captions that look wrong by themselves.
        broken: images that cannot be decoded or show nothing.
        failures: what reading the data sets left out, by data set.
        exclusions: what training should leave out because of all this.
        pictures: the images named in `contradictions`, by (data set, image), for the page.
    """

    settings: dict[str, Any]
    facts: tuple[CaptionFacts, ...]
    duplicates: tuple[DuplicateGroup, ...]
    overlaps: tuple[Overlap, ...]
    near_repeats: tuple[NearRepeat, ...]
    contradictions: tuple[Contradiction, ...]
    odd: tuple[OddCaption, ...]
    broken: tuple[BrokenImage, ...]
    failures: tuple[tuple[str, Failure], ...]
    exclusions: Exclusions
    pictures: Mapping[tuple[str, str], Chip]

    @property
    def summary(self) -> dict[str, int]:
        """The number of findings of each kind."""
        return {
            "duplicate_groups": len(self.duplicates),
            "duplicate_groups_near_exact": sum(group.near_exact for group in self.duplicates),
            "duplicate_groups_across_splits": sum(group.crosses_splits for group in self.duplicates),
            "duplicate_groups_across_datasets": sum(group.crosses_datasets for group in self.duplicates),
            "near_repeated_captions": len(self.near_repeats),
            "near_repeated_captions_across_splits": sum(one.across for one in self.near_repeats),
            "contradictions": len(self.contradictions),
            "odd_captions": len(self.odd),
            "broken_images": len(self.broken),
            "failures": len(self.failures),
            "exclusions": len(self.exclusions),
        }

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "settings": self.settings,
            "summary": self.summary,
            "datasets": [asdict(fact) for fact in self.facts],
            "duplicates": [_group(group) for group in self.duplicates],
            "caption_overlaps": [asdict(overlap) for overlap in self.overlaps],
            "near_repeats": [asdict(one) for one in self.near_repeats],
            "contradictions": [asdict(one) for one in self.contradictions],
            "odd_captions": [{**asdict(one.row), "reason": one.reason} for one in self.odd],
            "broken_images": [asdict(one) for one in self.broken],
            "failures": [{"dataset": name, **asdict(failure)} for name, failure in self.failures],
            "exclusions": [asdict(entry) for entry in self.exclusions.entries],
        }

    def write(self, folder: str | Path) -> dict[str, Path]:
        """Write ``audit.json``, ``audit.html`` (with pictures) and ``exclusions.csv``; the folder is made if needed.

        Returns:
            the three files, by kind: ``json``, ``html``, ``exclusions``.

        Raises:
            DataError: the folder cannot be written.
        """
        from swath.data.audit.report import render

        folder = Path(folder)
        files = {
            "json": folder / "audit.json",
            "html": folder / "audit.html",
            "exclusions": folder / "exclusions.csv",
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            files["json"].write_text(json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            self.exclusions.write(files["exclusions"])
            files["html"].write_text(render(self), encoding="utf-8")
        except OSError as error:
            raise DataError(f"the report cannot be written to {folder}: {error}") from error
        return files


def audit(
    datasets: Iterable[Dataset],
    *,
    threshold: int = 2,
    turned: bool = False,
    similarity: float = 0.9,
    min_score: float = 5.0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> AuditReport:
    """Look through data sets, each by itself and against each other.

    Args:
        datasets: one or several, with different names.
        threshold: differing bits of perceptual hashes up to which images count as duplicates (the paper's 2).
        turned: also find copies that are turned or mirrored.
        similarity: Jaccard similarity from which captions count as near repeats.
        min_score: how strongly captions must speak of another class to be suspicious (natural log of the odds).
        workers: threads that read images; the number of cores by default.
        progress: told how far reading is.

    Raises:
        DataError: no data set, or two of one name.
    """
    datasets = list(datasets)
    names = [data.name for data in datasets]
    require_distinct(names, "an audit needs")
    rows = image_rows(datasets)
    texts = caption_rows(datasets)
    found = scan(rows, workers, progress)
    duplicates = tuple(find_duplicates(found, threshold, turned))
    suspicious = tuple(contradictions(_labelled(rows), min_score))
    odd = tuple(odd_captions(texts))
    settings = {"datasets": names, "threshold": threshold, "turned": turned, "similarity": similarity}
    return AuditReport(
        settings={**settings, "min_score": min_score, "date": datetime.now(UTC).date().isoformat()},
        facts=tuple(caption_facts(texts)),
        duplicates=duplicates,
        overlaps=tuple(split_overlaps(texts)),
        near_repeats=_near_repeats(texts, similarity),
        contradictions=suspicious,
        odd=odd,
        broken=found.broken,
        failures=tuple((data.name, failure) for data in datasets for failure in data.failures),
        exclusions=Exclusions(tuple(dict.fromkeys(_exclusions(duplicates, suspicious, odd, found.broken)))),
        pictures=_pictures(rows, suspicious),
    )


def _labelled(rows: Sequence[ImageRow]) -> list[LabelledCaptions]:
    return [
        LabelledCaptions(row.dataset, row.split, row.image, row.label, row.captions)
        for row in rows
        if row.label and row.captions
    ]


def _pictures(rows: Iterable[ImageRow], found: Iterable[Contradiction]) -> dict[tuple[str, str], Chip]:
    wanted = {(one.item.dataset, one.item.image) for one in found}
    return {key: row.chip for row in rows if (key := (row.dataset, row.image)) in wanted}


def _near_repeats(rows: Sequence[CaptionRow], similarity: float) -> tuple[NearRepeat, ...]:
    """Near repeats of different captions; a caption that stands in several places is named by its first."""
    first: dict[str, CaptionRow] = {}
    splits: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        key = " ".join(row.text.split())
        first.setdefault(key, row)
        splits.setdefault(key, set()).add((row.dataset, row.split))
    keys = list(first)
    return tuple(
        NearRepeat(first[keys[i]], first[keys[j]], round(score, 4), len(splits[keys[i]] | splits[keys[j]]) > 1)
        for i, j, score in near_repeats(keys, similarity)
    )


def _exclusions(
    duplicates: Iterable[DuplicateGroup],
    suspicious: Iterable[Contradiction],
    odd: Iterable[OddCaption],
    broken: Iterable[BrokenImage],
) -> Iterator[Exclusion]:
    """What training should leave out. Images that are measured on stay, so that results compare with the field's."""
    for image in broken:
        yield Exclusion(image.dataset, image.split, image.image, "", "broken image", image.reason)
    yield from duplicate_exclusions(duplicates)
    for one in suspicious:
        if one.item.split not in HELD_OUT and one.score >= EXCLUDED_SCORE:
            evidence = f"captions speak of {one.looks_like!r} ({', '.join(one.because)}), image is {one.item.label!r}"
            yield Exclusion(one.item.dataset, one.item.split, one.item.image, "", "suspicious captions", evidence)
    for caption in odd:
        where = caption.row
        if caption.reason in _UNUSABLE and where.split not in HELD_OUT:
            yield Exclusion(where.dataset, where.split, where.image, where.text, "unusable caption", caption.reason)


def _group(group: DuplicateGroup) -> dict[str, Any]:
    return {
        "near_exact": group.near_exact,
        "crosses_splits": group.crosses_splits,
        "crosses_datasets": group.crosses_datasets,
        "members": [
            {
                "dataset": member.row.dataset,
                "split": member.row.split,
                "image": member.row.image,
                "href": member.row.chip.scene.href,
                "distance": member.distance,
                "difference": member.difference,
            }
            for member in group.members
        ],
    }
