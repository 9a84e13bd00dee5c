"""One guarded import of torchvision, which timm and OpenCLIP cannot do without."""

from __future__ import annotations

import importlib
import sys
from threading import Lock

import torch

from swath.errors import MissingExtraError

_OPERATORS = ("nms", "qnms")
# The library object must live as long as the operators that it declares.
_declared: list[torch.library.Library] = []
_mending = Lock()


def ensure_torchvision() -> None:
    """Import torchvision, mending the one thing that fails beside a CPU build of torch.

    The common build of torchvision cannot load its compiled operators beside CPU torch, and then stops at import
    because their Python wrappers refer to them. Declaring the two schemas lets the import go on; the operators
    themselves stay absent, and nothing here uses them. On a healthy installation this does nothing.

    Raises:
        MissingExtraError: torchvision is not installed.
    """
    with _mending:
        try:
            importlib.import_module("torchvision")
        except ImportError as error:
            raise MissingExtraError("torchvision", "adapters") from error
        except RuntimeError as error:
            if "torchvision::" not in str(error):
                raise
            _mend()


def _mend() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for operator in _OPERATORS:
        schema = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library.define(schema)  # type: ignore[no-untyped-call]
    _declared.append(library)
    importlib.import_module("torchvision")
