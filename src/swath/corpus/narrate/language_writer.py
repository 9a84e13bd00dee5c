"""Captions by a language model: several an image, rewritten for radar, from the facts alone."""

from __future__ import annotations

from dataclasses import replace

from swath.corpus.llm import ChatClient, Prompt
from swath.corpus.writers import LanguageModelWriter


def language_writer(client: ChatClient, captions: int = 5) -> LanguageModelWriter:
    """A writer whose sentences are captions of their own.

    Args:
        client: the language model.
        captions: how many to ask for.
    """
    prompt = Prompt.load("radar_captions")
    return LanguageModelWriter(
        client, replace(prompt, instruction=prompt.instruction.replace("{count}", str(captions)))
    )
