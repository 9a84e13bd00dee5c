"""Write the measured tables of docs/ and README.md from benchmarks/results/*.json: `make tables`.

Numbers reach the documentation only this way. `make test` fails where the pages and the result files disagree.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "results.md"
README = ROOT / "README.md"
SCALE = ROOT / "docs" / "scale.md"
PAPERS = ROOT / "docs" / "guides" / "evaluate_a_paper.md"
BEGIN, END = "<!-- results: written by `make tables` -->", "<!-- end of results -->"

Result = dict[str, Any]


@dataclass(frozen=True)
class Headline:
    """One line of README's table: a metric of a result and what it says to a reader."""

    result: str
    metric: str
    says: str
    unit: str = ""


HEADLINES = (
    Headline("index_rate", "ratio_to_encoding", "Indexing rate, as a share of the image tower's bare rate"),
    Headline("ragged_text", "speedup", "Encoding captions at their own length, against OpenCLIP's padding to 77", "x"),
    Headline("image_encoding", "speedup", 'Encoding images at `dtype="auto"`, against OpenCLIP in fp32', "x"),
    Headline("local_similarity", "speedup", "Local (patch x word) similarity, against the padded einsum", "x"),
    Headline("search_recall", "recall_unfiltered", "Recall of indexed search, against brute force"),
    Headline("search_recall", "recall_filtered_min", "The same under filters, the worst of them"),
    Headline("rsicd_retrieval", "mR", "RSICD test, mean recall of the packaged model", " %"),
    Headline("ucm_retrieval", "mR", "UCM-Captions test, mean recall of the packaged model", " %"),
    Headline("long_text", "over_mR_77", "Paragraphs over 77 tokens as queries on RSICD test, cut to 77", " %"),
    Headline("long_text", "over_mR_248", "The same read whole by the packaged model", " %"),
    Headline("zero_shot", "ucm_top1", "UCM test by class name, top 1 (classes seen in training, images not)", " %"),
    Headline("s2_patches", "top1", "Sentinel-2 patches by class name in words, held-out half, top 1", " %"),
    Headline("flood_text", "average_precision", 'Radar chips of held-out floods by "flooded area", average precision'),
    Headline("flood_text", "base_rate", "The same in random order"),
    Headline("s1_s2_retrieval", "s1_s2_r1", "Radar chip to its optical twin among the test chips, R@1", " %"),
    Headline("eba_planted", "precision", "Planted wrong captions found, precision"),
    Headline("sar_retrieval", "gain", "Radar image-text retrieval gained by transfer, mean recall", " points"),
    Headline("captioning", "bleu4", "Captions written for RSICD test, BLEU-4 (0 to 1)"),
    Headline("captioning", "nearest_bleu4", "The same copied from the nearest training image"),
    Headline("captioning", "ucm_cider", "Captions written for UCM test, CIDEr-D"),
    Headline("vqa", "accuracy", "Questions about images (samples of RSVQA, UCM), mean accuracy over types", " %"),
    Headline("vqa", "prior", "The same by each type's most frequent answer", " %"),
    Headline("localization", "speedup", "Localising captions in scenes, against the published procedure", "x"),
    Headline("localization_mosaic", "rsicd_pointing", "Mosaics of RSICD test: the peak lies on the right tile"),
    Headline("corpus_long", "checker_recall", "Planted inventions found in long captions, recall"),
    Headline("narrator", "pairs", "Image-text pairs that the narrator writes from real annotations"),
    Headline("narrator", "fact_errors", "Sentences of them that an independent reading finds untrue"),
    Headline("service_load", "recall", "Semantic search over HTTP, recall against exact"),
    Headline("ray_index", "equal", "Indexed on Ray with a worker killed: equal to a single process (1: yes)"),
    Headline("no_match", "auroc", "Telling a query with no match from one with a match, AUROC"),
)

