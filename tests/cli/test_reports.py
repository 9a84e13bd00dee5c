from __future__ import annotations

import pytest

from swath.cli.reports import SHOWN_FAILURES, list_failures


def test_a_file_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    list_failures([{"href": "/a.tif", "reason": "/a.tif: is empty"}, {"href": "/b.tif", "reason": "is empty"}], "left")
    assert capsys.readouterr().err == "left: /a.tif: is empty\nleft: /b.tif: is empty\n"


def test_the_rest_of_many_failures_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    list_failures([{"href": "a", "reason": "b"}] * (SHOWN_FAILURES + 3), "left")
    said = capsys.readouterr().err.splitlines()
    assert len(said) == SHOWN_FAILURES + 1
    assert said[-1] == "and 3 more; all of them: --json"
