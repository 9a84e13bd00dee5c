"""A narrated corpus in other forms: CSV (``filepath,caption``), LLaVA-style conversations, WebDataset shards.

Each split gets a file of its own (``ships-train.csv``), whose name tells the split.
"""

from __future__ import annotations

import csv
import io
import json
import random
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from swath.corpus.long.parts import table_settings
from swath.corpus.narrate.pictures import Pictures, relative
from swath.corpus.narrate.table import NARRATED
from swath.data import read_dataset
from swath.data.dataset import Dataset
from swath.data.pairs import Pair

PER_SHARD = 1000

_SHORT = (
    "Describe this SAR image in one sentence.",
    "What does this radar image show?",
    "Give a short caption of this SAR image.",
    "What can be seen in this SAR image?",
    "Briefly describe the radar image.",
)
_LONG = (
    "Describe this SAR image in detail.",
    "Give a detailed description of the radar image.",
    "What can be said about this SAR image? Tell everything.",
)


def write_csv(table: Path, to: Path) -> list[Path]:
    """Write ``filepath,caption``, a row a caption; paths are relative to the CSV.

    Args:
        table: a narrated corpus.
        to: the CSV to write; with splits ``<stem>-<split>.csv`` beside it. Pictures of windows go to ``<stem>.images``.

    Returns:
        The files written.

    Raises:
        InputError: the table is no narrated corpus.
        DataError: an image is missing.
    """
    written = []
    for file, pairs, pictures in _by_split(table, to):
        lines = io.StringIO()
        rows = csv.writer(lines, lineterminator="\n")
        rows.writerow(("filepath", "caption"))
        for pair in pairs:
            name = relative(pictures.of(pair), to.parent)
            rows.writerows((name, caption) for caption in pair.captions)
        written.append(_write(file, lines.getvalue()))
    return written


def write_conversations(table: Path, to: Path, seed: int = 0) -> list[Path]:
    """Write a list of ``{id, image, conversations: [{from, value}]}`` as LLaVA has it.

    An image gets a short caption and, where there is one, its long one, as answers to questions that vary; the same
    seed asks the same.

    Args:
        table: a narrated corpus.
        to: the JSON file to write; with splits ``<stem>-<split>.json`` beside it.
        seed: chooses questions and captions.

    Returns:
        The files written.

    Raises:
        InputError: the table is no narrated corpus.
        DataError: an image is missing.
    """
    written = []
    for file, pairs, pictures in _by_split(table, to):
        entries = []
        for pair in pairs:
            rng = random.Random(f"{seed}:{pair.name}")
            turns = [(rng.choice(_SHORT), rng.choice(pair.captions))] if pair.captions else []
            turns += [(rng.choice(_LONG), text) for text in pair.long_captions]
            entries.append({
                "id": pair.name,
                "image": relative(pictures.of(pair), to.parent),
                "conversations": [
                    said
                    for number, (question, answer) in enumerate(turns)
                    for said in (
                        {"from": "human", "value": f"<image>\n{question}" if number == 0 else question},
                        {"from": "gpt", "value": answer},
                    )
                ],
            })  # fmt: skip
        written.append(_write(file, json.dumps(entries, ensure_ascii=False, indent=1) + "\n"))
    return written


def write_narrated_shards(table: Path, to: Path, per_shard: int = PER_SHARD) -> list[Path]:
    """Write WebDataset shards with pictures, captions, and the provenance of every sentence.

    Args:
        table: a narrated corpus.
        to: the folder of the shards, ``<split>-000000.tar`` and so on.
        per_shard: images a shard.

    Returns:
        The shards written.

    Raises:
        InputError: the table is no narrated corpus.
        DataError: an image is missing.
    """
    import pyarrow.parquet as pq

    rows = {row["image"]: row for row in pq.read_table(table).to_pylist()}
    to.mkdir(parents=True, exist_ok=True)
    written = []
    for split, pairs, pictures in _splits(table, to / "pictures"):
        for number, start in enumerate(range(0, len(pairs), per_shard)):
            shard = to / f"{split or 'data'}-{number:06d}.tar"
            partial = shard.with_suffix(".partial")
            with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as archive:
                for place, pair in enumerate(pairs[start : start + per_shard]):
                    file = pictures.of(pair)
                    key = f"{shard.stem}-{place:06d}"
                    _add(archive, key + file.suffix.lower(), file.read_bytes())
                    _add(archive, key + ".json", json.dumps(_about(pair, rows[pair.name]), ensure_ascii=False).encode())
            partial.replace(shard)
            written.append(shard)
    return written


def _about(pair: Pair, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": pair.name,
        "captions": list(pair.captions),
        "long_captions": list(pair.long_captions),
        "labels": list(pair.labels),
        "split": pair.split,
        "location": list(pair.location) if pair.location else None,
        "dataset": row["dataset"],
        "route": row["route"],
        "writer": row["writer"],
        "model": row["model"],
        "sentences": row["sentences"],
        "facts": row["facts"],
        "origin": json.loads(row["origin"]),
    }


def _by_split(table: Path, to: Path) -> Iterator[tuple[Path, Sequence[Pair], Pictures]]:
    """(file, pairs, pictures) of every split."""
    to.parent.mkdir(parents=True, exist_ok=True)
    for split, pairs, pictures in _splits(table, to.with_name(f"{to.stem}.images")):
        yield to.with_name(f"{to.stem}-{split}{to.suffix}") if split else to, pairs, pictures


def _splits(table: Path, folder: Path) -> Iterator[tuple[str, Sequence[Pair], Pictures]]:
    table_settings(table, NARRATED)
    dataset: Dataset = read_dataset(table)
    pictures = Pictures(dataset, folder)
    for split in dict.fromkeys(pair.split for pair in dataset):
        yield split, [pair for pair in dataset if pair.split == split], pictures


def _write(file: Path, text: str) -> Path:
    partial = file.with_name(file.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
    return file


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))
