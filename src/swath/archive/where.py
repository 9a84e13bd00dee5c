"""`where`: a small, safe part of SQL over an archive's columns and its chips' properties.

    sensor = 's2-l2a' AND datetime >= '2020-06-01'
    properties.eo:cloud_cover < 10 OR properties['platform'] LIKE 'sentinel-2%'
    NOT (href IN ('a.tif', 'b.tif')) AND miny BETWEEN -10 AND 10 AND properties.view IS NOT NULL

The text is parsed by the grammar below and written anew from the parsed tree, so nothing that a user types reaches the
database as it stands: there are no functions, no statements, no comments, no sub-queries.

    any       = all { OR all }
    all       = not { AND not }
    not       = NOT not | "(" any ")" | predicate
    predicate = name ( compare literal | compare name | [NOT] IN "(" literal {"," literal} ")"
                     | [NOT] BETWEEN literal AND literal | [NOT] (LIKE | ILIKE) text | IS [NOT] NULL )
              | literal compare name
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from swath.archive.interval import parse_instant
from swath.archive.schema import BOUNDS
from swath.errors import QueryError

Kind = Literal["text", "number", "time", "truth", "property"]

COLUMNS: dict[str, Kind] = {
    "id": "text", "scene_id": "text", "sensor": "text", "family": "text", "href": "text", "crs": "text",
    "caption": "text", "datetime": "time", **dict.fromkeys(BOUNDS, "number"),
}  # fmt: skip
"""Columns that a filter may name, besides `properties.NAME`."""

_LONGEST = 8192
_DEEPEST = 50
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^']|'')*')
  | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
  | (?P<property>properties\s*(?:\[\s*'(?P<quoted>(?:[^']|'')*)'\s*\]|\.(?P<plain>[A-Za-z_][\w:.-]*)))
  | (?P<word>[A-Za-z_]\w*)
  | (?P<sign><=|>=|<>|!=|==|[=<>(),])
)""",
    re.VERBOSE | re.IGNORECASE,
)
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
_KEYWORDS = {"AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "ILIKE", "IS", "NULL", "TRUE", "FALSE"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    value: str
    at: int


@dataclass(frozen=True, slots=True)
class _Operand:
    """A column, property or literal; `sql` is safe text, `value` a literal's own value."""

    kind: Kind
    sql: str
    is_name: bool
    value: str = ""


def compile_where(text: str) -> str:
    """Check a filter expression and write it as SQL for Lance.

    Raises:
        QueryError: not in the grammar, an unknown column, or a comparison of things that do not compare; the message
            shows where.
    """
    return _Parser(text).parse()


def properties_in(text: str) -> list[str]:
    """Names of the properties that a filter expression names, each once."""
    return list(dict.fromkeys(token.value for token in _tokens(text) if token.kind == "property"))


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0
        self._depth = 0

    def parse(self) -> str:
        if not self._tokens:
            raise QueryError("the where filter is empty; write for example: properties.cloud_cover < 10")
        sql = self._any()
        if self._next < len(self._tokens):
            raise self._error("expected AND, OR or the end")
        return sql

    def _any(self) -> str:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise QueryError(f"the where filter is nested deeper than {_DEEPEST} levels; simplify it")
        parts = [self._all()]
        while self._word("OR"):
            parts.append(self._all())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")"

    def _all(self) -> str:
        parts = [self._not()]
        while self._word("AND"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else "(" + " AND ".join(parts) + ")"

    def _not(self) -> str:
        negations = 0
        while self._word("NOT"):
            negations += 1
        if self._sign("("):
            sql = self._any()
            if not self._sign(")"):
                raise self._error("expected )")
        else:
            sql = self._predicate()
        return f"(NOT {sql})" if negations % 2 else sql

    def _predicate(self) -> str:
        left = self._operand()
        if not left.is_name:
            compare = self._comparison()
            right = self._operand()
            if not right.is_name:
                raise self._error("a comparison needs a column or properties.NAME on one side", back=1)
            return self._compare(right, _FLIPPED[compare], left)
        if self._word("IS"):
            negated = "NOT " if self._word("NOT") else ""
            if not self._word("NULL"):
                raise self._error("expected NULL after IS")
            return f"({left.sql} IS {negated}NULL)"
        negated = "NOT " if self._word("NOT") else ""
        if self._word("IN"):
            return self._in(left, negated)
        if self._word("BETWEEN"):
            low = self._literal()
            if not self._word("AND"):
                raise self._error("expected AND between the two limits of BETWEEN")
            high = self._literal()
            column, low_sql, high_sql = self._agree(left, [low, high])
            return f"({column} {negated}BETWEEN {low_sql} AND {high_sql})"
        for operator in ("LIKE", "ILIKE"):
            if self._word(operator):
                pattern = self._literal()
                if pattern.kind != "text" or left.kind not in ("text", "property"):
                    raise self._error(f"{operator} compares text with a text pattern", back=1)
                return f"({left.sql} {negated}{operator} {pattern.sql})"
        if negated:
            raise self._error("expected IN, BETWEEN or LIKE after NOT")
        return self._compare(left, self._comparison(), self._operand())

    def _in(self, left: _Operand, negated: str) -> str:
        if not self._sign("("):
            raise self._error("expected ( after IN")
        values = [self._literal()]
        while self._sign(","):
            values.append(self._literal())
        if not self._sign(")"):
            raise self._error("expected ) at the end of the list")
        column, *items = self._agree(left, values)
        return f"({column} {negated}IN ({', '.join(items)}))"

    def _compare(self, left: _Operand, operator: str, right: _Operand) -> str:
        if right.is_name:
            if left.kind != right.kind or left.kind == "property":
                raise self._error(f"cannot compare {left.sql} with {right.sql}", back=1)
            return f"({left.sql} {operator} {right.sql})"
        column, literal = self._agree(left, [right])
        return f"({column} {operator} {literal})"

    def _agree(self, left: _Operand, values: list[_Operand]) -> list[str]:
        """The column and literals as SQL of one type."""
        kinds = {value.kind for value in values}
        if len(kinds) > 1:
            raise self._error("a list or range needs values of one type", back=1)
        kind = kinds.pop()
        if left.kind == "property":
            if kind == "number":
                return [f"TRY_CAST({left.sql} AS DOUBLE)", *(value.sql for value in values)]
            return [left.sql, *(value.sql if kind == "text" else f"'{value.value}'" for value in values)]
        if left.kind == "time" and kind == "text":
            return [left.sql, *(f"TIMESTAMP '{parse_instant(value.value).isoformat()}'" for value in values)]
        if left.kind != kind:
            raise self._error(f"column {left.sql} is {left.kind}, the value is {kind}", back=1)
        return [left.sql, *(value.sql for value in values)]

    def _comparison(self) -> str:
        for written, operator in (("=", "="), ("==", "="), ("!=", "!="), ("<>", "!=")):
            if self._sign(written):
                return operator
        for operator in ("<=", ">=", "<", ">"):
            if self._sign(operator):
                return operator
        raise self._error("expected a comparison (= != < <= > >=), IN, BETWEEN, LIKE or IS NULL")

    def _literal(self) -> _Operand:
        found = self._operand()
        if found.is_name:
            raise self._error("expected a value here", back=1)
        return found

    def _operand(self) -> _Operand:
        if self._next >= len(self._tokens):
            raise self._error("expected a column or a value")
        token = self._tokens[self._next]
        self._next += 1
        if token.kind == "text":
            value = token.value[1:-1].replace("''", "'")
            return _Operand("text", quoted(value), False, value)
        if token.kind == "number":
            return _Operand("number", self._number(token.value), False, token.value)
        if token.kind == "property":
            return _Operand("property", f"json_get_string(scalars, {quoted(token.value)})", True)
        if token.kind == "word":
            if token.value.upper() in ("TRUE", "FALSE"):
                return _Operand("truth", token.value.upper(), False, token.value.lower())
            if token.value.lower() in COLUMNS:
                return _Operand(COLUMNS[token.value.lower()], token.value.lower(), True)
            if token.value.upper() not in _KEYWORDS:
                raise self._error(
                    f"no column {token.value!r}; there are {', '.join(COLUMNS)} and properties.NAME "
                    f"(functions are not allowed)",
                    back=1,
                )
        raise self._error("expected a column or a value", back=1)

    def _number(self, text: str) -> str:
        value = float(text)
        if not math.isfinite(value):
            raise self._error("this number is too large", back=1)
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)

    def _word(self, wanted: str) -> bool:
        return self._take("word", wanted)

    def _sign(self, wanted: str) -> bool:
        return self._take("sign", wanted)

    def _take(self, kind: str, wanted: str) -> bool:
        if self._next < len(self._tokens):
            token = self._tokens[self._next]
            if token.kind == kind and token.value.upper() == wanted:
                self._next += 1
                return True
        return False

    def _error(self, why: str, back: int = 0) -> QueryError:
        index = self._next - back
        at = self._tokens[index].at if 0 <= index < len(self._tokens) else len(self._text)
        return QueryError(
            f"cannot read the where filter at {self._text[at : at + 40]!r}: {why}; filter: {self._text!r}"
        )


def _tokens(text: str) -> list[_Token]:
    if len(text) > _LONGEST:
        raise QueryError(f"the where filter has {len(text)} characters, more than {_LONGEST}")
    if "\0" in text:
        raise QueryError("the where filter holds a NUL character")
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if not match:
            rest = text[at:].lstrip()
            raise QueryError(f"cannot read the where filter at {rest[:40]!r}: {rest[0]!r} is not allowed there")
        kind = str(match.lastgroup if match.lastgroup in ("text", "number", "word", "sign") else "property")
        value = match[kind]
        if kind == "property":
            value = match["plain"] or (match["quoted"] or "").replace("''", "'")
        tokens.append(_Token(kind, value, match.start(kind)))
        at = match.end()
    return tokens


def quoted(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def id_in(ids: Sequence[str]) -> str:
    """The condition that a row's id is one of these."""
    return f"id IN ({', '.join(map(quoted, ids))})"
