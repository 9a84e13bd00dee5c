"""METEOR runs where Java and pycocoevalcap are, in ten seconds; SPICE cannot be had: a script stands for Java."""

from __future__ import annotations

import shutil
import stat
import sys
from pathlib import Path

import pytest

from swath.errors import EvaluationError, MissingExtraError
from swath.evaluation import meteor_spice
from swath.evaluation.ptb import tokenize

CANDIDATES = {"a": "a river near trees .", "b": "", "c": "Two white planes are parked."}
REFERENCES = {"a": ["a wide river is near trees", "trees"], "b": ["a road"], "c": ["two white planes are parked"]}


def java_stand_in(folder: Path, program: str) -> None:
    """A `java` that is a Python script."""
    file = folder / "java"
    file.write_text(f"#!{sys.executable}\n{program}")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def coco() -> None:
    pytest.importorskip("pycocoevalcap")


@pytest.mark.slow
def test_meteor_agrees_with_pycocoevalcap(coco: None) -> None:
    if shutil.which("java") is None:
        pytest.skip("no Java on the PATH")
    from pycocoevalcap.meteor.meteor import Meteor

    told: list[tuple[int, int]] = []
    value, scores = meteor_spice.meteor(CANDIDATES, REFERENCES, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert scores["b"] == 0
    expected, each = Meteor().compute_score(
        {name: [" ".join(tokenize(text)) for text in own] for name, own in REFERENCES.items()},
        {name: [" ".join(tokenize(text))] for name, text in CANDIDATES.items()},
    )
    assert value == pytest.approx(expected, abs=1e-9)
    assert list(scores.values()) == pytest.approx(each, abs=1e-9)


def test_without_java_the_remedy_is_named(coco: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EvaluationError, match=r"no `java` on the PATH.*BLEU, ROUGE-L and CIDEr need none"):
        meteor_spice.meteor(CANDIDATES, REFERENCES)


def test_without_pycocoevalcap_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meteor_spice.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"swath\[caption-metrics\]"):
        meteor_spice.meteor(CANDIDATES, REFERENCES)


def test_a_program_that_dies_says_why(coco: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java_stand_in(tmp_path, "import sys; sys.stderr.write('Could not reserve enough space'); sys.exit(1)")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EvaluationError, match="Could not reserve enough space"):
        meteor_spice.meteor(CANDIDATES, REFERENCES)


def test_spice_names_the_jars_it_lacks(coco: None, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"stanford-corenlp-3\.6\.0\.jar and .*--corenlp"):
        meteor_spice.spice(CANDIDATES, REFERENCES, corenlp=tmp_path)


def test_spice_reads_what_the_program_writes(coco: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in meteor_spice.SPICE_JARS:
        (tmp_path / name).touch()
    java_stand_in(
        tmp_path,
        "import json, sys\n"
        "asked = json.load(open(sys.argv[-5]))\n"
        "score = lambda e: None if not e['test'] else float(e['test'] == e['refs'][0])\n"
        "out = [{'image_id': e['image_id'], 'scores': {'All': {'f': score(e)}}} for e in asked]\n"
        "json.dump(out, open(sys.argv[-3], 'w'))\n",
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(meteor_spice, "_SPICE_CHUNK", 2)
    told: list[int] = []
    value, scores = meteor_spice.spice(CANDIDATES, REFERENCES, tmp_path, progress=lambda done, _: told.append(done))
    assert told == [2, 3]
    assert (scores["a"], scores["c"]) == (0.0, 1.0)
    assert scores["b"] != scores["b"]  # no number, and not counted
    assert value == 0.5
    java_stand_in(tmp_path, "import sys; sys.exit('OutOfMemoryError')")
    with pytest.raises(EvaluationError, match=r"exit code 1.*OutOfMemoryError"):
        meteor_spice.spice(CANDIDATES, REFERENCES, tmp_path)
