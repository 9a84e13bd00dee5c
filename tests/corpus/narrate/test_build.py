from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import ClassVar

import pyarrow.parquet as pq
import pytest

from generate import chat_server as chat
from generate import narrator
from generate.models import tiny_model
from swath.corpus.facts import Fact, Facts
from swath.corpus.llm import ChatClient, Endpoint, LanguageModelError, Limits, ReplyCache
from swath.corpus.narrate import (
    Material,
    Options,
    QualityControl,
    RouteOptions,
    Scorer,
    Statement,
    build,
    exports,
    language_writer,
    open_route,
    route_names,
    routes,
    write_narration,
)
from swath.corpus.narrate.dealing import deal
from swath.corpus.narrate.quality import without_duplicates
from swath.corpus.narrate.records_route import RecordsRoute
from swath.corpus.narrate.sheet import picture, write_sheet
from swath.data import read_dataset
from swath.errors import DataError, InputError

QUICK = Limits(concurrency=3, retries=12, backoff=0.01)


@pytest.fixture
def route(tmp_path):
    return open_route("records", str(narrator.ships(tmp_path / "data")))


@pytest.fixture
def server():
    with chat.chat_server() as state:
        state.answer = honest
        yield state


def honest(data):
    """Captions that say what the facts say."""
    kind = next(fact for fact in data["facts"] if fact["kind"] == "class")
    length = next(fact for fact in data["facts"] if fact["kind"] == "length")
    return {
        "sentences": [
            {"text": f"A {kind['value']} lies in the SAR image.", "sources": [kind["id"]]},
            {
                "text": f"The {kind['value']} is {length['value']:.0f} metres long.",
                "sources": [kind["id"], length["id"]],
            },
        ]
    }


def model(server, cache=None, limits=QUICK):
    return language_writer(ChatClient(Endpoint(server.url, "tester"), limits, cache), 2)


def rows(table):
    return pq.read_table(table).to_pylist()


def test_round_trip_with_provenance(route, tmp_path):
    table = tmp_path / "out.parquet"
    report = write_narration(route, table, Options(licence="CC0", fractions={"train": 0.5, "test": 0.5}))
    assert report.written == report.summary.images == 8
    assert not table.with_name("out.parquet.parts").exists()
    back = read_dataset(table)
    assert [pair.name for pair in back] == [item.name for item in route.items]
    assert {pair.chip.scene.sensor for pair in back} == {"s1-vv-8bit", "s1-vh-8bit"}
    for pair, row in zip(back, rows(table), strict=True):
        assert pair.captions == tuple(row["captions"])
        assert len(pair.captions) == 5
        known = {fact["source"] for fact in row["facts"]}
        for number, caption in [*enumerate(row["captions"]), (-1, row["long_captions"][0])]:
            parts = [one for one in row["sentences"] if one["caption"] == number]
            assert " ".join(one["text"] for one in parts) == caption
            assert all(one["sources"] and set(one["sources"]) <= known for one in parts)
    # Both polarisations of a ship stay together.
    splits = {row["unit"]: set() for row in rows(table)}
    for row in rows(table):
        splits[row["unit"]].add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert {row["split"] for row in rows(table)} == {"train", "test"}
    assert json.loads((tmp_path / "out.summary.json").read_text())["captions"] == 40


