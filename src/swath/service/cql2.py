"""CQL2 (OGC 21-065r2), as text or JSON, to conditions on an archive.

The text is parsed by the `cql2` package; its parser recurses without limit in native code, so what is too long or
nested too deeply is refused before. The tree that comes out, or that a client sent as JSON, is read here node by node:
names are looked up among the queryables and values become literals of `swath.archive.conditions`. Nothing else is let
through.

Conformance: basic CQL2, advanced comparison operators, case-insensitive comparison, basic spatial functions (plus),
spatial functions, temporal functions. A first spatial test that is joined with AND is tested while searching; others
are answered by the archive first, and their result joins the condition as a list of ids.
"""

from __future__ import annotations

import json
import math
import operator as operators
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import cql2
import shapely
from shapely.geometry.base import BaseGeometry

from swath.archive import Archive
from swath.archive import conditions as made
from swath.archive.conditions import Condition, Name, Operator, Value
from swath.archive.interval import parse_instant
from swath.archive.places import box_geometry, read_box, read_geometry
from swath.archive.ranking import Relation
from swath.errors import QueryError

CONFORMANCE = tuple(
    f"http://www.opengis.net/spec/cql2/1.0/conf/{name}"
    for name in (
        "cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators", "case-insensitive-comparison",
        "basic-spatial-functions", "basic-spatial-functions-plus", "spatial-functions", "temporal-functions",
    )
)  # fmt: skip
"""Conformance classes of CQL2 that are implemented."""

COLUMNS = {"id": "id", "datetime": "datetime", "swath:sensor": "sensor", "scene_id": "scene_id", "caption": "caption"}
"""Queryables that are columns; `collection` and `geometry` are understood too, all else is a property."""

Tree = Any
"""A node of CQL2 JSON."""

_End = datetime | Name | float

_DEEPEST = 40
_MOST_NODES = 1000
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_COMPARE = {"=": "=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_COMPARED: dict[Operator, Callable[[Any, Any], bool]] = {
    "=": operators.eq, "!=": operators.ne, "<": operators.lt, "<=": operators.le, ">": operators.gt,
    ">=": operators.ge,
}  # fmt: skip
_FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

# Both operands as (start, end), by the definitions of OGC 21-065r2, 7.9: all comparisons of a line hold.
_TEMPORAL: dict[str, tuple[tuple[str, str, str], ...]] = {
    "t_after": (("a0", ">", "b1"),),
    "t_before": (("a1", "<", "b0"),),
    "t_contains": (("a0", "<", "b0"), ("a1", ">", "b1")),
    "t_during": (("a0", ">", "b0"), ("a1", "<", "b1")),
    "t_equals": (("a0", "=", "b0"), ("a1", "=", "b1")),
    "t_finishedby": (("a0", "<", "b0"), ("a1", "=", "b1")),
    "t_finishes": (("a0", ">", "b0"), ("a1", "=", "b1")),
    "t_intersects": (("a0", "<=", "b1"), ("a1", ">=", "b0")),
    "t_meets": (("a1", "=", "b0"),),
    "t_metby": (("a0", "=", "b1"),),
    "t_overlappedby": (("a0", ">", "b0"), ("a0", "<", "b1"), ("a1", ">", "b1")),
    "t_overlaps": (("a0", "<", "b0"), ("a1", ">", "b0"), ("a1", "<", "b1")),
    "t_startedby": (("a0", "=", "b0"), ("a1", ">", "b1")),
    "t_starts": (("a0", "=", "b0"), ("a1", "<", "b1")),
}
_SPATIAL: dict[str, Relation] = {
    f"s_{name}": name
    for name in cast(
        tuple[Relation, ...], ("intersects", "within", "contains", "touches", "overlaps", "crosses", "equals")
    )
}
_MIRRORED: dict[Relation, Relation] = {"within": "contains", "contains": "within"}


@dataclass(frozen=True, slots=True)
class Filtered:
    """What a filter comes to: both must hold.

    Attributes:
        condition: on columns and properties; None where there is none.
        geometry: that footprints must intersect; None where there is none.
    """

    condition: Condition | None = None
    geometry: BaseGeometry | None = None