OF_PAPERS = (
    Headline("eba_planted", "precision", "EBAKER: planted wrong captions found by elimination, precision"),
    Headline("ablation_rsicd", "baseline", "EBAKER: small model from scratch on RSICD, baseline, mR over seeds", " %"),
    Headline("ablation_rsicd", "eba_gain", "the same with elimination, gain", " points"),
    Headline("ablation_rsicd", "ker_gain", "the same with keyword reasoning, gain", " points"),
    Headline("ablation_rsicd", "all_gain", "the same with all parts, gain", " points"),
    Headline("long_text", "mR_77", "LRSCLIP: paragraphs as queries on RSICD test, 77 tokens, mR", " %"),
    Headline("long_text", "mR_248", "the same with 248 tokens, stretched and trained on long captions", " %"),
    Headline("long_text", "short_mR_248", "short captions with 248 tokens, mR", " %"),
    Headline(
        "localization", "max_abs_error", "LRSCLIP: scores of localisation, farthest from the published procedure's"
    ),
    Headline("localization_mosaic", "rsicd_rmi", "LRSCLIP: Rmi on mosaics of RSICD test"),
    Headline("zero_shot", "eurosat_top1", "LRSCLIP: EuroSAT by class name, top 1 (classes seen in training)", " %"),
    Headline("bridge_sandbox", "s1_ndcg_single", "CLOSP: words to radar, one tower trained alone, nDCG", " %"),
    Headline("bridge_sandbox", "s1_ndcg_verbatim", "both towers by the released settings", " %"),
    Headline("bridge_sandbox", "s1_ndcg_joint", "both towers by the corrected settings", " %"),
    Headline("bridge_sandbox", "s1_ndcg_geoclosp", "GeoCLOSP: the same with places", " %"),
    Headline("geolocate", "median_km", "GeoCLOSP: places of scenes, median error", " km"),
    Headline("geolocate", "constant_median_km", "the same by the best constant guess", " km"),
    Headline("sar_retrieval", "gain", "SAR-RS-CLIP: gain of the radar stage, mR", " points"),
    Headline("narrator", "pairs", "SAR-Narrator: image-text pairs from real annotations"),
    Headline("narrator", "fact_errors", "sentences of them that an independent reading finds untrue"),
    Headline("captioning", "bleu4", "SAR-RS-CoCa's form: captions of RSICD test, BLEU-4"),
    Headline("captioning", "nearest_bleu4", "the same copied from the nearest training image"),
    Headline("vqa", "accuracy", "SAR-GPT's task: questions, mean accuracy over types", " %"),
    Headline("vqa", "prior", "the same by each type's most frequent answer", " %"),
)


def load(folder: Path = RESULTS) -> dict[str, Result]:
    """Every result by name, in alphabetical order."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def page(results: dict[str, Result]) -> str:
    """The whole of docs/results.md."""
    parts = [
        "# Measured results\n",
        "Every table is written by `make tables` from `benchmarks/results/*.json`; nothing here is typed by hand. "
        "The command above each table repeats it on your machine. Intervals are 95 %.\n",
    ]
    parts += [section(result) for result in results.values()]
    if not results:
        parts.append("No benchmark has been run yet.\n")
    return "\n".join(parts)


def section(result: Result) -> str:
    """One result: what it measures, how to repeat it, its numbers."""
    intervals = result.get("intervals", {})
    lines = [f"## {result['name']}\n"]
    subject = purpose(result["command"])
    if subject:
        lines.append(subject + "\n")
    lines += [
        f"`{result['command']}`  ",
        f"{result['date']}, commit {result['commit']}, {result['machine']}\n",
        "| metric | value | 95 % interval |",
        "|---|---:|---|",
    ]
    for metric, value in result["metrics"].items():
        interval = intervals.get(metric)
        between = f"{number(interval[0])} to {number(interval[1])}" if interval else ""
        lines.append(f"| `{metric}` | {number(value)} | {between} |")
    if "configurations" in result["settings"]:
        lines += ["", ablation(result)]
    if result["settings"]:
        stated = ", ".join(f"{key} = {setting(value)}" for key, value in result["settings"].items())
        lines.append(f"\nSettings: {stated}.")
    return "\n".join(lines) + "\n"


def ablation(result: Result) -> str:
    """An ablation in the shape of the paper's Table 2: each configuration, its gain, and whether the gain is sure."""
    metrics, intervals, settings = result["metrics"], result["intervals"], result["settings"]
    names = [name for name in settings["configurations"] if name in metrics]
    lines = [
        "| configuration | mR | std over seeds | gain | over seeds | over queries | reading | paper's mR |",
        "|---|---:|---:|---:|---|---|---|---:|",
    ]
    for name in names:
        gain, spread = metrics.get(f"{name}_gain"), metrics.get(f"{name}_std")
        sure = [intervals.get(f"{name}_gain"), intervals.get(f"{name}_gain_queries")]
        cells = [name, number(metrics[name]), "" if spread is None else number(spread)]
        cells += ["" if gain is None else f"{gain:+.2f}"]
        cells += ["" if pair is None else f"{pair[0]:+.2f} to {pair[1]:+.2f}" for pair in sure]
        cells += ["" if gain is None else verdict(sure), number(settings["paper_mR"].get(name, float("nan")))]
        lines.append(f"| {' | '.join('' if cell == 'nan' else cell for cell in cells)} |")
    return "\n".join(lines)


