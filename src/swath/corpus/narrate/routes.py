"""The routes by name: those of swath, and those that installed packages add.

A package adds a route by an entry point of the group ``swath.narrate_routes``: a callable that takes the source (a
text) and `RouteOptions`, and gives a `Route`::

    [project.entry-points."swath.narrate_routes"]
    lidar = "my_package.narrate:LidarRoute"
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from swath.corpus.narrate.boxes_route import BoxesRoute
from swath.corpus.narrate.masks_route import MasksRoute
from swath.corpus.narrate.material import Route
from swath.corpus.narrate.options import RouteOptions
from swath.corpus.narrate.pairs_route import PairsRoute
from swath.corpus.narrate.records_route import RecordsRoute
from swath.errors import InputError

GROUP = "swath.narrate_routes"

OpenRoute = Callable[[str, RouteOptions], Route]

_OWN: dict[str, OpenRoute] = {
    "boxes": lambda source, options: BoxesRoute(Path(source), options),
    "masks": MasksRoute,
    "pairs": PairsRoute,
    "records": lambda source, options: RecordsRoute(Path(source), options),
}


def route_names() -> tuple[str, ...]:
    """Every route that can be opened; swath's own come first."""
    return (*_OWN, *sorted(_added()))


def open_route(name: str, source: str, options: RouteOptions | None = None) -> Route:
    """Open a route.

    Args:
        name: one of `route_names`.
        source: where its annotations are.
        options: what it is to know beside them.

    Raises:
        InputError: no such route, one that cannot be loaded, or an option that it needs is missing.
        DataError: the annotations cannot be read.
    """
    opener = _OWN.get(name) or _load(name)
    return opener(source, options or RouteOptions())


def _added() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP) if entry.name not in _OWN}


def _load(name: str) -> OpenRoute:
    entry = _added().get(name)
    if entry is None:
        raise InputError(f"unknown route {name!r}; there are {', '.join(route_names())}")
    try:
        opener = entry.load()
    except (ImportError, AttributeError) as error:
        raise InputError(f"route {name!r} ({entry.value}) cannot be loaded: {error}; repair that package") from error
    if not callable(opener):
        raise InputError(f"route {name!r} ({entry.value}) is no callable of a source and options")
    return opener  # type: ignore[no-any-return]
