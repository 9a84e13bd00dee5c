"""One long caption, come what may: write, check, write again with the reasons, fall back to the grammar."""

from __future__ import annotations

from swath.corpus.checker import Checker, Finding
from swath.corpus.facts import Facts
from swath.corpus.llm.errors import WritingError
from swath.corpus.writers.base import LongCaption, Writer

ATTEMPTS = 2
"""How often a writer may try before its text is given up: once, and once more with the reasons."""


def compose(
    facts: Facts, writer: Writer, fallback: Writer, checker: Checker, strict: bool = False
) -> LongCaption | None:
    """A caption of which every claim is supported by the facts.

    Args:
        facts: what is known of the image.
        writer: who writes.
        fallback: who writes if the writer's texts are rejected; its name then stands in the caption's provenance,
            beside what the checker found in the rejected ones.
        checker: who judges.
        strict: no fallback: an image whose texts are rejected gets none.

    Returns:
        The caption; without sentences where the facts say nothing, None where `strict` leaves the image out.

    Raises:
        LanguageModelError: the writer cannot work at all.
        DataError: a fact has a value of the wrong type.
    """
    rejected: list[str] = []
    findings: tuple[Finding, ...] = ()
    for _ in range(ATTEMPTS):
        try:
            sentences = writer.write(facts, findings)
        except WritingError as error:
            rejected.append(f"{error.reason}: {error}")
            break
        findings = checker.check(" ".join(sentence.text for sentence in sentences), facts)
        if not findings:
            return LongCaption(sentences, writer.name, writer.model, tuple(rejected))
        rejected += map(str, findings)
    if strict:
        return None
    return LongCaption(fallback.write(facts), fallback.name, fallback.model, tuple(rejected))