def test_the_seed_decides(route, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_narration(route, tmp_path / f"{name}.parquet", Options(seed=seed))
    first, second, third = ((tmp_path / f"{name}.parquet").read_bytes() for name in "abc")
    assert first == second
    assert [row["captions"] for row in rows(tmp_path / "a.parquet")] != [
        row["captions"] for row in rows(tmp_path / "c.parquet")
    ]
    assert first != third


def test_a_finished_table_is_left_alone(route, tmp_path):
    write_narration(route, tmp_path / "out.parquet")
    assert write_narration(route, tmp_path / "out.parquet").written == 0
    with pytest.raises(InputError, match="another name"):
        write_narration(route, tmp_path / "out.parquet", Options(captions=2))


def test_a_run_that_broke_goes_on(route, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "BATCH", 3)
    tell, calls = RecordsRoute.tell, []

    def breaks(self, items):
        calls.append([item.name for item in items])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return tell(self, items)

    monkeypatch.setattr(RecordsRoute, "tell", breaks)
    with pytest.raises(KeyboardInterrupt):
        write_narration(route, tmp_path / "out.parquet")
    report = write_narration(route, tmp_path / "out.parquet")
    assert (report.present, report.written) == (6, 2)
    monkeypatch.setattr(RecordsRoute, "tell", tell)
    write_narration(route, tmp_path / "whole.parquet")
    assert str(rows(tmp_path / "whole.parquet")) == str(rows(tmp_path / "out.parquet"))


@pytest.mark.slow
def test_a_killed_run_loses_nothing_finished(route, server, tmp_path):
    server.answered = 5  # two batches and a half: the child cannot end before it is killed
    program = f"""
import sys
sys.path[:0] = {[str(Path(__file__).parents[2])]!r}
from pathlib import Path
from typing import ClassVar
from swath.corpus.llm import ChatClient, Endpoint, Limits, ReplyCache
from swath.corpus.narrate import build, language_writer, open_route, write_narration
build.BATCH = 2
folder = Path({str(tmp_path)!r})
client = ChatClient(Endpoint({server.url!r}, "tester"), Limits(concurrency=2), ReplyCache(folder / "cache"))
route = open_route("records", str(folder / "data" / "records.json"))
write_narration(route, folder / "out.parquet", writer=language_writer(client, 2))
"""
    child = subprocess.Popen([sys.executable, "-c", program], env=os.environ | {"OMP_NUM_THREADS": "1"})
    folder = tmp_path / "out.parquet.parts"
    while len(server.requests) < 6 or len(list(folder.glob("part-*.parquet"))) < 2:
        assert child.poll() is None, "the child ended by itself"
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    server.answered = None
    kept = sum(pq.read_metadata(file).num_rows for file in folder.glob("part-*.parquet"))
    assert kept == 4
    report = write_narration(route, tmp_path / "out.parquet", writer=model(server, ReplyCache(tmp_path / "cache")))
    assert report.present == kept
    assert report.summary.images == 8
    assert max(server.prompts.values()) <= 2  # what was answered and kept is not asked again


def test_survives_every_fault(route, server, tmp_path):
    server.faults = [
        None, chat.status(500), chat.status(429, Retry_After="0.05"), chat.body(b"<html>"), chat.truncated,
        chat.hung_up, None, chat.content({"sentences": []}), chat.content("no JSON"), chat.silent(1.2),
        chat.content(None, refusal="no"),
    ]  # fmt: skip
    hasty = replace(QUICK, timeout=1.0)  # or the server that is silent would not be given up
    report = write_narration(route, tmp_path / "out.parquet", writer=model(server, limits=hasty))
    assert report.summary.images == 8
    assert report.summary.writers == {"llm": 7, "rules": 1}
    told = rows(tmp_path / "out.parquet")
    assert all(row["captions"] and row["long_captions"] for row in told)
    assert next(row for row in told if row["writer"] == "rules")["rejected"][0]["detail"].startswith("refusal")


def test_the_rules_need_no_server(route, server, tmp_path):
    server.faults = [chat.hung_up] * 100
    report = write_narration(route, tmp_path / "out.parquet")
    assert report.summary.writers == {"rules": 8}
    assert server.requests == []


def test_inventions_and_colours_are_written_again_by_the_rules(route, server, tmp_path):
    server.answer = lambda data: {"sentences": [{"text": "A green harbour with seven cranes.", "sources": ["F1"]}]}
    report = write_narration(route, tmp_path / "out.parquet", writer=model(server))
    assert report.summary.writers == {"rules": 8}
    assert not any("green" in text for row in rows(tmp_path / "out.parquet") for text in row["captions"])
    assert len(server.requests) == 16


def test_a_server_that_is_gone_keeps_what_is_done(route, server, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "BATCH", 2)
    server.faults = [None, None, *[chat.status(503)] * 100]
    brief = Limits(concurrency=1, retries=0, backoff=0.01)
    with pytest.raises(LanguageModelError, match="2 of 8 images are done"):
        write_narration(route, tmp_path / "out.parquet", writer=model(server, limits=brief))
    server.faults = []
    report = write_narration(route, tmp_path / "out.parquet", writer=model(server))
    assert (report.present, report.written) == (2, 6)
    assert report.summary.writers == {"llm": 8}


def test_scores_and_keeps(route, tmp_path):
    scorer = Scorer(tiny_model())
    write_narration(route, tmp_path / "all.parquet", scorer=scorer)
    scores = [score for row in rows(tmp_path / "all.parquet") for score in row["scores"]]
    assert all(-1 <= score <= 1 for score in scores)
    least = sorted(scores)[len(scores) // 2]
    report = write_narration(
        route, tmp_path / "kept.parquet", Options(quality=QualityControl(keep=least)), scorer=scorer
    )
    kept = [score for row in rows(tmp_path / "kept.parquet") for score in row["scores"]]
    assert min(kept) >= least
    assert report.summary.rejected["image-text score"] > 0
    with pytest.raises(InputError, match="--score"):
        write_narration(route, tmp_path / "x.parquet", Options(quality=QualityControl(keep=0.1)))


class Odd:
    """A route with captions that quality control must see."""

    name = "odd"
    settings: ClassVar[dict[str, object]] = {}
    failures: tuple[str, ...] = ()

    def __init__(self, source, options):
        self.items = open_route("records", source, options).items

    def tell(self, items):
        told = []
        for item in items:
            facts = Facts(item.name, (Fact("count", "ship", 2, "boxes"), Fact("sensor", "", "SAR radar", "s")))
            wordings = {
                "ship0.png": "two green ships lie in the image",
                "ship1.png": "three ships lie in the image",
                "ship2.png": "ships",
                "ship3.png": " ".join(["two ships and"] * 30 + ["two ships"]),
            }
            text = wordings.get(item.name, "two ships lie in the image")
            told.append(Material(facts, (Statement("x", (text,), ("boxes", "boxes")),)))
        return told


class Unknown(Odd):
    def tell(self, items):
        return [
            DataError(f"{item.name}: unknown class -1") if item.name in ("ship0.png", "ship4.png") else material
            for item, material in zip(items, super().tell(items), strict=True)
        ]


def test_what_is_left_out_is_counted_by_the_class_of_its_error_and_shown_by_the_first(tmp_path):
    route = Unknown(str(narrator.ships(tmp_path)), RouteOptions())
    report = write_narration(route, tmp_path / "out.parquet", Options())
    assert report.summary.left_out["DataError, such as: ship0.png: unknown class -1"] == 2
    assert report.summary.left_out["no caption stays"] > 0


def test_quality_control_names_its_reasons(tmp_path):
    odd = Odd(str(narrator.ships(tmp_path)), RouteOptions())
    report = write_narration(odd, tmp_path / "out.parquet", Options(quality=QualityControl(copies=2)))
    assert report.summary.left_out == {"no caption stays": 4}
    assert report.summary.images == 4
    verdict = QualityControl()
    facts = odd.tell(odd.items)[0].facts
    reasons = [
        verdict.fault(text, facts) for text in ("Two green ships.", "Three ships here.", "Ships.", "Two ships here.")
    ]
    assert [found and found.reason for found in reasons] == [
        "inadmissible words", "contradicts the facts", "length", None,
    ]  # fmt: skip


def test_duplicates_leave_every_image_a_caption():
    given = [{"captions": ["A ship.", f"Ship {number}."]} for number in range(3)] + [{"captions": ["a ship"]}]
    assert without_duplicates(given, 1) == [[True, True], [False, True], [False, True], [True]]


def test_whole_units_are_dealt_out():
    units = ["a"] * 5 + ["b"] * 3 + ["c", "d", "e", "f"]
    splits = deal(units, {"train": 0.75, "test": 0.25}, seed=3)
    assert all(
        len({split for split, unit in zip(splits, units, strict=True) if unit == name}) == 1 for name in "abcdef"
    )
    assert splits.count("train") == 9
    with pytest.raises(InputError, match="sum to 1"):
        deal(units, {"train": 0.5})
    with pytest.raises(InputError, match="dealt out"):
        deal(["a", "a"], {"train": 0.5, "test": 0.5})


def test_official_splits_leave_nothing_to_deal_out(route, tmp_path):
    route.items = [replace(item, split="test") for item in route.items]
    report = write_narration(route, tmp_path / "out.parquet", Options(fractions={"train": 0.5, "test": 0.5}))
    assert report.summary.splits == {"test": 8}


def test_exports(route, tmp_path):
    table = tmp_path / "out.parquet"
    write_narration(route, table, Options(fractions={"train": 0.5, "test": 0.5}))
    files = exports.write_csv(table, tmp_path / "csv" / "ships.csv")
    assert sorted(file.name for file in files) == ["ships-test.csv", "ships-train.csv"]
    entries = [entry for file in files for entry in csv.DictReader(file.open())]
    assert len(entries) == 40
    assert all((tmp_path / "csv" / entry["filepath"]).is_file() for entry in entries)
    (talks, *_) = exports.write_conversations(table, tmp_path / "talks.json")
    first = json.loads(talks.read_text())[0]
    assert set(first) == {"id", "image", "conversations"}
    assert [turn["from"] for turn in first["conversations"]] == ["human", "gpt", "human", "gpt"]
    assert first["conversations"][0]["value"].startswith("<image>\n")
    shards = exports.write_narrated_shards(table, tmp_path / "shards")
    with tarfile.open(shards[0]) as archive:
        about = json.load(archive.extractfile(next(name for name in archive.getnames() if name.endswith(".json"))))
    assert about["sentences"][0]["sources"]
    assert len(read_dataset(tmp_path / "shards", unpack=tmp_path / "unpacked")) == 8


def test_windows_of_scenes_become_pictures(tmp_path):
    narrator.flood(tmp_path)
    options = RouteOptions(masks=str(tmp_path / "masks"), classes="1=water,0=land", pair=("_S1", "_label"), size=32)
    write_narration(open_route("masks", str(tmp_path / "scenes"), options), tmp_path / "out.parquet")
    (file,) = exports.write_csv(tmp_path / "out.parquet", tmp_path / "floods.csv")
    names = {entry["filepath"] for entry in csv.DictReader(file.open())}
    assert all(name.startswith("floods.images/") for name in names)
    assert {pair.chip.window.width for pair in read_dataset(tmp_path / "out.parquet")} == {32}


def test_review_sheets(route, tmp_path):
    write_narration(route, tmp_path / "out.parquet")
    page = write_sheet(tmp_path / "out.parquet", tmp_path / "sheet.html", count=3).read_text()
    assert page.count("<article>") == 3
    assert "http" not in page.lower().replace("<!doctype html>", "")
    assert page == write_sheet(tmp_path / "out.parquet", tmp_path / "again.html", count=3).read_text()
    assert picture(tmp_path / "out.parquet", 4).size[0] > 800
    with pytest.raises(InputError, match="narrated"):
        write_sheet(write_parquet_of_something_else(tmp_path), tmp_path / "x.html")


def write_parquet_of_something_else(folder):
    import pyarrow as pa

    pq.write_table(pa.table({"image": ["a"]}), folder / "other.parquet")
    return folder / "other.parquet"


def test_packages_add_routes(tmp_path, monkeypatch):
    (tmp_path / "added").mkdir()
    info = tmp_path / "added" / "odd_route-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-route\nVersion: 1.0\n")
    entries = ("[swath.narrate_routes]", "odd = odd_route:open_it", "lost = odd_route:lost")
    (info / "entry_points.txt").write_text("\n".join(entries))
    (tmp_path / "added" / "odd_route.py").write_text(
        "from swath.corpus.narrate import open_route\n"
        "def open_it(source, options):\n    assert options.more == {'a': 'b'}\n"
        "    return open_route('records', source)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "added"))
    assert route_names()[-2:] == ("lost", "odd")
    found = open_route("odd", str(narrator.ships(tmp_path / "data")), RouteOptions(more={"a": "b"}))
    assert write_narration(found, tmp_path / "out.parquet").summary.images == 8
    with pytest.raises(InputError, match="cannot be loaded"):
        open_route("lost", "x")
    with pytest.raises(InputError, match="unknown route"):
        open_route("nowhere", "x")
    # An own route cannot be replaced from outside.
    monkeypatch.setattr(routes, "entry_points", lambda group: [EntryPoint("boxes", "odd_route:open_it", group)])
    assert route_names() == ("boxes", "masks", "pairs", "records")


def test_nothing_to_tell_is_an_error(tmp_path):
    path = narrator.coco(tmp_path, [("ship", 30, 30, 0, 0)])
    route = open_route("boxes", str(path), RouteOptions(sensor="sar"))
    with pytest.raises(DataError, match="none of 1 images"):
        write_narration(route, tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()
