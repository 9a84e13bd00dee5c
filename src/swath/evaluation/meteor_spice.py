"""METEOR and SPICE: the Java programs that pycocoevalcap brings, run with progress and clear messages.

METEOR 1.5 (Denkowski and Lavie 2014) comes with pycocoevalcap and needs Java. SPICE 1.0 (Anderson et al. 2016) also
needs Stanford CoreNLP 3.6.0 with its models, which nothing here downloads: put ``stanford-corenlp-3.6.0.jar`` and
``stanford-corenlp-3.6.0-models.jar`` into one folder and name it. Both take captions as `swath.evaluation.ptb` cuts
them.
"""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from swath.errors import EvaluationError, MissingExtraError
from swath.evaluation.ptb import tokenize

Progress = Callable[[int, int], None]
"""Called with (done, total) images."""

SPICE_JARS = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")
"""What SPICE needs beside pycocoevalcap."""

_SPICE_CHUNK = 500  # images a call: its only sign of progress


def java() -> str:
    """The Java program.

    Raises:
        EvaluationError: there is none.
    """
    found = shutil.which("java")
    if found is None:
        raise EvaluationError(
            "METEOR and SPICE are Java programs, and there is no `java` on the PATH: install a Java runtime "
            "(8 or later), or leave these two out; BLEU, ROUGE-L and CIDEr need none"
        )
    return found


def meteor(
    candidates: Mapping[str, str], references: Mapping[str, Sequence[str]], progress: Progress | None = None
) -> tuple[float, dict[str, float]]:
    """METEOR of a set of captions, and of each image.

    Args:
        candidates: image -> caption.
        references: image -> at least one reference.
        progress: told after every image.

    Returns:
        the set's score, which METEOR computes from summed counts, and each image's, from 0 to 1.

    Raises:
        EvaluationError: there is no Java, or the program fails.
        MissingExtraError: pycocoevalcap is not installed.
    """
    folder = _package() / "meteor"
    command = [java(), "-Xmx2G", "-jar", "meteor-1.5.jar", "-", "-", "-stdio", "-l", "en", "-norm"]
    statistics = []
    with _conversation(command, folder) as ask:
        for done, (image, caption) in enumerate(candidates.items(), 1):
            texts = [_plain(text) for text in references[image]]
            statistics.append(ask(" ||| ".join(["SCORE", *texts, _plain(caption)])))
            if progress is not None:
                progress(done, len(candidates))
        scores = [float(ask(" ||| ".join(["EVAL", *statistics])))]
        scores += [float(ask(None)) for _ in candidates]
    return scores[-1], dict(zip(candidates, scores[:-1], strict=True))


def spice(
    candidates: Mapping[str, str],
    references: Mapping[str, Sequence[str]],
    corenlp: str | Path | None = None,
    memory: str = "8G",
    progress: Progress | None = None,
) -> tuple[float, dict[str, float]]:
    """SPICE (F-score of scene-graph tuples) of a set of captions, and of each image.

    Args:
        candidates: image -> caption.
        references: image -> at least one reference.
        corenlp: the folder that holds `SPICE_JARS`; by default that where pycocoevalcap puts them.
        memory: what Java may use.
        progress: told after every few hundred images.

    Returns:
        the mean over images that have a score, and each image's; NaN where neither text has a tuple.

    Raises:
        EvaluationError: there is no Java, the jars are missing, or the program fails.
        MissingExtraError: pycocoevalcap is not installed.
    """
    home = _package() / "spice"
    folder = Path(corenlp) if corenlp is not None else home / "lib"
    missing = [name for name in SPICE_JARS if not (folder / name).is_file()]
    if missing:
        raise EvaluationError(
            f"SPICE is not available: {' and '.join(missing)} not found in {folder}. They are part of Stanford CoreNLP "
            "3.6.0 (of 2015-12-09); put them into one folder and name it with --corenlp, or leave SPICE out"
        )
    path = [home / "spice-1.0.jar", *sorted((home / "lib").glob("*.jar")), *(folder / name for name in SPICE_JARS)]
    command = [java(), f"-Xmx{memory}", "-cp", ":".join(map(str, path)), "edu.anu.spice.SpiceScorer"]
    images = list(candidates)
    found: dict[str, float] = {}
    for start in range(0, len(images), _SPICE_CHUNK):
        part = images[start : start + _SPICE_CHUNK]
        document = [
            {"image_id": image, "test": _plain(candidates[image]), "refs": [_plain(text) for text in references[image]]}
            for image in part
        ]
        found |= _run_spice(command, document)
        if progress is not None:
            progress(start + len(part), len(images))
    known = [score for score in found.values() if not math.isnan(score)]
    return sum(known) / len(known) if known else math.nan, found


def _run_spice(command: Sequence[str], document: Sequence[Mapping[str, object]]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "in.json", Path(folder) / "out.json"
        asked.write_text(json.dumps(document), encoding="utf-8")
        done = subprocess.run(  # noqa: S603 - a fixed program, no shell
            [*command, str(asked), "-out", str(answered), "-subset", "-silent"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not answered.is_file():
            raise EvaluationError(f"SPICE failed (exit code {done.returncode}): {_tail(done.stderr)}")
        entries = json.loads(answered.read_text(encoding="utf-8"))
    values = {str(entry["image_id"]): entry["scores"]["All"]["f"] for entry in entries}
    return {image: math.nan if value is None else float(value) for image, value in values.items()}


@contextmanager
def _conversation(command: Sequence[str], folder: Path) -> Iterator[Callable[[str | None], str]]:
    """A program that answers line by line; what it complains of goes into the error's message."""
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(  # noqa: S603 - a fixed program, no shell
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, encoding="utf-8"
        ) as program,
    ):
        try:
            yield lambda line: _ask(program, complaints, line)
        finally:
            program.kill()


def _ask(program: subprocess.Popen[str], complaints: IO[bytes], line: str | None) -> str:
    """Send a line, if there is one, and read one."""
    assert program.stdin is not None and program.stdout is not None  # noqa: S101, PT018 - both are pipes
    answer = ""
    try:
        if line is not None:
            program.stdin.write(line + "\n")
            program.stdin.flush()
        answer = program.stdout.readline().strip()
    except BrokenPipeError:
        pass  # it has ended; its complaints tell why
    if not answer:
        complaints.seek(0)
        raise EvaluationError(f"METEOR stopped without an answer: {_tail(complaints.read().decode(errors='replace'))}")
    return answer


def _tail(text: str) -> str:
    return " ".join(text.split())[-400:] or "it said nothing"


def _plain(caption: str) -> str:
    return " ".join(tokenize(caption)).replace("|||", "").replace("  ", " ")


def _package() -> Path:
    """The folder of pycocoevalcap."""
    found = importlib.util.find_spec("pycocoevalcap")
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError("pycocoevalcap", "caption-metrics")
    return Path(next(iter(found.submodule_search_locations)))
