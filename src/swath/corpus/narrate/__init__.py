"""SAR-Narrator: captions for radar images from boxes, masks, optical partners and records: `write_narration`."""

from __future__ import annotations

from swath.corpus.narrate.build import NarrationReport, Options, write_narration
from swath.corpus.narrate.captioners import Captioner, RetrievalCaptioner, read_bank
from swath.corpus.narrate.language_writer import language_writer
from swath.corpus.narrate.material import Item, Material, Route, Statement
from swath.corpus.narrate.options import RouteOptions
from swath.corpus.narrate.quality import QualityControl
from swath.corpus.narrate.routes import open_route, route_names
from swath.corpus.narrate.scoring import Scorer

__all__ = [
    "Captioner",
    "Item",
    "Material",
    "NarrationReport",
    "Options",
    "QualityControl",
    "RetrievalCaptioner",
    "Route",
    "RouteOptions",
    "Scorer",
    "Statement",
    "language_writer",
    "open_route",
    "read_bank",
    "route_names",
    "write_narration",
]
