"""The OpenAPI document as one plain page: no scripts, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code{font-family:ui-monospace,monospace}"
    "summary{cursor:pointer}td{padding:.15rem .8rem .15rem 0;vertical-align:top}"
)


def render(document: Mapping[str, Any]) -> str:
    """HTML that lists every operation with its parameters and answers."""
    info = document["info"]
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(info['title'])}: interface</title>",
        f"<style>{_STYLE}</style><h1>{escape(info['title'])}</h1><p>{escape(info.get('description', ''))}</p>",
        '<p>The same as <a href="api">OpenAPI</a>, for programs.</p>',
    ]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts.append(_operation(path, method, operation))
    return "".join(parts) + "</html>"


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code><td>{escape(each['in'])}<td>{escape(each.get('description', ''))}"
        for each in operation.get("parameters", ())
    )
    answers = "".join(
        f"<tr><td>{escape(code)}<td><td>{escape(each.get('description', ''))}"
        for code, each in operation["responses"].items()
    )
    title = f"<code>{method.upper()} {escape(path)}</code> {escape(operation.get('summary', ''))}"
    return f"<details><summary>{title}</summary><table>{rows}{answers}</table></details>"
