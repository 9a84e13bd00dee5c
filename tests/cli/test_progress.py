from __future__ import annotations

import pytest

from swath.cli import progress as module
from swath.cli.progress import progress


@pytest.mark.parametrize(
    ("done", "total", "rate", "shown"),
    [
        (0, 100, 0.0, ("", "")),
        (50, None, 5.0, ("5.0/s", "")),
        (50, 100, 5.0, ("5.0/s", "0:10 left")),
        (1, 10_001, 1.0, ("1.0/s", "2:46:40 left")),
        (120, 100, 12.0, ("12.0/s", "")),
    ],
)
def test_rate_and_time_left(done: int, total: int | None, rate: float, shown: tuple[str, str]) -> None:
    assert module._pace(done, total, rate) == shown


def test_lines_go_to_standard_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.0)
    with progress("chips") as advance:
        advance(3, 10, 2.0)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "3 of 10 chips, 2.0/s, 0:03 left\n"


def test_quiet_says_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.0)
    with progress("chips", quiet=True) as advance:
        advance(3, 10, 2.0)
    assert capsys.readouterr() == ("", "")
