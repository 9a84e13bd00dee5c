from __future__ import annotations

from benchmarks.tables import (
    BEGIN,
    END,
    HEADLINES,
    OF_PAPERS,
    PAGE,
    PAPERS,
    README,
    SCALE,
    load,
    number,
    page,
    purpose,
    scale_tables,
    section,
    summary,
    with_table,
)

RESULT = {
    "name": "made_up",
    "date": "2026-01-02",
    "commit": "abc1234",
    "machine": "2 cores",
    "command": "python benchmarks/made_up.py",
    "settings": {"rows": 1000, "metric": "cosine"},
    "metrics": {"recall": 0.98761, "rows": 1000},
    "intervals": {"recall": [0.98, 0.99]},
}


def test_the_pages_quote_the_result_files() -> None:
    results = load()
    assert PAGE.read_text() == page(results), "run `make tables`"
    readme = README.read_text()
    assert readme == with_table(readme, summary(results)), "run `make tables`"
    scale = SCALE.read_text()
    assert scale == with_table(scale, scale_tables(results)), "run `make tables`"
    papers = PAPERS.read_text()
    assert papers == with_table(papers, summary(results, "../results.md", OF_PAPERS)), "run `make tables`"


def test_every_headline_names_a_metric_of_its_result() -> None:
    results = load()
    for headline in (*HEADLINES, *OF_PAPERS):
        if headline.result in results:
            assert headline.metric in results[headline.result]["metrics"], headline


def test_the_arithmetic_of_scale() -> None:
    result = {"metrics": {"index_per_s": 1000.0}}
    table = scale_tables({"index_rate": result})
    assert "| Vectors, 512 x float32 | 2.05 GB | 205 GB | 2.05 TB |" in table
    assert "| Partitions (about the root, a power of two) | 512 | 8,192 | 16,384 |" in table
    assert "| Embed on this machine, with reading and committing | 0.278 h |" in table


def test_every_result_has_the_fields_that_make_it_repeatable() -> None:
    for name, result in load().items():
        assert result["name"] == name
        assert set(RESULT) <= set(result), name
        assert all(isinstance(value, int | float) for value in result["metrics"].values()), name
        assert set(result["intervals"]) <= set(result["metrics"]), name


def test_a_section_states_numbers_intervals_settings_and_command() -> None:
    text = section(RESULT)
    assert "| `recall` | 0.9876 | 0.98 to 0.99 |" in text
    assert "| `rows` | 1000 |  |" in text
    assert "rows = 1000, metric = cosine" in text
    assert "python benchmarks/made_up.py" in text


def test_the_purpose_is_the_first_paragraph_of_the_script() -> None:
    assert purpose("python benchmarks/tables.py --x 1").startswith("Write the measured tables")
    assert purpose("python elsewhere.py") == purpose("python benchmarks/made_up.py") == ""


def test_numbers_have_four_digits_and_counts_are_whole() -> None:
    assert [number(value) for value in (0.123456, 12.0, 7, 1234.5678, 1e-9)] == [
        "0.1235",
        "12",
        "7",
        "1235",
        "1e-09",
    ]


def test_the_readme_table_is_replaced_between_its_marks() -> None:
    text = f"# t\n{BEGIN}\nold\n{END}\nrest\n"
    assert with_table(text, "new") == f"# t\n{BEGIN}\nnew\n{END}\nrest\n"


def test_the_readme_table_lists_only_what_was_measured() -> None:
    assert summary({"made_up": RESULT}) == "Nothing has been measured yet."
    table = summary({"no_match": RESULT | {"name": "no_match", "metrics": {"auroc": 0.75}, "intervals": {}}})
    assert table.splitlines()[-1].endswith("| 0.75 | [`no_match`](docs/results.md#no_match) |")
    assert len(table.splitlines()) == 3
