"""Class names as sentences: readable names, templates, and the vector of a class.

CLIP's zero-shot classifier (Radford et al. 2021, section 3.1.4) is one vector a class: the mean of the vectors of its
name in several templates. RemoteCLIP uses one, ``a satellite photo of {}.``; SkyScript two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from swath.data.class_names import readable
from swath.errors import EvaluationError
from swath.features import Features

Averaging = Literal["normalised", "plain"]
"""How the vectors of a class's prompts become one.

- ``normalised``: each at unit length, their mean, at unit length again (CLIP).
- ``plain``: the mean of the vectors as the tower gives them, at unit length (the code of RS5M / GeoRSCLIP).
"""

TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "remoteclip": ("a satellite photo of {}.",),
    "skyscript": ("a satellite photo of {}.", "a satellite image of {}"),
    "ensemble": (
        "a satellite photo of {}.",
        "a satellite image of {}.",
        "an aerial photo of {}.",
        "an aerial image of {}.",
        "a remote sensing image of {}.",
        "an overhead view of {}.",
        "a top-down view of {}.",
        "a low resolution satellite photo of {}.",
        "a high resolution satellite photo of {}.",
        "there is {} in the picture.",
        "{} seen from above.",
        "{}",
    ),
}
"""Named lists of templates; ``remoteclip`` is the default."""


class TextEncoder(Protocol):
    """What making a classifier asks of a model."""

    def encode_texts(self, texts: Sequence[str], *, tokens: bool = True) -> Features:
        """Features of texts."""
        ...


def read_templates(source: str | Path) -> tuple[str, ...]:
    """Templates: a name of `TEMPLATES`, one template with ``{}`` in it, or a file with one a line.

    Raises:
        EvaluationError: neither, or a template that does not hold ``{}`` exactly once.
    """
    text = str(source)
    if text in TEMPLATES:
        return TEMPLATES[text]
    if "{" in text:
        return _checked([text], "the template")
    file = Path(source)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(
            f"{text!r} is neither a list of templates ({', '.join(TEMPLATES)}), nor a template with {{}} in it, nor a "
            f"readable file: {error}"
        ) from error
    kept = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not kept:
        raise EvaluationError(f"{file} holds no template: write one a line, with {{}} for the class name")
    return _checked(kept, str(file))


def read_names(path: Path) -> dict[str, tuple[str, ...]]:
    """Words for classes: a JSON object ``{class: words}`` or ``{class: [words, ...]}``.

    Raises:
        EvaluationError: not such a file; the message names the class.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise EvaluationError(f"{path} cannot be read as class names: {error}") from error
    if not isinstance(data, dict):
        raise EvaluationError(f"{path} must hold a JSON object {{class: words}}")
    found = {}
    for name, words in data.items():
        listed = [words] if isinstance(words, str) else words
        if not isinstance(listed, list) or not listed or not all(isinstance(w, str) and w.strip() for w in listed):
            raise EvaluationError(f"{path}: the words for class {name!r} must be a text or a list of texts")
        found[name] = tuple(listed)
    return found


def class_vectors(
    model: TextEncoder,
    classes: Sequence[str],
    templates: Sequence[str] = TEMPLATES["remoteclip"],
    *,
    names: Mapping[str, Sequence[str]] | None = None,
    averaging: Averaging = "normalised",
) -> Tensor:
    """One vector a class.

    Args:
        model: the encoder; for ``plain`` also one with `raw_texts`, as `swath.models.DualEncoder` has.
        classes: K class names.
        templates: each with one ``{}``.
        names: words for classes; several are averaged like templates. By default
            `swath.data.class_names.readable` makes them.
        averaging: see `Averaging`.

    Returns:
        (K, D), L2-normalised.

    Raises:
        EvaluationError: no class or template, an unknown averaging, or a model that cannot give vectors as they are.
    """
    if averaging not in get_args(Averaging):
        raise EvaluationError(f"averaging is {averaging!r}; choose one of {', '.join(get_args(Averaging))}")
    if not classes or not templates:
        raise EvaluationError("a classifier needs at least one class and one template")
    given = names or {}
    prompts = [
        [template.replace("{}", words) for words in given.get(name, (readable(name),)) for template in templates]
        for name in classes
    ]
    texts = [text for own in prompts for text in own]
    if averaging == "plain":
        raw = getattr(model, "raw_texts", None)
        if raw is None:
            raise EvaluationError("this model gives no vectors before normalisation; use averaging 'normalised'")
        vectors = raw(texts)
    else:
        vectors = model.encode_texts(texts, tokens=False).pooled
    means = [part.mean(dim=0) for part in vectors.split([len(own) for own in prompts])]
    return F.normalize(torch.stack(means), dim=-1)


def _checked(templates: Sequence[str], where: str) -> tuple[str, ...]:
    for template in templates:
        if template.count("{}") != 1:
            raise EvaluationError(f"{where}: {template!r} must hold {{}} exactly once, for the class name")
    return tuple(templates)