def verdict(intervals: list[list[float] | None]) -> str:
    """What the intervals of a gain, over seeds and over queries, allow to say."""
    signs = {0 if pair is None or pair[0] <= 0 <= pair[1] else (1 if pair[0] > 0 else -1) for pair in intervals}
    return {frozenset({1}): "helps", frozenset({-1}): "harms"}.get(frozenset(signs), "not told from chance")


def summary(
    results: dict[str, Result], link: str = "docs/results.md", headlines: tuple[Headline, ...] = HEADLINES
) -> str:
    """A table of the headlines that have been measured: README's, or that of another page."""
    rows = []
    for headline in headlines:
        result = results.get(headline.result, {})
        value = result.get("metrics", {}).get(headline.metric)
        if value is None:
            continue
        interval = result.get("intervals", {}).get(headline.metric)
        between = f" ({number(interval[0])} to {number(interval[1])})" if interval else ""
        anchor = f"[`{headline.result}`]({link}#{headline.result})"
        rows.append(f"| {headline.says} | {number(value)}{headline.unit}{between} | {anchor} |")
    if not rows:
        return "Nothing has been measured yet."
    return "\n".join(["| what | value (95 % interval) | benchmark |", "|---|---|---|", *rows])


def purpose(command: str) -> str:
    """The first paragraph of the benchmark's own docstring; empty where the command names no script of this folder."""
    named = re.search(r"benchmarks/(\w+)\.py", command)
    script = ROOT / "benchmarks" / f"{named[1]}.py" if named else None
    if script is None or not script.exists():
        return ""
    documentation = ast.get_docstring(ast.parse(script.read_text())) or ""
    return " ".join(documentation.partition("\n\n")[0].split())


def number(value: float) -> str:
    """Four significant digits, counts whole."""
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value)}" if abs(value) < 1e15 else f"{value:.3e}"
    return f"{value:.4g}"


def setting(value: Any) -> str:
    """A setting as it stands in the result file."""
    return value if isinstance(value, str) else json.dumps(value)


def scale_tables(results: dict[str, Result]) -> str:
    """The tables of docs/scale.md, see `scale_tables.py` beside this file."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from scale_tables import tables

    return str(tables(results))


def with_table(readme: str, table: str) -> str:
    """A page with the lines between its two marks replaced."""
    before, _, rest = readme.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        sys.exit(f"{README} lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def main() -> None:
    """Rewrite the pages."""
    results = load()
    PAGE.write_text(page(results))
    README.write_text(with_table(README.read_text(), summary(results)))
    SCALE.write_text(with_table(SCALE.read_text(), scale_tables(results)))
    PAPERS.write_text(with_table(PAPERS.read_text(), summary(results, "../results.md", OF_PAPERS)))
    print(f"wrote {PAGE.relative_to(ROOT)} and the table of {README.name} from {len(results)} results")


if __name__ == "__main__":
    main()
