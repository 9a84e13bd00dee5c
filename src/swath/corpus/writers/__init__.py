"""Writers of long captions: one interface, a grammar and a language model behind it."""

from __future__ import annotations

from swath.corpus.writers.base import LongCaption, Sentence, Writer
from swath.corpus.writers.grammar import GrammarWriter
from swath.corpus.writers.language_model import LanguageModelWriter

__all__ = ["GrammarWriter", "LanguageModelWriter", "LongCaption", "Sentence", "Writer"]
