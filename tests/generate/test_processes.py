from __future__ import annotations

from pathlib import Path

import pytest

from generate.processes import run_in_two

ONE_FAILS = """
from torch import distributed
meet()
assert rank == 0, "the second one fails"
distributed.barrier()
"""


@pytest.mark.slow
def test_a_failing_process_is_told_with_its_messages(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="the second one fails"):
        run_in_two(ONE_FAILS, tmp_path)
