"""Conditions made by programs: the same SQL as `swath.archive.where` writes, from values instead of text.

A translator of another filter language (the service's CQL2) builds a `Condition` from these functions. Names are
checked against the archive's columns and every value is written as a literal here, so no text of a user becomes SQL.
Comparisons with what is null are neither true nor false, as in SQL.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from swath.archive.where import COLUMNS, quoted
from swath.errors import QueryError

Operator = Literal["=", "!=", "<", "<=", ">", ">="]
Value = str | float | bool | datetime
"""What a column or a property is compared with."""

_OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
_WORD = r"\w"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on rows. Made by the functions of this module only, which is why its SQL is safe."""

    sql: str

    def __str__(self) -> str:
        return self.sql


@dataclass(frozen=True, slots=True)
class Name:
    """A column of the archive, or a text, number or truth value that a source said of the scene.

    Raises:
        QueryError: there is no such column.
    """

    name: str
    is_property: bool = False

    def __post_init__(self) -> None:
        if not self.is_property and self.name not in COLUMNS:
            raise QueryError(f"no column {self.name!r}; there are {', '.join(COLUMNS)} and properties")
        if len(self.name) > 256 or "\0" in self.name:
            raise QueryError(f"{self.name[:40]!r} is no name of a property")

    @property
    def kind(self) -> str:
        """``text``, ``number``, ``time``, or ``property``."""
        return "property" if self.is_property else COLUMNS[self.name]

    def sql(self, value: Value | None = None) -> str:
        """The operand as SQL of the type of a value.

        Raises:
            QueryError: a column of another type.
        """
        if self.is_property:
            text = f"json_get_string(scalars, {quoted(self.name)})"
            if isinstance(value, datetime):
                return f"TRY_CAST({text} AS TIMESTAMP)"
            return f"TRY_CAST({text} AS DOUBLE)" if _is_number(value) else text
        fits = {"text": isinstance(value, str), "number": _is_number(value), "time": isinstance(value, datetime)}
        if value is not None and not fits[self.kind]:
            raise QueryError(f"{self.name} is {self.kind}, and {value!r} is not")
        return self.name


def where_known(name: Name, condition: Condition) -> Condition:
    """A condition that is unknown where a column has no value; Lance reads no CASE."""
    column = name.sql()
    return Condition(f"(({condition.sql} OR {column} != {column}) AND {column} = {column})")


def always(truth: bool) -> Condition:
    """What holds for every row, or for none."""
    return Condition("TRUE" if truth else "FALSE")


def compare(name: Name, operator: Operator, value: Value) -> Condition:
    """A column or property against a value.

    Raises:
        QueryError: they do not compare, or the value is no number.
    """
    if operator not in _OPERATORS:
        raise QueryError(f"no comparison {operator!r}; there are {' '.join(_OPERATORS)}")
    return Condition(f"({name.sql(value)} {operator} {_literal(value)})")


def compare_names(left: Name, operator: Operator, right: Name) -> Condition:
    """Two columns of one kind.

    Raises:
        QueryError: they do not compare.
    """
    if operator not in _OPERATORS or left.kind != right.kind or left.is_property:
        raise QueryError(f"cannot compare {left.name} with {right.name}")
    return Condition(f"({left.name} {operator} {right.name})")


def compare_folded(name: Name, operator: Operator, value: str) -> Condition:
    """Texts compared without regard to case."""
    if operator not in _OPERATORS:
        raise QueryError(f"no comparison {operator!r}; there are {' '.join(_OPERATORS)}")
    return Condition(f"(lower({name.sql(value)}) {operator} {quoted(value.lower())})")


def one_of(name: Name, values: Sequence[Value]) -> Condition:
    """A column or property that equals one of several values.

    Raises:
        QueryError: values of different kinds.
    """
    if not values:
        return always(False)
    if len({float if _is_number(value) else type(value) for value in values}) > 1:
        raise QueryError("a list needs values of one kind")
    return Condition(f"({name.sql(values[0])} IN ({', '.join(_literal(value) for value in values)}))")


def like(name: Name, pattern: str, fold: bool = False) -> Condition:
    """A text against a pattern: ``%`` stands for any text, ``_`` for one character, a backslash takes their meaning."""
    return Condition(f"({name.sql('')} {'ILIKE' if fold else 'LIKE'} {quoted(pattern)})")


def is_null(name: Name) -> Condition:
    """What has no value."""
    return Condition(f"({name.sql()} IS NULL)")


def all_of(conditions: Sequence[Condition]) -> Condition:
    """All of several hold."""
    return Condition("(" + " AND ".join(each.sql for each in conditions) + ")") if conditions else always(True)


def any_of(conditions: Sequence[Condition]) -> Condition:
    """At least one of several holds."""
    return Condition("(" + " OR ".join(each.sql for each in conditions) + ")") if conditions else always(False)


def negated(condition: Condition) -> Condition:
    """The opposite; of what is unknown still unknown."""
    return Condition(f"(NOT {condition.sql})")


def contains_term(term: str, captioned: bool) -> Condition:
    """Rows whose title, description, keywords or caption hold a term: words side by side, in order, in any case.

    Args:
        term: words; white space between them matches any white space.
        captioned: whether the archive has a column of captions.
    """
    words = term.split()
    if not words:
        raise QueryError("a search term is empty")
    phrase = r"\s+".join(re.escape(word) for word in words)
    whole = f"(^|[^{_WORD}]){phrase}($|[^{_WORD}])"
    texts = [Name(name, is_property=True).sql() for name in ("title", "description", "keywords")]
    texts += ["caption"] if captioned else []
    # Keywords are mostly a list, which filters cannot read: each is found in the JSON text.
    written = r"\s+".join(re.escape(_in_json(word)) for word in words)
    member = r'"([^"\\]|\\.)*"'
    listed = rf'"keywords": \[({member}, )*"(([^"\\]|\\.)*[^{_WORD}])?{written}([^{_WORD}"]([^"\\]|\\.)*)?"'
    found = [f"regexp_like({text}, {quoted(whole)}, 'i')" for text in texts]
    found.append(f"regexp_like(properties, {quoted(listed)}, 'i')")
    return Condition("(" + " OR ".join(f"({each} IS TRUE)" for each in found) + ")")


def _in_json(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"')


def _is_number(value: Value | None) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _literal(value: Value) -> str:
    if isinstance(value, bool):
        return quoted(str(value).lower())
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return f"TIMESTAMP {quoted(moment.isoformat())}"
    if isinstance(value, str):
        if "\0" in value:
            raise QueryError("a text holds a NUL character")
        return quoted(value)
    if not math.isfinite(value):
        raise QueryError(f"{value} is no number to compare with")
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))
