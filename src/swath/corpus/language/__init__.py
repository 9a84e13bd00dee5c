"""What texts about images claim: things, counts, colours, relations, positions, places, times, sensors."""

from __future__ import annotations

from swath.corpus.language.claims import Claims, claims_of
from swath.corpus.language.lexicon import Lexicon, lexicon

__all__ = ["Claims", "Lexicon", "claims_of", "lexicon"]
