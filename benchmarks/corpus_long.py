"""Long captions of real pairs by the grammar, and how well the checker tells invented facts from true ones.

Texts with invented facts are true paragraphs with one thing changed: a sentence from an image of another class that
says something the image's own captions do not, a changed number, an exchanged colour, an exchanged relation, a made-up
object, place, date or sensor. True texts are the paragraphs themselves and rewritten ones: other words for the same
thing, digits for number words, sentences in another order. `rejected_share` is the share of true texts that the checker
rejects. `free_accepted` and `free_caught` are measured on corpus_long_cases.json: paragraphs written by hand in the
style of language models, one faithful and one with an invention for each pair of captions.

python benchmarks/corpus_long.py [--pairs 2000]
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from harness import data_root, write_result

from swath.corpus.checker import Checker
from swath.corpus.facts import Fact, Facts
from swath.corpus.gathering import contradicting, facts_of
from swath.corpus.long import write_long_captions
from swath.data import Dataset, read_dataset
from swath.data.words import content_words

SEED = 0
NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
COLOURS = ("red", "yellow", "green", "blue", "brown", "black", "white", "orange", "gray")
RELATIONS = (
    ("near", "under"),
    ("next to", "behind"),
    ("around", "in front of"),
    ("surrounded by", "under"),
    ("between", "under"),
)
SAME = (
    ("planes", "aircraft"), ("airplane", "plane"), ("boats", "vessels"), ("cars", "automobiles"), ("port", "harbor"),
    ("parking lot", "car park"), ("farmland", "cropland"), ("soccer field", "football field"), ("next to", "beside"),
    ("houses", "buildings"), ("forest", "woodland"), ("ocean", "sea"), ("gray", "grey"), ("lots of", "many"),
    ("storage tanks", "oil tanks"), ("freeway", "highway"),
)  # fmt: skip
INSERTED = {
    "place": ("It lies in southern {}.", ("Brittany", "Queensland", "Ontario", "Bavaria", "Kyushu", "Anatolia")),
    "time": ("The image was taken in {}.", ("July 2016", "December 2011", "the winter of 2009", "early morning")),
    "sensor": ("It was taken by {}.", ("Landsat 8", "a drone", "Sentinel-2", "radar", "WorldView-3")),
    "object": (
        "In one part there {}.",
        ("is a lighthouse", "is a wind farm", "are two helicopters", "is a cemetery", "are grazing cattle"),
    ),
}  # fmt: skip

Change = Callable[[str, random.Random], str | None]


def main() -> None:
    """Write the corpus, plant inventions, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=2000)
    count = parser.parse_args().pairs
    rng = random.Random(SEED)
    start = time.perf_counter()
    metrics: dict[str, float] = {"pairs": count}
    caught: dict[str, list[bool]] = {}
    passed: dict[str, list[bool]] = {}
    tokens: list[int] = []
    vocabulary: set[str] = set()
    for name in ("rsicd", "ucm"):
        dataset = _sample(read_dataset(data_root() / name), count // 2, rng)
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            report = write_long_captions(dataset, Path(folder) / f"{name}.parquet")
            seconds = time.perf_counter() - began
            texts = _texts(Path(folder) / f"{name}.parquet")
        summary = report.summary
        tokens += _lengths(texts, vocabulary)
        metrics |= {
            f"{name}_pairs_per_second": len(dataset) / seconds,
            f"{name}_with_long": summary.with_long,
            f"{name}_tokens_p50": summary.tokens.p50,
            f"{name}_tokens_p90": summary.tokens.p90,
            f"{name}_duplicates": summary.duplicates,
            f"{name}_vocabulary": summary.vocabulary,
            f"{name}_contradicted": len(report.contradicted),
        }
        _judge(dataset, texts, rng, caught, passed)
    true_positives = sum(map(sum, caught.values()))
    planted = sum(map(len, caught.values()))
    false_positives = sum(not ok for found in passed.values() for ok in found)
    metrics |= {
        "checker_precision": true_positives / max(true_positives + false_positives, 1),
        "checker_recall": true_positives / max(planted, 1),
        "planted": planted,
        "true_texts": sum(map(len, passed.values())),
        "rejected_share": false_positives / max(sum(map(len, passed.values())), 1),
        "seconds": time.perf_counter() - start,
    }
    metrics |= {f"recall_{kind}": sum(found) / len(found) for kind, found in sorted(caught.items())}
    metrics |= {f"accepted_{kind}": sum(found) / len(found) for kind, found in sorted(passed.items())}
    lengths = np.array(tokens)
    metrics |= {
        f"tokens_{low}_to_{low + 39}": int(((lengths >= low) & (lengths < low + 40)).sum()) for low in range(0, 240, 40)
    }
    metrics |= {f"tokens_p{q}": float(np.percentile(lengths, q)) for q in (10, 50, 90)}
    metrics |= {"duplicates": metrics["rsicd_duplicates"] + metrics["ucm_duplicates"]}
    metrics |= {"vocabulary": len(vocabulary)}
    metrics |= _free_texts()
    intervals = {"checker_recall": _interval(true_positives, planted)}
    write_result("corpus_long", {"pairs": count, "seed": SEED, "writer": "grammar"}, metrics, intervals)


def _free_texts() -> dict[str, float]:
    """Shares of the faithful paragraphs written by hand that pass, and of the unfaithful ones that are caught."""
    cases = json.loads(Path(__file__).with_name("corpus_long_cases.json").read_text(encoding="utf-8"))
    checker = Checker()
    passed, caught = [], []
    for number, case in enumerate(cases):
        facts = Facts(
            str(number), tuple(Fact("caption", "", text, f"captions[{at}]") for at, text in enumerate(case["captions"]))
        )
        passed.append(not checker.check(case["faithful"], facts))
        caught.append(bool(checker.check(case["unfaithful"], facts)))
    return {
        "free_texts": len(cases),
        "free_accepted": sum(passed) / len(cases),
        "free_caught": sum(caught) / len(cases),
    }


def _lengths(texts: dict[str, str], vocabulary: set[str]) -> list[int]:
    """Lengths of the texts in tokens; their words join the vocabulary."""
    from swath.corpus.tokens import token_count
    from swath.data.words import words

    for text in texts.values():
        vocabulary.update(words(text))
    return [token_count(text) for text in texts.values()]


def _sample(dataset: Dataset, count: int, rng: random.Random) -> Dataset:
    chosen = sorted(rng.sample(range(len(dataset)), min(count, len(dataset))))
    return replace(dataset, pairs=tuple(dataset[index] for index in chosen))


def _texts(table: Path) -> dict[str, str]:
    import pyarrow.parquet as pq

    rows = pq.read_table(table, columns=["image", "long_captions"]).to_pylist()
    return {row["image"]: row["long_captions"][0] for row in rows if row["long_captions"]}


def _judge(
    dataset: Dataset,
    texts: dict[str, str],
    rng: random.Random,
    caught: dict[str, list[bool]],
    passed: dict[str, list[bool]],
) -> None:
    checker, doubted = Checker(), contradicting(dataset)
    for pair in dataset:
        facts, text = facts_of(pair, doubted), texts.get(pair.name)
        if text is None or pair.name in doubted:
            continue
        for kind, invented in _inventions(dataset, facts, text, rng):
            caught.setdefault(kind, []).append(bool(checker.check(invented, facts)))
        for kind, rewritten in _rewritings(text, rng):
            passed.setdefault(kind, []).append(not checker.check(rewritten, facts))


def _inventions(dataset: Dataset, facts: Facts, text: str, rng: random.Random) -> list[tuple[str, str]]:
    """(kind, text) with one thing in it that the facts do not say."""
    found: list[tuple[str, str]] = []
    known = {word for fact in facts for word in content_words(str(fact.value))}
    own = {str(fact.value) for fact in facts.of("class")}
    other = rng.choice(dataset.pairs)
    sentence = rng.choice(other.captions)
    new = set(content_words(sentence)) - known
    if not own & {str(fact.value) for fact in facts_of(other).of("class")} and len(new) >= 2:
        found.append(("foreign_sentence", f"{text} {sentence[0].upper()}{sentence[1:].rstrip(' .')}."))
    for kind, change in (("number", _number), ("colour", _colour), ("relation", _relation)):
        changed = change(text, rng)
        if changed is not None and not _said(changed, facts):
            found.append((kind, changed))
    for kind, (form, choices) in INSERTED.items():
        found.append((f"inserted_{kind}", f"{text} {form.format(rng.choice(choices))}"))
    return found


def _said(changed: str, facts: Facts) -> bool:
    """Whether the change happens to make what another caption says."""
    captions = " | ".join(str(fact.value).lower() for fact in facts.of("caption"))
    return all(sentence.lower() in captions for sentence in changed.rstrip(".").split(". "))


def _number(text: str, rng: random.Random) -> str | None:
    found = [match for match in re.finditer(r"\b(\w+) (?=\w+s\b)", text) if match[1].lower() in NUMBERS]
    if not found:
        return None
    match = rng.choice(found)
    present = set(re.findall(r"\w+", text.lower()))
    other = rng.choice([number for number in NUMBERS if number not in present])
    return re.sub(rf"\b{match[1]}\b", other, text)


def _colour(text: str, rng: random.Random) -> str | None:
    present = [colour for colour in COLOURS if re.search(rf"\b{colour}\b", text)]
    if not present:
        return None
    absent = [colour for colour in COLOURS if colour not in present and not (colour == "gray" and "grey" in text)]
    return re.sub(rf"\b{rng.choice(present)}\b", rng.choice(absent), text)


def _relation(text: str, rng: random.Random) -> str | None:
    usable = [(old, new) for old, new in RELATIONS if f" {old} " in text and f" {new} " not in text]
    if not usable:
        return None
    old, new = rng.choice(usable)
    return text.replace(f" {old} ", f" {new} ")


def _rewritings(text: str, rng: random.Random) -> list[tuple[str, str]]:
    """(kind, text) that says the same, or less."""
    found = [("grammar", text)]
    sentences = re.split(r"(?<=\.) ", text)
    if len(sentences) > 1:
        rng.shuffle(sentences)
        found.append(("other_order", " ".join(sentences)))
    changed = text
    for old, new in SAME:
        changed = re.sub(rf"\b{old}\b", new, changed)
    if changed != text:
        found.append(("other_words", changed))
    digits = re.sub(r"\b\w+\b", lambda word: str(NUMBERS.index(word[0]) + 2) if word[0] in NUMBERS else word[0], text)
    if digits != text:
        found.append(("digits", digits))
    return found


def _interval(hits: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    z, share = 1.96, hits / total
    middle, width = share + z * z / (2 * total), z * (share * (1 - share) / total + z * z / (4 * total * total)) ** 0.5
    return (middle - width) / (1 + z * z / total), (middle + width) / (1 + z * z / total)


if __name__ == "__main__":
    main()
