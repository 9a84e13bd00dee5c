"""Answers on disk by the content of their request: what was paid for once is not asked again."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swath.errors import DataError


class ReplyCache:
    """A folder of answers, one file each; safe to share between threads and processes.

    Args:
        folder: where the files are; made as needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @staticmethod
    def key(request: Mapping[str, Any]) -> str:
        """SHA-256 of a request's content in hexadecimal; equal requests have equal keys."""
        document = json.dumps(request, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(document.encode()).hexdigest()

    def get(self, key: str) -> Any | None:  # noqa: ANN401 - any JSON document
        """The answer to a request; None where there is none, or its file is damaged (it is then asked for again).

        Raises:
            DataError: the folder cannot be read.
        """
        try:
            return json.loads(self._file(key).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
            return None
        except OSError as error:
            raise DataError(f"answers in {self._folder} cannot be read: {error}; give another --cache") from error

    def put(self, key: str, document: Any) -> None:  # noqa: ANN401 - any JSON document
        """Keep an answer. The file appears whole or not at all.

        Raises:
            DataError: the folder cannot be written.
        """
        target = self._file(key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=target.parent, suffix=".partial")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(document, file, ensure_ascii=False)
                Path(name).replace(target)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise DataError(f"answers cannot be kept in {self._folder}: {error}; give another --cache") from error

    def _file(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"
