"""What an archive's model can do beside searching: write captions, answer questions."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from swath.archive import Archive
from swath.errors import SwathError
from swath.service.problems import RequestError

if TYPE_CHECKING:
    from swath.chips import Pixels
    from swath.models import Captioner
    from swath.models.answerer import CompactAnswerer
    from swath.models.answers import Answer

logger = logging.getLogger("swath.service")

Ability = Literal["caption", "ask"]

_LACKS: dict[Ability, str] = {
    "caption": "the model of this archive writes no captions",
    "ask": "the model of this archive answers no questions",
}


@dataclass(frozen=True, slots=True)
class _Found:
    names: tuple[Ability, ...] = ()
    directory: Path | None = None


class Abilities:
    """The further abilities of one archive's model. Its weights are loaded once, together with those that search."""

    def __init__(self, archive: Archive, model: str | None = None) -> None:
        """Of an archive.

        Args:
            archive: whose model is meant.
            model: where that model is, if not where the archive says.
        """
        self._archive = archive
        self._model = model
        self._lock = threading.Lock()
        self._found: _Found | None = None
        self._captioner: Captioner | None = None
        self._answerer: CompactAnswerer | None = None

    @property
    def names(self) -> tuple[Ability, ...]:
        """``caption`` where the model has a captioner, ``ask`` where an answerer lies beside its weights."""
        return self._look().names

    def caption(self, pixels: Pixels) -> tuple[str, str]:
        """A caption, and the id of what wrote it.

        Raises:
            RequestError: see `need`.
            EmptyChipError: no valid pixel.
        """
        self.need("caption")
        with self._lock:
            if self._captioner is None:
                from swath.models import Captioner  # slow to import

                self._captioner = Captioner(self._archive.encoder)  # type: ignore[arg-type]
            captioner = self._captioner
        return captioner.caption([pixels])[0], captioner.id

    def answer(self, pixels: Pixels, questions: Sequence[str]) -> tuple[list[Answer], str]:
        """Answers to questions about one image, and the id of what answered.

        Raises:
            RequestError: see `need`.
            InputError: a question is empty, or of a kind that was not learned.
        """
        self.need("ask")
        with self._lock:
            if self._answerer is None:
                from swath.models.answerer import load_answerer  # slow to import

                directory = self._look().directory
                self._answerer = load_answerer(str(directory), encoder=self._archive.encoder)  # type: ignore[arg-type]
            answerer = self._answerer
        return answerer.answer([pixels] * len(questions), questions), answerer.model_id

    def need(self, ability: Ability) -> None:
        """Refuse what the model cannot do.

        Raises:
            RequestError: 404.
        """
        if ability not in self.names:
            raise RequestError(404, _LACKS[ability])

    def _look(self) -> _Found:
        """Ask the model's files, which costs little, before its weights are loaded."""
        if self._found is None:
            try:
                self._found = self._search()
            except SwathError as error:
                logger.info("what the model of %s can do is not known: %s", self._archive.uri, error)
                self._found = _Found()
        return self._found

    def _search(self) -> _Found:
        from swath.models import DualEncoder  # slow to import
        from swath.models.answerer.config import CONFIG, AnswererConfig
        from swath.models.config import ModelConfig
        from swath.models.hub import resolve

        name = self._model or self._archive.about.model
        if not name:
            encoder = self._archive.encoder
            writes = isinstance(encoder, DualEncoder) and encoder.text_decoder is not None
            return _Found(("caption",) if writes else ())
        directory = resolve(name)
        names: list[Ability] = ["caption"] if ModelConfig.load(directory).captioner is not None else []
        if (directory / CONFIG).is_file():
            base = AnswererConfig.load(directory).base
            if base == self._archive.model_id:
                names.append("ask")
            else:
                logger.warning("the answerer in %s reads features of %s: it is not used", directory, base)
        return _Found(tuple(names), directory)