@dataclass(slots=True)
class _Reader:
    """Reads one filter for one archive.

    Attributes:
        archive: answers spatial tests that cannot be made while searching.
        collections: ids of the collections by sensor.
        max_vertices: most vertices of a geometry.
        geometry: the spatial test that is left to the search.
        takes_geometry: whether the search has room for one.
    """

    archive: Archive
    collections: Mapping[str, str]
    max_vertices: int
    takes_geometry: bool
    geometry: BaseGeometry | None = None
    nodes: int = field(default=0)

    def condition(self, node: Tree, depth: int = 0, top: bool = True) -> Condition | None:
        """The condition of a node; None where it was left to the search."""
        self.nodes += 1
        if depth > _DEEPEST or self.nodes > _MOST_NODES:
            raise QueryError(f"the filter is nested deeper than {_DEEPEST} levels or has over {_MOST_NODES} parts")
        if isinstance(node, bool):
            return made.always(node)
        operator, args = _operation(node)
        if operator in ("and", "or"):
            if len(args) < 2:
                raise QueryError(f"{operator} joins two conditions or more")
            parts = [self.condition(arg, depth + 1, top and operator == "and") for arg in args]
            known = [part for part in parts if part is not None]
            if operator == "or":
                return made.any_of(known)
            return made.all_of(known) if known else None
        if operator == "not":
            return made.negated(self._certain(_one(args, operator), depth + 1))
        if operator in _SPATIAL or operator == "s_disjoint":
            return self._spatial(operator, args, top)
        if operator in _TEMPORAL or operator == "t_disjoint":
            return self._temporal(operator, args)
        return self._predicate(operator, args)

    def _certain(self, node: Tree, depth: int) -> Condition:
        found = self.condition(node, depth, top=False)
        return made.always(True) if found is None else found

    def _predicate(self, operator: str, args: Sequence[Tree]) -> Condition:
        if operator in _COMPARE:
            return self._comparison(cast(Operator, _COMPARE[operator]), _pair(args, operator))
        if operator == "isnull":
            name = _property(_one(args, operator))
            if name == "geometry":
                return made.is_null(Name("minx"))
            return made.always(False) if name == "collection" else made.is_null(_name(name))
        if operator == "between":
            if len(args) == 2 and isinstance(args[1], list):
                args = [args[0], *args[1]]
            if len(args) != 3:
                raise QueryError("between needs a property and two limits")
            low = self._comparison(">=", (args[0], args[1]))
            return made.all_of([low, self._comparison("<=", (args[0], args[2]))])
        if operator == "in":
            subject, values = _pair(args, operator)
            if not isinstance(values, list) or not values:
                raise QueryError("in needs a property and a list of values")
            return made.any_of([self._comparison("=", (subject, value)) for value in values[:_MOST_NODES]])
        if operator == "like":
            return self._like(*_pair(args, operator))
        raise QueryError(f"the filter's operator {operator[:40]!r} is not supported; see /conformance for what is")

    def _like(self, subject: Tree, pattern: Tree) -> Condition:
        subject, fold = _unfolded(subject)
        pattern, fold_too = _unfolded(pattern)
        if not isinstance(pattern, str):
            raise QueryError("like needs a property and a text pattern")
        name = _property(subject)
        if name == "collection":
            wanted = re.compile(_regular(pattern), re.DOTALL | (re.IGNORECASE if fold or fold_too else 0))
            return self._sensors([sensor for sensor, own in self.collections.items() if wanted.fullmatch(own)])
        return made.like(_name(name), pattern, fold or fold_too)

    def _comparison(self, operator: Operator, pair: tuple[Tree, Tree]) -> Condition:
        left, right = pair
        left, fold = _unfolded(left)
        right, fold_too = _unfolded(right)
        if not _is_property(left):
            left, right, operator = right, left, cast(Operator, _FLIPPED[operator])
        name = _property(left)
        if _is_property(right):
            return made.compare_names(_name(name), operator, _name(_property(right)))
        value = _value(right)
        if name == "collection":
            return self._collection(operator, value, fold or fold_too)
        if name == "datetime" and isinstance(value, str):
            value = parse_instant(value)
        if fold or fold_too:
            if not isinstance(value, str):
                raise QueryError("casei compares texts")
            return made.compare_folded(_name(name), operator, value)
        return made.compare(_name(name), operator, value)

    def _collection(self, operator: Operator, value: Value, fold: bool) -> Condition:
        if not isinstance(value, str):
            raise QueryError("collection is compared with a text")
        names = {sensor: own.lower() if fold else own for sensor, own in self.collections.items()}
        wanted = value.lower() if fold else value
        return self._sensors([sensor for sensor, own in names.items() if _COMPARED[operator](own, wanted)])

    def _sensors(self, sensors: Sequence[str]) -> Condition:
        return made.one_of(Name("sensor"), list(sensors)) if sensors else made.always(False)

    def _spatial(self, operator: str, args: Sequence[Tree], top: bool) -> Condition | None:
        left, right = _pair(args, operator)
        mirrored = not _is_property(left)
        subject, literal = (right, left) if mirrored else (left, right)
        if _property(subject) != "geometry":
            raise QueryError("spatial functions test the property geometry")
        geometry = _geometry(literal, self.max_vertices)
        if operator == "s_disjoint":
            touching = made.one_of(Name("id"), list(self.archive.touching(geometry)))
            return made.where_known(Name("minx"), made.negated(touching))
        relation = _SPATIAL[operator]
        if top and relation == "intersects" and self.geometry is None and self.takes_geometry:
            self.geometry = geometry
            return None
        if mirrored:
            relation = _MIRRORED.get(relation, relation)
        related = made.one_of(Name("id"), list(self.archive.touching(geometry, relation)))
        return made.where_known(Name("minx"), related)

    def _temporal(self, operator: str, args: Sequence[Tree]) -> Condition:
        left, right = _pair(args, operator)
        if operator == "t_disjoint":
            return made.any_of([self._temporal("t_after", args), self._temporal("t_before", args)])
        ends = dict(zip(("a0", "a1"), _ends(left), strict=True)) | dict(zip(("b0", "b1"), _ends(right), strict=True))
        return made.all_of([_ordered(ends[a], cast(Operator, sign), ends[b]) for a, sign, b in _TEMPORAL[operator]])


