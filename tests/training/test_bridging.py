from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from generate.processes import torchrun
from generate.sensors import two_sensors
from swath.errors import InputError, RecipeError
from swath.models import DualEncoder
from swath.objectives.bridge import bridge_loss, paired_loss
from swath.objectives.contrastive import contrastive_loss
from swath.training import train
from swath.training.batches import Batch, TrainingSet
from swath.training.step import TrainingModel
from swath.training.texts import NO_TEXT

BRIDGE = "objective.bridge={paired: 0.5}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sensors")


def built(folder: Path, *overrides: str) -> tuple[TrainingModel, Batch]:
    """A training model in evaluation mode, and a batch of partners, single images and one image without text."""
    recipe = two_sensors(folder, "batch.captions=2", *overrides)
    torch.manual_seed(0)
    data, encoder = TrainingSet(recipe), DualEncoder(recipe.model)
    rows = torch.tensor([0, 1, 4, 8, 9, 16, 17, 20, 21]).numpy()
    return TrainingModel(encoder, recipe.objective, 0).eval(), data.batch(rows, encoder, 32, (0,))


def encoded(model: TrainingModel, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Vectors of images, texts and places from the encoder's own doors."""
    encoder = model.encoder
    images = torch.cat([encoder.forward_images(own, name).pooled for name, own in batch.images.items()])
    texts = encoder.forward_texts(batch.ids, batch.mask).pooled
    assert batch.facts is not None
    places = torch.zeros(len(images), encoder.dim)
    places[batch.facts.located] = encoder.forward_locations(batch.facts.places[batch.facts.located])
    return images, texts, places


def test_the_step_is_the_bridge_and_its_partners(folder: Path) -> None:
    model, batch = built(folder, "objective.bridge={targets: diagonal, paired: 0.5}")
    losses, _ = model(**batch.to(torch.device("cpu")))
    images, texts, _ = encoded(model, batch)
    facts = batch.facts
    assert facts is not None
    described = batch.text_caption != NO_TEXT
    own = (batch.owners[None] == torch.arange(len(images))[:, None]) & described
    scale = model.encoder.logit_scale.exp()
    terms = []
    for sensor in (0, 1):
        rows = facts.sensor == sensor
        columns = rows[batch.owners] & described
        terms.append(contrastive_loss(images[rows], texts[columns], scale, own[rows][:, columns]))
    assert losses["contrastive"].item() == pytest.approx(sum(terms).item() / 2, rel=1e-5)
    paired = paired_loss(images, facts.sensor, facts.group, scale)
    assert paired > 0
    assert losses["paired"].item() == pytest.approx(paired.item(), rel=1e-5)
    assert losses["loss"].item() == pytest.approx((losses["contrastive"] + 0.5 * losses["paired"]).item(), rel=1e-5)


def test_equal_targets_forgive_what_the_published_ones_punish(folder: Path) -> None:
    """Pictures 0, 4 and 8 have one label set and draw from the same captions."""
    found = {}
    for kind in ("diagonal", "equal", "jaccard"):
        model, batch = built(folder, f"objective.bridge={{targets: {kind}, paired: 0.5}}")
        torch.manual_seed(0)
        losses, _ = model(**batch.to(torch.device("cpu")))
        images, texts, _ = encoded(model, batch)
        facts = batch.facts
        assert facts is not None
        described = batch.text_caption != NO_TEXT
        one, other = facts.labels.float(), facts.labels.float()[batch.owners]
        overlap = (one @ other.T) / (one.sum(dim=1)[:, None] + other.sum(dim=1) - one @ other.T).clamp(min=1)
        own = batch.owners[None] == torch.arange(len(images))[:, None]
        targets = {"diagonal": own.float(), "equal": (overlap == 1).float(), "jaccard": overlap}[kind]
        sensor = torch.where(described, facts.sensor[batch.owners], -1)
        scale = model.encoder.logit_scale.exp()
        expected = bridge_loss(images, texts, facts.sensor, sensor, scale, targets)
        assert losses["contrastive"].item() == pytest.approx(expected.item(), rel=1e-5)
        found[kind] = losses["contrastive"].item()
    assert len(set(found.values())) == 3


@pytest.mark.parametrize("bridge", [True, False])
def test_places_are_compared_with_images_and_texts(folder: Path, bridge: bool) -> None:
    objective = "objective={bridge: {paired: 0.5}, location: {weight: 0.3, texts: true, scale: 7.0}}"
    if not bridge:
        objective = "objective={class_weight: 0.0, location: {weight: 0.3, texts: true, scale: 7.0}}"
    overrides = [objective] if bridge else [objective, 'data.train.1.templates=["{label}"]', "data.train.1.split=null"]
    if bridge:
        model, batch = built(folder, *overrides)
    else:
        from pyarrow import parquet

        table = parquet.read_table(folder / "data" / "s2.parquet").to_pylist()
        written = [row | {"captions": row["captions"] or ["trees ."]} for row in table]
        import pyarrow as pa

        parquet.write_table(pa.Table.from_pylist(written), folder / "data" / "told.parquet")
        model, batch = built(folder, objective, "data.train.1.path=told.parquet")
    losses, _ = model(**batch.to(torch.device("cpu")))
    images, texts, places = encoded(model, batch)
    facts = batch.facts
    assert facts is not None
    known = facts.located
    assert known.tolist() == [True, True, False, False, False, True, True, False, False]
    same = (facts.places[known][:, None] == facts.places[known][None]).all(dim=2)
    kinds = facts.sensor[known] if bridge else torch.zeros(int(known.sum()), dtype=torch.long)
    expected = bridge_loss(places[known], images[known], kinds, kinds, 7.0, same.float())
    owned = known[batch.owners] & (batch.text_caption != NO_TEXT)
    owner_place = facts.places[batch.owners[owned]]
    described = (facts.places[known][:, None] == owner_place[None]).all(dim=2)
    text_kinds = (facts.sensor if bridge else torch.zeros_like(facts.sensor))[batch.owners[owned]]
    shared = (batch.image_captions[known][:, :, None] == batch.text_caption[owned]).any(dim=1)
    expected = expected + bridge_loss(places[known], texts[owned], kinds, text_kinds, 7.0, (described | shared).float())
    assert losses["location"].item() == pytest.approx(expected.item(), rel=1e-5)
    others = losses["contrastive"] + (0.5 * losses["paired"] if bridge else 0)
    assert losses["loss"].item() == pytest.approx((others + 0.3 * losses["location"]).item(), rel=1e-5)
    losses["loss"].backward()
    assert model.encoder.location is not None
    assert all(value.grad is not None and value.grad.isfinite().all() for value in model.encoder.location.parameters())


def test_a_step_needs_the_facts_of_its_images(folder: Path) -> None:
    model, batch = built(folder, BRIDGE)
    with pytest.raises(InputError, match=r"Batch\.facts"):
        model(**batch.to(torch.device("cpu")) | {"facts": None})


EVERYTHING = [
    "objective={bridge: {targets: jaccard, paired: 0.5}, location: {texts: true}}",
    "batch.balance=sensors",
    "optim.epochs=2",
    "optim.freeze=[text]",
    "optim.lr_factors={towers.s2: 0.5}",
]


def test_a_run_of_two_sensors_goes_on_after_a_kill_to_the_same_bits(folder: Path, tmp_path: Path) -> None:
    whole = train(two_sensors(folder, *EVERYTHING, f"output={tmp_path / 'whole'}"))
    assert whole.steps == 8
    logged = (whole.directory / "metrics.jsonl").read_text()
    assert '"paired"' in logged
    assert '"location"' in logged
    recipe = two_sensors(folder, *EVERYTHING, f"output={tmp_path / 'killed'}")

    def kill(done: int, total: int, rate: float) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe, progress=kill)
    train(recipe)
    first, second = (DualEncoder.from_pretrained(tmp_path / name / "best") for name in ("whole", "killed"))
    assert first.model_id == second.model_id


