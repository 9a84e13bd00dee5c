"""A table of chips of one place by several sensors: same ground, same group, no text; splits by place."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swath.chips import Chip, SceneRef, Window
from swath.corpus.landmark.records import Labelled, common_folder, name_of, record_of, schema
from swath.corpus.landmark.splitting import by_blocks
from swath.corpus.long.records import image_folder
from swath.corpus.paired.matching import SceneGroup, co_located, matching_window
from swath.corpus.paired.separation import too_near
from swath.data.parquet import IMAGES_KEY
from swath.errors import DataError, EmptyChipError, GeoreferenceError, InputError, SourceError
from swath.raster import footprint, read_chip, scene_grid, tile

if TYPE_CHECKING:
    import pyarrow as pa

PAIRS_KEY = b"swath:pairs"
"""Metadata of a table of pairs: the settings that it was made with."""

_COLUMNS = ("image", "split", "dataset", "lon", "lat", "licence", "sensor", "datetime", "layers", "window", "id")

Progress = Callable[[int, int, float], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How scenes are matched, cut and split.

    Attributes:
        size: side of a chip in pixels of the reference scene.
        stride: step between chips; `size` by default.
        max_days: most days between scenes of a group.
        min_overlap: least share of the smaller scene that both cover.
        min_valid: least share of valid pixels in every chip of a group; 0 takes all, unread.
        fractions: split -> its part of the groups, kept as well as whole blocks allow; the last one is the test part.
        block_km: side of the blocks that go into one split whole.
        gap_km: least distance between chips of different splits; earlier splits give way.
        seed: decides between equals when blocks are dealt out.
        licence: terms, put into every row.
        dataset: the data set's name.
    """

    size: int = 256
    stride: int | None = None
    max_days: float = 10.0
    min_overlap: float = 0.5
    min_valid: float = 0.5
    fractions: Mapping[str, float] = field(default_factory=lambda: {"train": 0.7, "test": 0.3})
    block_km: float = 25.0
    gap_km: float = 1.0
    seed: int = 0
    licence: str = ""
    dataset: str = ""


@dataclass(frozen=True, slots=True)
class PairedChip:
    """A chip and the images of the same ground that it belongs to.

    Attributes:
        chip: the image; it lies where its own scene's grid puts it.
        group: shared by the chips of one place and time.
        split: empty where the ground lies between splits.
    """

    chip: Chip
    group: str
    split: str


@dataclass(frozen=True, slots=True)
class PairsReport:
    """What a table of pairs holds.

    Attributes:
        table: the file.
        groups: split -> groups in it; those between splits under the empty name.
        sensors: sensor -> chips.
        left_out: reason -> groups (or scenes) that are not in the table.
        failures: messages about scenes that could not be read or matched.
    """

    table: Path
    groups: dict[str, int]
    sensors: dict[str, int]
    left_out: dict[str, int]
    failures: list[str]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self) | {"table": str(self.table)}


@dataclass(slots=True)
class _Work:
    """What happened on the way."""

    left_out: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def paired_chips(scenes: Sequence[SceneRef], options: Options | None = None) -> list[PairedChip]:
    """The chips of `write_pairs`, without a table.

    Raises:
        InputError: an option cannot be meant.
        DataError: no two scenes of different sensors show one place, or two of them have one id.
    """
    return _paired(scenes, options or Options(), _Work(), lambda _done, _total, _rate: None)


def write_pairs(
    scenes: Sequence[SceneRef],
    to: Path,
    options: Options | None = None,
    *,
    progress: Progress = lambda _done, _total, _rate: None,
) -> PairsReport:
    """Write chips of one place by several sensors as a table that `swath.data.read_dataset` reads.

    Scenes are matched by footprint and date (`co_located`); the same ground is cut from each; whole blocks of about
    `block_km` squared go into one split, stratified by nothing but their number of chips
    (`swath.corpus.landmark.by_blocks`), and chips that cross a border or lie within `gap_km` of a later split's chip
    get no split. A scene that cannot be read is reported, and the rest goes on.

    Args:
        scenes: what `Source.scenes` gives.
        to: the Parquet table to write.
        options: how.
        progress: called with groups of scenes done, all of them, and groups a second.

    Raises:
        InputError: an option cannot be meant, files are remote, or `to` exists and is no table of pairs.
        DataError: no two scenes of different sensors show one place, two of them have one id, or the table cannot
            be written.
    """
    import pyarrow.parquet as pq

    options = options or Options()
    _make_room(to)
    work = _Work()
    found = _paired(scenes, options, work, progress)
    root = common_folder([one.chip for one in found])
    about = {"dataset": options.dataset or to.stem, "licence": options.licence}
    nothing = Labelled({}, (), (), ())
    rows = []
    for number, one in enumerate(found):
        record = record_of(number, name_of(one.chip, single=False), one.chip, root, nothing, about)
        rows.append({name: record[name] for name in _COLUMNS} | {"group": one.group, "split": one.split})
    notes = {PAIRS_KEY: json.dumps(asdict(options)).encode(), IMAGES_KEY: image_folder(to, root).encode()}
    partial = to.with_name(to.name + ".partial")
    try:
        pq.write_table(_table(rows).replace_schema_metadata(notes), partial)
        partial.replace(to)
    except OSError as error:
        raise DataError(f"{to} cannot be written: {error}") from error
    groups = Counter({one.group: one.split for one in found}.values())
    sensors = Counter(one.chip.scene.sensor for one in found)
    return PairsReport(
        to, dict(sorted(groups.items())), dict(sorted(sensors.items())), dict(work.left_out), work.failures
    )


