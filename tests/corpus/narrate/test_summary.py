from __future__ import annotations

from generate import narrator
from swath.corpus.narrate import open_route, write_narration


def test_a_summary_that_a_kill_has_lost_is_written_again(tmp_path):
    route = open_route("records", str(narrator.ships(tmp_path / "data")))
    table = tmp_path / "ships.parquet"
    write_narration(route, table)
    summary = table.with_name("ships.summary.json")
    before = summary.read_bytes()
    summary.unlink()
    assert write_narration(route, table).written == 0
    assert summary.read_bytes() == before
