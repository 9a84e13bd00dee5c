"""OpenCLIP as the reference, imported once."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def open_clip():
    """The library; skips with a reason where it is not installed."""
    from swath.errors import MissingExtraError
    from swath.models.adapters.torchvision import ensure_torchvision

    try:
        ensure_torchvision()
    except MissingExtraError as error:
        pytest.skip(str(error))
    return pytest.importorskip("open_clip")