def _make_room(to: Path) -> None:
    """Before any work, see that the table can be written and nothing but an earlier table of pairs gives way to it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        ours = not to.exists() or PAIRS_KEY in (pq.read_schema(to).metadata or {})
    except pa.ArrowInvalid:
        ours = False
    except OSError as error:
        raise DataError(f"{to} cannot be written: {error}") from error
    if not ours:
        raise InputError(f"{to} exists and is no table of pairs; give another name, or remove it")


def _table(rows: Sequence[Mapping[str, object]]) -> pa.Table:
    import pyarrow as pa

    known = schema()
    return pa.Table.from_pylist(
        list(rows), schema=pa.schema([*(known.field(name) for name in _COLUMNS), ("group", pa.string())])
    )


def _paired(scenes: Sequence[SceneRef], options: Options, work: _Work, progress: Progress) -> list[PairedChip]:
    if not 0.0 <= options.min_valid <= 1.0 or not options.gap_km >= 0.0:
        raise InputError(
            f"min_valid is a share from 0 to 1 and gap_km is at least 0, not {options.min_valid} and {options.gap_km}"
        )
    groups = co_located(scenes, options.max_days, options.min_overlap)
    work.left_out["scene without partner"] = len(scenes) - sum(len(group.scenes) for group in groups)
    if not groups:
        sensors = ", ".join(sorted({scene.sensor for scene in scenes})) or "none"
        raise DataError(
            f"no two of {len(scenes)} scenes (sensors: {sensors}) are of different sensors and show one place within "
            f"{options.max_days:g} days; name the sensors, or give more days (--max-days)"
        )
    ids = Counter(scene.id for group in groups for scene in group.scenes)
    twice = next((name for name, count in ids.items() if count > 1), None)
    if twice is not None:
        raise DataError(
            f"two scenes are called {twice!r}, and chips are named by their scenes; give them ids of their own"
        )
    cuts: list[tuple[str, tuple[Chip, ...]]] = []
    for done, group in enumerate(groups, 1):
        try:
            found, left_out = _cut(group, options)
        except SourceError as error:
            work.left_out["group of scenes that cannot be read or matched"] += 1
            work.failures.append(str(error))
        else:
            cuts += found
            work.left_out.update(left_out)
        progress(done, len(groups), 0.0)
    work.left_out = +work.left_out
    if not cuts:
        raise DataError(f"no ground is covered by two scenes: {dict(work.left_out)}; {'; '.join(work.failures[:1])}")
    bounds = [chips[0].footprint.bbox for _, chips in cuts if chips[0].footprint is not None]
    splits = by_blocks(bounds, [()] * len(bounds), options.fractions, options.seed, options.block_km)
    near = too_near(bounds, splits, list(options.fractions), options.gap_km)
    return [
        PairedChip(chip, name, "" if close else split)
        for (name, chips), split, close in zip(cuts, splits, near, strict=True)
        for chip in chips
    ]


def _cut(group: SceneGroup, options: Options) -> tuple[list[tuple[str, tuple[Chip, ...]]], Counter[str]]:
    """The same ground of every scene of a group, window by window, and reason -> windows left out: all or nothing.

    Raises:
        SourceError: a scene cannot be read to its end, or not be matched.
    """
    grids = [scene_grid(scene) for scene in group.scenes]
    for scene, grid in zip(group.scenes, grids, strict=True):
        if not grid.georeferenced:
            raise GeoreferenceError(f"{scene.href} has no georeference: it cannot be cut like {group.scenes[0].href}")
    found: list[tuple[str, tuple[Chip, ...]]] = []
    left_out = Counter[str]()
    for window in tile(grids[0].width, grids[0].height, options.size, options.stride):
        windows = [matching_window(grids[0], window, grid) for grid in grids]
        chips = tuple(
            Chip(replace(scene, properties={}), place, footprint(grid, place))
            for scene, grid, place in zip(group.scenes, grids, windows, strict=True)
            if place is not None
        )
        if len(chips) < 2 or windows[0] is None:
            left_out["window that one scene alone covers"] += 1
        elif not _full(chips, options.min_valid):
            left_out["window with too little data"] += 1
        else:
            found.append((_group_name(group, window), chips))
    return found, left_out


def _full(chips: Sequence[Chip], min_valid: float) -> bool:
    try:
        for chip in chips if min_valid > 0.0 else ():
            read_chip(chip, min_valid=min_valid)
    except EmptyChipError:
        return False
    return True


def _group_name(group: SceneGroup, window: Window) -> str:
    return f"{group.name}#{'_'.join(map(str, window.to_list()))}"