def parse(text: str, language: str, longest: int = 8192) -> Tree:
    """The tree of a filter.

    Args:
        text: the filter.
        language: ``cql2-text`` or ``cql2-json``.
        longest: most characters.

    Raises:
        QueryError: it cannot be read, or is too long or nested too deeply to be parsed safely.
    """
    if len(text) > longest:
        raise QueryError(f"the filter has {len(text)} characters, at most {longest} are read")
    if language == "cql2-json":
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise QueryError("the filter is not JSON; CQL2 text is sent with filter-lang=cql2-text") from None
    bare = _QUOTED.sub("''", text)
    deepest = level = 0
    for sign in bare:
        level += (sign == "(") - (sign == ")")
        deepest = max(deepest, level)
    if deepest > _DEEPEST or len(re.findall(r"\bnot\b", bare, re.I)) > _DEEPEST or re.search(r"[-+]\s*[-+]", bare):
        raise QueryError(f"the filter is nested deeper than {_DEEPEST} levels, or has signs that are not supported")
    if len(re.findall(r"[+*/^%]|\bdiv\b", bare, re.I)) > _DEEPEST:
        raise QueryError("the filter calculates; arithmetic is not supported")
    try:
        return cql2.parse_text(text).to_json()
    except cql2.ParseError as error:
        raise QueryError(f"the filter is not CQL2 text: {_first_words(str(error))}") from None


def read(
    tree: Tree,
    archive: Archive,
    collections: Mapping[str, str],
    *,
    takes_geometry: bool = True,
    max_vertices: int = 10_000,
) -> Filtered:
    """What a filter comes to in one archive.

    Args:
        tree: see `parse`.
        archive: the archive.
        collections: the ids of its collections by sensor.
        takes_geometry: whether the search has room for a geometry.
        max_vertices: most vertices of a geometry.

    Raises:
        QueryError: it is no filter, or more than is supported; the message says what.
    """
    reader = _Reader(archive, collections, max_vertices, takes_geometry)
    return Filtered(reader.condition(tree), reader.geometry)


def _operation(node: Tree) -> tuple[str, list[Tree]]:
    if not isinstance(node, Mapping) or not isinstance(node.get("op"), str) or not isinstance(node.get("args"), list):
        raise QueryError(f"the filter has no operation at {json.dumps(node, default=str)[:80]}: expected op and args")
    return node["op"].lower(), node["args"]


def _pair(args: Sequence[Tree], operator: str) -> tuple[Tree, Tree]:
    if len(args) != 2:
        raise QueryError(f"{operator} needs two arguments, got {len(args)}")
    return args[0], args[1]


