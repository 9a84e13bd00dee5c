"""Class names of the field's data sets as words."""

from __future__ import annotations

import re

# Names that the field's data sets write as one word; no rule can split them.
_COMPOUNDS = {
    "bareland": "bare land",
    "baseballdiamond": "baseball diamond",
    "baseballfield": "baseball field",
    "basketballcourt": "basketball court",
    "denseresidential": "dense residential area",
    "golfcourse": "golf course",
    "mediumresidential": "medium residential area",
    "mobilehomepark": "mobile home park",
    "parkinglot": "parking lot",
    "playfields": "playing fields",
    "railwaystation": "railway station",
    "runways": "runway",
    "sealake": "sea or lake",
    "sparseresidential": "sparse residential area",
    "storagetank": "storage tanks",
    "storagetanks": "storage tanks",
    "tenniscourt": "tennis court",
}
_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NO_LETTERS = re.compile(r"[\s_/\\-]+")


def readable(name: str) -> str:
    """A class name as words: ``DenseResidential``, ``dense_residential`` and ``denseresidential`` alike."""
    joined = _NO_LETTERS.sub("", name).lower()
    if joined in _COMPOUNDS:
        return _COMPOUNDS[joined]
    return _NO_LETTERS.sub(" ", _CASE.sub(" ", name)).strip().lower()
