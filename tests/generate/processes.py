"""Several processes of one computation: two that run a script side by side, or what torchrun starts."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

PROCESSES = 2


def run_in_two(script: str, folder: Path, *arguments: str, seconds: float = 600) -> None:
    """Run a script in two processes; fail with the messages of whichever fails.

    Args:
        script: Python source. It finds ``rank`` (0 or 1), ``arguments`` and ``meet()``, which joins the two in a group
            (gloo); it needs not leave it.
        folder: empty; the script, its messages and the meeting point go there.
        arguments: texts handed to the script.
        seconds: how long each may take.
    """
    source = folder / "script.py"
    source.write_text(script, encoding="utf-8")
    logs = [folder / f"messages-{rank}.txt" for rank in range(PROCESSES)]
    running: list[subprocess.Popen[bytes]] = []
    try:
        for rank, log in enumerate(logs):
            command = [sys.executable, "-m", "generate.processes", str(source), str(rank), *arguments]
            with log.open("w") as messages:
                running.append(subprocess.Popen(command, env=_environment(), stdout=messages, stderr=subprocess.STDOUT))
        codes = [_wait(process, seconds) for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    told = "\n".join(f"process {rank}:\n{log.read_text(errors='replace')}" for rank, log in enumerate(logs))
    assert codes == [0] * PROCESSES, f"exit codes {codes}\n{told}"


def torchrun(*arguments: str, seconds: float = 600) -> list[str]:
    """Run ``swath`` in two processes that torchrun starts; fail with their messages.

    Args:
        arguments: of the ``swath`` command.
        seconds: how long it may take.

    Returns:
        What each process wrote to standard output; in one pipe it could be mixed.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(PROCESSES)]
    with TemporaryDirectory() as folder:
        command += ["--redirects", "1", "--log-dir", folder, "-m", "swath", *arguments]
        done = subprocess.run(command, env=_environment(), capture_output=True, text=True, timeout=seconds, check=False)
        assert done.returncode == 0, done.stderr
        return [file.read_text() for file in sorted(Path(folder).rglob("stdout.log"))]


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """A process's exit code; None where it takes too long."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def _environment() -> dict[str, str]:
    """This process's, with one thread a process and the tests' own modules within reach."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _child(source: Path, rank: int, arguments: list[str]) -> int:
    """Run the script as one of the processes; 0, or 1 with its traceback on standard error."""
    from torch import distributed

    def meet() -> None:
        point = f"file://{source.with_name('meet')}"
        patience = timedelta(seconds=300)  # where the other one failed before they met
        distributed.init_process_group("gloo", point, timeout=patience, world_size=PROCESSES, rank=rank)

    names = {"__name__": "__main__", "rank": rank, "arguments": arguments, "meet": meet}
    try:
        exec(compile(source.read_text(encoding="utf-8"), source, "exec"), names)
        if distributed.is_initialized():
            distributed.barrier()
            distributed.destroy_process_group()
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    code = _child(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of gloo that live on at the interpreter's exit now and then abort it ("terminate called without an active
    # exception"), when all has been said and done: leave without that exit.
    os._exit(code)