def _one(args: Sequence[Tree], operator: str) -> Tree:
    if len(args) != 1:
        raise QueryError(f"{operator} needs one argument, got {len(args)}")
    return args[0]


def _is_property(node: Tree) -> bool:
    return isinstance(node, Mapping) and isinstance(node.get("property"), str)


def _property(node: Tree) -> str:
    if not _is_property(node):
        raise QueryError(f"expected a property in the filter, got {json.dumps(node, default=str)[:80]}")
    return str(node["property"]).removeprefix("properties.")


def _name(queryable: str) -> Name:
    if queryable in ("geometry", "collection"):
        raise QueryError(f"{queryable} cannot be used like this in a filter")
    column = COLUMNS.get(queryable)
    return Name(queryable, is_property=True) if column is None else Name(column)


def _unfolded(node: Tree) -> tuple[Tree, bool]:
    if isinstance(node, Mapping) and isinstance(node.get("op"), str) and node["op"].lower() == "casei":
        return _one(node.get("args") or [], "casei"), True
    return node, False


def _value(node: Tree) -> Value:
    if isinstance(node, Mapping):
        for kind in ("timestamp", "date"):
            if isinstance(node.get(kind), str):
                return parse_instant(node[kind])
    if isinstance(node, (str, bool)):
        return node
    if isinstance(node, (int, float)) and math.isfinite(node):
        return float(node)
    raise QueryError(f"expected a value in the filter, got {json.dumps(node, default=str)[:80]}")


def _ends(node: Tree) -> tuple[_End, _End]:
    """Start and end of an instant or interval; infinities are open ends."""
    if isinstance(node, Mapping) and isinstance(node.get("interval"), list) and len(node["interval"]) == 2:
        first, last = node["interval"]
        start: _End = -math.inf if first in ("..", "") else _moment(first)
        end: _End = math.inf if last in ("..", "") else _moment(last)
        if isinstance(start, datetime) and isinstance(end, datetime) and end < start:
            raise QueryError("an interval of the filter ends before it starts")
        return start, end
    moment = _moment(node)
    return moment, moment


def _moment(node: Tree) -> datetime | Name:
    if _is_property(node):
        if _property(node) != "datetime":
            raise QueryError("temporal functions test the property datetime")
        return Name("datetime")
    value = parse_instant(node) if isinstance(node, str) else _value(node)
    if not isinstance(value, datetime):
        raise QueryError("temporal functions compare moments: TIMESTAMP('...'), DATE('...') or INTERVAL(...)")
    return value


def _ordered(left: _End, sign: Operator, right: _End) -> Condition:
    """Whether one end comes before another."""
    if isinstance(left, Name) and isinstance(right, Name):
        return made.compare_names(left, sign, right)
    if isinstance(right, Name):
        left, right, sign = right, left, cast(Operator, _FLIPPED[sign])
    if isinstance(left, Name) and isinstance(right, datetime):
        return made.compare(left, sign, right)
    known = made.negated(made.is_null(left)) if isinstance(left, Name) else made.always(True)
    return made.all_of([known, made.always(_COMPARED[sign](_number(left), _number(right)))])


def _number(end: _End) -> float:
    """An end as seconds; what a column holds is finite."""
    if isinstance(end, Name):
        return 0.0
    return end.timestamp() if isinstance(end, datetime) else end


def _geometry(node: Tree, max_vertices: int) -> BaseGeometry:
    if isinstance(node, Mapping) and isinstance(node.get("bbox"), list):
        values = node["bbox"]
        return box_geometry(read_box([*values[:2], *values[3:5]] if len(values) == 6 else values))
    if not isinstance(node, Mapping) or not isinstance(node.get("type"), str):
        raise QueryError("a spatial function needs a geometry or BBOX(west,south,east,north)")
    found = read_geometry(node)
    if shapely.get_num_coordinates(found) > max_vertices:
        raise QueryError(f"a geometry has over {max_vertices} vertices; simplify it")
    return found


def _regular(pattern: str) -> str:
    """A LIKE pattern as a regular expression."""
    found, escaped = "", False
    for sign in pattern:
        if escaped or sign not in "%_\\":
            found, escaped = found + re.escape(sign), False
        elif sign == "\\":
            escaped = True
        else:
            found += ".*" if sign == "%" else "."
    return found


def _first_words(message: str) -> str:
    return " ".join(message.split())[:300]
