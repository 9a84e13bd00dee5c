"""`CompactAnswerer`: answers from a model's own frozen features; small enough to train in minutes on a CPU."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swath.chips import Pixels
from swath.errors import CheckpointError, InputError
from swath.models.answerer.config import CONFIG, WEIGHTS, AnswererConfig
from swath.models.answerer.network import KINDS, Names, Network, names_of
from swath.models.answerer.parsing import Asked, Kind, parse
from swath.models.answerer.views import Views, view
from swath.models.answers import Answer, check_request
from swath.models.checkpoint import WEIGHTS_FILE, compare, read_weights
from swath.models.config import CONFIG_FILE
from swath.models.dual_encoder import DualEncoder
from swath.models.files import whole

_BATCH = 256
_NAMES = 16_384
"""Names whose vectors are kept; a service is asked about ever new ones."""
_IMAGES = 32
_FEW = 100
"""Where larger numbers than this can be the answer, the order of magnitude is decided first (RSVQA's ranges)."""


class CompactAnswerer:
    """Answers questions from a dual encoder's features.

    Args:
        encoder: the model whose features it was trained on.
        config: sizes and answers.
        networks: `config.members` networks; random ones where None.

    Raises:
        CheckpointError: it was trained on another model's features.
    """

    def __init__(self, encoder: DualEncoder, config: AnswererConfig, networks: Sequence[Network] | None = None) -> None:
        if encoder.model_id != config.base:
            raise CheckpointError(
                f"this answerer reads features of {config.base}, not of {encoder.model_id}; train it anew with: "
                "swath train answerer init=MODEL"
            )
        self.encoder = encoder
        self.config = config
        self.networks = nn.ModuleList(networks or [Network(config) for _ in range(config.members)]).eval()
        self._names: dict[str, Tensor] = {}

    @property
    def model_id(self) -> str:
        """The base model's id and 12 hexadecimal digits over the answerer's configuration and weights."""
        sha = hashlib.sha256(self.config.model_dump_json(exclude={"provenance"}).encode())
        for key, value in sorted(self.networks.state_dict().items()):
            sha.update(f"\n{key}".encode() + value.detach().cpu().contiguous().numpy().tobytes())
        return f"{self.config.base}+answerer@{sha.hexdigest()[:12]}"

    def answer(self, images: Sequence[Pixels], questions: Sequence[str]) -> list[Answer]:
        """Answer question i about image i; an image given several times (the same object) is encoded once.

        Raises:
            InputError: an empty question, an image without a valid pixel, or not as many questions as images.
            SensorError: the model takes no images of a sensor.
        """
        check_request(images, questions)
        asked = [parse(question) for question in questions]
        places: dict[int, int] = {}
        rows = [places.setdefault(id(image), len(places)) for image in images]
        distinct = [images[rows.index(row)] for row in range(len(places))]
        parts = [view(self.encoder, distinct[at : at + _IMAGES]) for at in range(0, len(distinct), _IMAGES)]
        return self.answer_views(Views.cat(parts), rows, asked)

    @torch.inference_mode()
    def answer_views(self, views: Views, rows: Sequence[int], asked: Sequence[Asked]) -> list[Answer]:
        """Answer questions about encoded images.

        Args:
            views: I images (see `swath.models.answerer.views.view`).
            rows: the image of each question.
            asked: the questions.
        """
        found: list[Answer] = []
        for start in range(0, len(asked), _BATCH):
            part = asked[start : start + _BATCH]
            chances = self._chances(views, rows[start : start + _BATCH], part)
            found += [self._decide(question.kind, chance) for question, chance in zip(part, chances, strict=True)]
        return found

    def batch(self, rows: Sequence[int], asked: Sequence[Asked]) -> tuple[Names, Tensor, Tensor, Tensor, Tensor]:
        """What a network takes of some questions: names, subject, other, the images that take part, image rows."""
        wanted = list(dict.fromkeys(name for one in asked for name in (one.subject, one.other or one.subject)))
        known = self._names if len(self._names) <= _NAMES else {}
        self._encode([name for name in wanted if name not in known], known)
        self._names = known
        place = {name: at for at, name in enumerate(wanted)}
        names = names_of(wanted, torch.stack([known[name] for name in wanted]))
        subject = torch.tensor([place[one.subject] for one in asked])
        other = torch.tensor([place[one.other or one.subject] for one in asked])
        images, image = torch.unique(torch.tensor(list(rows)), return_inverse=True)
        return names, subject, other, images, image

    def save(self, directory: str | Path) -> Path:
        """Write ``answerer.safetensors`` and ``answerer.json`` beside a model; the model's own files stay.

        Returns:
            the directory.
        """
        place = Path(directory)
        state = {key: value.detach().cpu().contiguous().clone() for key, value in self.networks.state_dict().items()}
        with whole(place / WEIGHTS) as part:
            safetensors.torch.save_file(state, part, metadata={"format": "pt", "base": self.config.base})
            (place / CONFIG).unlink(missing_ok=True)
        with whole(place / CONFIG) as part:
            part.write_text(self.config.to_json(), encoding="utf-8")
        return place

    def _encode(self, names: Sequence[str], known: dict[str, Tensor]) -> None:
        if names:
            # Clone: what inference mode makes cannot take part in training.
            vectors = self.encoder.encode_texts(names, truncation="count", tokens=False).pooled.float().cpu().clone()
            known |= dict(zip(names, vectors, strict=True))

    def _chances(self, views: Views, rows: Sequence[int], asked: Sequence[Asked]) -> list[Tensor]:
        """For each question the probabilities of its possible answers, averaged over the networks."""
        names, subject, other, images, image = self.batch(rows, asked)
        own = views.select(images)
        sums: list[Tensor] = []
        for module in self.networks:
            network = cast(Network, module)
            read = network(names, subject, other, own, image)
            count, area = read.count.exp(), read.area.exp()
            yes, words = torch.sigmoid(read.yes), F.softmax(read.words, dim=-1)
            tables: dict[Kind, Tensor] = {"count": count, "area": area, "open": words}
            tables |= {kind: torch.stack([yes[:, at], 1 - yes[:, at]], dim=1) for at, kind in enumerate(KINDS)}
            chances = [tables[one.kind][at] for at, one in enumerate(asked)]
            sums = [a + b for a, b in zip(sums, chances, strict=True)] if sums else chances
        return [chance / len(self.networks) for chance in sums]

    def _decide(self, kind: Kind, chance: Tensor) -> Answer:
        if kind == "count" or kind == "area":
            values = self.config.counts if kind == "count" else self.config.areas
            best = _most_likely_number(values, chance)
            unit = self.config.area_unit if kind == "area" else ""
            return Answer(f"{values[best]}{unit}", float(chance[best]), kind)
        if kind == "open":
            if not self.config.words:
                raise InputError(
                    "this answerer was trained on no open questions; ask how many, how large, whether, or more or fewer"
                )
            best = int(chance.argmax())
            return Answer(self.config.words[best], float(chance[best]), kind)
        return Answer("yes" if chance[0] >= chance[1] else "no", float(chance.max()), kind)


def load_answerer(
    model: str | Path,
    *,
    encoder: DualEncoder | None = None,
    **options: Any,  # noqa: ANN401 - those of from_pretrained
) -> CompactAnswerer:
    """The answerer in a model's directory, with its model.

    Args:
        model: what `DualEncoder.from_pretrained` takes, if it is a directory or packaged.
        encoder: that model, where it is loaded already.
        options: of `DualEncoder.from_pretrained`.

    Raises:
        CheckpointError: the model has no answerer, or files do not fit together.
        ModelError: there is no such model.
    """
    from swath.models.hub import resolve

    directory = resolve(str(model))
    config = AnswererConfig.load(directory)
    answerer = CompactAnswerer(encoder or DualEncoder.from_pretrained(directory, **options), config)
    state = read_weights(directory / WEIGHTS)
    misfits = compare({key: tuple(value.shape) for key, value in answerer.networks.state_dict().items()}, state)
    if misfits:
        raise CheckpointError(f"{directory / WEIGHTS} does not fit {CONFIG}: {'; '.join(misfits)}")
    answerer.networks.load_state_dict(state)
    return answerer


def is_dual_encoder(model: str | Path) -> bool:
    """Whether a name is that of a swath model (directory, packaged or in the zoo), which may hold an answerer."""
    from swath.models import zoo
    from swath.models.hub import packaged

    if Path(model).is_dir():
        return (Path(model) / WEIGHTS_FILE).is_file() and b'"towers"' in _bytes(Path(model) / CONFIG_FILE)
    return packaged(str(model)) is not None or zoo.find(str(model)) is not None


def _bytes(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""


def order_of_magnitude(number: int) -> int:
    """RSVQA's range of a number: 0, 1 to 10, 11 to 100, 101 to 1000, more (0 to 4)."""
    return sum(number > bound for bound in (0, 10, 100, 1000))


def _most_likely_number(values: Sequence[int], chance: Tensor) -> int:
    if values[-1] <= _FEW:
        return int(chance.argmax())
    ranges = torch.tensor([order_of_magnitude(value) for value in values])
    best = torch.zeros(5).index_add(0, ranges, chance.float()).argmax()
    return int(torch.where(ranges == best, chance, torch.zeros_like(chance)).argmax())
