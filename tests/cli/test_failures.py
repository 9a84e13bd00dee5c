from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner

from swath.cli.failures import Commands
from swath.errors import ArchiveNotFoundError, InputError, QueryError, RecipeError, SwathError


def command_that(fails: Callable[[], None]) -> typer.Typer:
    app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)

    @app.command()
    def work(count: int = 1) -> None:
        fails()

    @app.callback()
    def root() -> None:
        pass

    return app


def raising(failure: BaseException) -> Callable[[], None]:
    def fails() -> None:
        raise failure

    return fails


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (SwathError("no"), 1),
        (ArchiveNotFoundError("no archive at x; make one with swath index"), 1),
        (InputError("k must be positive, not 0"), 2),
        (QueryError("nothing to search by"), 2),
        (RecipeError("optimizer.lr must be positive"), 2),
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), 1),
        (KeyboardInterrupt(), 130),
        (typer.BadParameter("not that"), 2),
        (typer.Exit(5), 5),
    ],
)
def test_exit_codes(failure: BaseException, code: int) -> None:
    done = CliRunner().invoke(command_that(raising(failure)), ["work"])
    assert done.exit_code == code
    assert done.stdout == ""


def test_a_foreseen_failure_is_one_line_without_traceback() -> None:
    failing = command_that(raising(ArchiveNotFoundError("there is no archive at x\n  make one")))
    assert CliRunner().invoke(failing, ["work"]).stderr == "error: there is no archive at x make one\n"


def test_an_operating_system_failure_names_the_file() -> None:
    failing = command_that(raising(OSError(errno.ENOSPC, "No space left on device", "/x/y")))
    assert CliRunner().invoke(failing, ["work"]).stderr == "error: /x/y: No space left on device\n"


def test_an_unforeseen_failure_says_how_to_report_it() -> None:
    done = CliRunner().invoke(command_that(raising(ZeroDivisionError("division by zero"))), ["work"])
    assert done.exit_code == 1
    assert "unexpected ZeroDivisionError: division by zero" in done.stderr
    assert "SWATH_DEBUG=1" in done.stderr
    assert "Traceback" not in done.stderr


def test_debugging_lets_the_exception_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_DEBUG", "1")
    done = CliRunner().invoke(command_that(raising(SwathError("no"))), ["work"])
    assert isinstance(done.exception, SwathError)


def test_debugging_is_off_at_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_DEBUG", "0")
    done = CliRunner().invoke(command_that(raising(SwathError("no"))), ["work"])
    assert (done.exit_code, done.stderr) == (1, "error: no\n")


@pytest.mark.parametrize("arguments", [["work", "--count", "three"], ["work", "--nope"], ["nope"]])
def test_the_command_line_itself_can_be_wrong(arguments: list[str]) -> None:
    done = CliRunner().invoke(command_that(raising(SwathError("never reached"))), arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