def test_a_recipe_of_two_sensors_can_be_tried_out(folder: Path) -> None:
    assert train(two_sensors(folder, *EVERYTHING), check=True).steps == 2


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("objective={bridge: {}, dual_text: {}}", "cannot stand beside dual_text"),
        ("objective.bridge={targets: arange}", r"bridge\.targets"),
        ("objective.location={images: false}", "needs images or texts"),
        ("batch={epoch: captions, size: 8}", "batch.epoch must be images"),
    ],
)
def test_terms_that_do_not_fit_are_refused(folder: Path, override: str, named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        two_sensors(folder, BRIDGE, override)


def test_location_terms_need_a_location_tower(folder: Path) -> None:
    with pytest.raises(RecipeError, match=r"model\.location"):
        two_sensors(folder, "objective.location={}", "model.location=null")


@pytest.mark.slow
def test_two_processes_train_towers_of_two_sensors(folder: Path, tmp_path: Path) -> None:
    """Unbalanced batches too: a process may see no image of a sensor, and no place."""
    recipe = two_sensors(
        folder,
        "objective={bridge: {paired: 0.5}, location: {texts: true}}",
        "batch={size: 4}",
        "optim={epochs: 1, freeze: [towers.rgb]}",
        f"output={tmp_path / 'run'}",
    )
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml())
    torchrun("train", str(tmp_path / "recipe.yaml"), "--json")
    logged = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[0])
    assert all(math.isfinite(logged[name]) for name in ("loss", "paired", "location"))


def test_one_tower_of_any_bands_takes_several_sensors(folder: Path, tmp_path: Path) -> None:
    """Each sensor is a term of its own, though they share a tower."""
    any_bands = ["model.towers={all: {type: convnet, image_size: 32, bands: any, widths: [8], depths: [1], hidden: 8}}"]
    any_bands += ["model.sensors={rgb: {tower: all, input: bands}, s2-l2a: {tower: all, input: bands}}"]
    recipe = two_sensors(folder, *any_bands, BRIDGE, "optim.epochs=1", f"output={tmp_path}")
    data, encoder = TrainingSet(recipe), DualEncoder(recipe.model)
    batch = data.batch(data.order(0)[:8], encoder, 32, (0,))
    assert {key: value.shape[1] for key, value in batch.images.items()} == {"all@rgb": 3, "all@s2-l2a": 12}
    assert batch.facts is not None
    assert set(batch.facts.sensor.tolist()) == {0, 1}
    assert train(recipe).steps == 2
