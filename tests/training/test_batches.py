from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from generate.captions import captions, karpathy
from generate.recipes import tiny_recipe
from generate.sensors import twelve_bands, two_sensors
from swath.errors import DataError
from swath.models import DualEncoder
from swath.objectives.contrastive import NO_CAPTION, shared_captions
from swath.training import train
from swath.training.batches import TrainingSet
from swath.training.texts import NO_TEXT, plain


def test_an_epoch_draws_each_pair_once_and_its_share_of_a_source(tmp_path: Path) -> None:
    data = TrainingSet(tiny_recipe(tmp_path))
    order = data.order(0)
    pairs = 4 * (6 - 2)
    assert sorted(order[order < pairs]) == list(range(pairs))
    assert (order >= pairs).sum() == 4
    assert data.batches_per_epoch == (pairs + 4) // 8
    assert np.array_equal(data.order(3), data.order(3))
    assert not np.array_equal(data.order(3), data.order(4))


def test_the_same_key_gives_the_same_batch(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    data, model = TrainingSet(recipe), DualEncoder(recipe.model)
    rows = data.order(0)[:8]
    first, second, other = (data.batch(rows, model, 24, key) for key in ((1, 2), (1, 2), (1, 3)))
    assert torch.equal(first.images["rgb"], second.images["rgb"])
    assert torch.equal(first.ids, second.ids)
    assert not torch.equal(first.images["rgb"], other.images["rgb"])
    assert first.images["rgb"].shape == (8, 3, 24, 24)
    assert first.ids.shape[0] == 16
    lengths = first.mask.sum(dim=1)
    assert torch.equal(lengths, lengths.sort().values)


def test_texts_and_images_belong_together(tmp_path: Path) -> None:
    """Each image has at least the captions drawn for it, and images of one class share theirs."""
    recipe = tiny_recipe(tmp_path, "batch.word_dropout=0", "batch.full_stop_dropout=0")
    data, model = TrainingSet(recipe), DualEncoder(recipe.model)
    rows = data.order(0)[:8]
    batch = data.batch(rows, model, 24, (0,))
    positives = shared_captions(batch.image_captions, batch.text_caption)
    assert (positives.sum(dim=1) >= 2).all()
    for text, caption in enumerate(batch.text_caption):
        expected, _ = model.tokenize([data.texts[caption]])
        assert torch.equal(batch.ids[text][batch.mask[text]], expected[0])
    same_class = (batch.classes @ batch.classes.T) > 0
    shared = (positives.float() @ positives.float().T) > 0
    assert torch.equal(shared, same_class)


def test_without_shared_captions_only_drawn_texts_are_positives(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "objective.shared_captions=false")
    data, model = TrainingSet(recipe), DualEncoder(recipe.model)
    batch = data.batch(data.order(0)[:8], model, 24, (0,))
    positives = shared_captions(batch.image_captions, batch.text_caption)
    assert (positives.sum(dim=1) == 2).all()
    assert (positives.sum(dim=0) == 1).all()
    assert NO_CAPTION not in batch.image_captions


def test_an_epoch_of_captions_draws_each_once_with_its_image(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "batch.epoch=captions", "batch.captions=1", "data.train.1.per_epoch=null")
    data, model = TrainingSet(recipe), DualEncoder(recipe.model)
    order = data.order(0)
    assert sorted(order) == list(range(data.pair_count))
    assert data.batches_per_epoch == data.pair_count // 8
    batch = data.batch(order[:8], model, 24, (0,))
    assert sorted(batch.pairs.tolist()) == sorted(order[:8].tolist())
    positives = shared_captions(batch.image_captions, batch.text_caption)
    assert positives[batch.owners, torch.arange(8)].all()


def test_every_text_knows_its_image_and_its_pair(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "batch.word_dropout=0", "batch.full_stop_dropout=0")
    data, model = TrainingSet(recipe), DualEncoder(recipe.model)
    rows = data.order(0)[:8]
    batch = data.batch(rows, model, 24, (0,))
    assert torch.bincount(batch.owners).tolist() == [2] * 8
    for text, number in enumerate(batch.pairs.tolist()):
        pair = data.described(number)
        expected, _ = model.tokenize([pair.caption])
        assert torch.equal(batch.ids[text][batch.mask[text]], expected[0])
        label = data.classes[int(batch.classes[batch.owners[text]].argmax())]
        assert label.split("/")[1] in pair.image


def test_excluded_images_and_captions_are_not_trained_on(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "data.exclude=out.csv")
    listed = recipe.data.root / "out.csv"
    listed.write_text("dataset,image,caption\ntiny,beach_0.png,\ntiny,forest_1.png,dense dark trees .\n")
    data = TrainingSet(recipe)
    kept = [data.described(number) for number in range(data.pair_count)]
    assert "beach_0.png" not in {pair.image for pair in kept}
    assert [pair.caption for pair in kept if pair.image == "forest_1.png"] == [
        "many green trees form a forest .",
        "a forest of tall trees .",
    ]
    listed.write_text("dataset,image\nother,beach_0.png\n")
    with pytest.raises(DataError, match="excludes images of other"):
        TrainingSet(recipe)


def test_a_damaged_image_is_left_out_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recipe = tiny_recipe(tmp_path)
    victim = recipe.data.root / "pairs/images/beach_0.png"
    victim.write_bytes(victim.read_bytes()[:80])
    data = TrainingSet(recipe)
    assert sum("beach_0.png" in message for message in data.pictures.failures.values()) == 1
    assert "beach_0.png" in caplog.text
    assert len(data.order(0)) == 4 * 4 - 1 + 4


def test_images_without_caption_or_template_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"airport/airport_0\.jpg in folders has no caption; give data\.train templates"
    ):
        TrainingSet(tiny_recipe(tmp_path, "data.train.1.templates=[]"))


def test_an_unknown_split_lists_the_known(tmp_path: Path) -> None:
    said = r"'tiny' has no split 'training'; it has: train \(16\), val \(4\), test \(4\)"
    with pytest.raises(DataError, match=said):
        TrainingSet(tiny_recipe(tmp_path, "data.train.0.split=training"))
    with pytest.raises(DataError, match=said):
        train(tiny_recipe(tmp_path, "data.validation.split=training"))


def test_captions_of_missing_images_are_left_out(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    (recipe.data.root / "pairs/images/beach_0.png").unlink()
    data = TrainingSet(recipe)
    assert "beach_0.png" not in {data.described(number).image for number in range(data.pair_count)}


def test_too_little_data_for_a_batch(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"batch\.size"):
        TrainingSet(tiny_recipe(tmp_path, "batch.size=64"))


def test_sensors_go_to_their_towers(tmp_path: Path) -> None:
    """A model with an RGB and a twelve-band tower: each image reaches its own, rows ordered by tower."""
    recipe = tiny_recipe(tmp_path)
    karpathy(recipe.data.root / "bands", per_class=3)
    for file in (recipe.data.root / "bands/images").iterdir():
        file.unlink()
        twelve_bands(file.with_suffix(".tif"), len(file.name))
    annotations = next((recipe.data.root / "bands").glob("*.json"))
    annotations.write_text(annotations.read_text().replace(".png", ".tif"))
    towers = recipe.model.model_dump()["towers"]
    towers["s2"] = towers["rgb"] | {"bands": 12}
    sensors = {"rgb": {"tower": "rgb"}, "s2-l2a": {"tower": "s2", "input": "bands"}}
    model = recipe.model.model_dump() | {"towers": towers, "sensors": sensors}
    both = recipe.model_dump() | {"model": model}
    both["data"]["train"] = [{"path": "pairs"}, {"path": "bands", "sensor": "s2-l2a"}]
    mixed = type(recipe).parse(both)
    data, encoder = TrainingSet(mixed), DualEncoder(mixed.model)
    rows = np.array([16, 0, 17, 1])
    batch = data.batch(rows, encoder, 24, (0,))
    assert batch.images["rgb"].shape == (2, 3, 24, 24)
    assert batch.images["s2"].shape == (2, 12, 24, 24)
    assert list(batch.images) == ["rgb", "s2"]
    labels = [data.classes[int(row.argmax())] for row in batch.classes]
    assert labels == ["tiny/airport", "tiny/airport", "tiny/airport", "tiny/beach"]


def test_class_names_become_words() -> None:
    assert plain("HerbaceousVegetation") == "herbaceous vegetation"
    assert plain("dense_residential-area") == "dense residential area"


def test_pictures_are_squashed_to_the_cache_size(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    wide = recipe.data.root / "pairs/images/airport_0.png"
    Image.open(wide).resize((90, 30)).save(wide)
    data = TrainingSet(recipe)
    assert data.pictures.arrays["rgb"].shape[1:] == (3, 40, 40)
    assert data.pictures.arrays["rgb"].dtype == torch.uint8


def test_long_captions_are_trained_on_where_asked(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    karpathy(tmp_path / "data" / "long", per_class=6, name="long", long=True)
    asked = ["data.train.0.path=long", "data.train.0.captions=long"]
    data = TrainingSet(tiny_recipe(tmp_path, *asked))
    own = data.captioned()[0]
    assert own.name == "long"
    assert all(pair.captions == (" ".join(captions(pair.labels[0])),) for pair in own.pairs)
    assert data.described(0).caption == own.pairs[0].captions[0]
    with pytest.raises(DataError, match="has no long caption; make them with: swath corpus long"):
        TrainingSet(tiny_recipe(tmp_path, "data.train.0.captions=long"))
    assert recipe.data.train[0].captions == "short"


def test_balanced_batches_have_equal_shares(tmp_path: Path) -> None:
    recipe = two_sensors(tmp_path, "batch.balance=sensors", "objective.bridge={paired: 0.5}")
    data, model = TrainingSet(recipe), DualEncoder(recipe.model)
    counts = np.bincount(data._facts.sensor.numpy())
    assert counts.tolist() == [16, 6]
    assert data.batches_per_epoch == 16 // 4
    for step in range(data.batches_per_epoch):
        batch = data.batch(data.order(1)[step * 8 : (step + 1) * 8], model, 24, (1, step))
        assert {name: len(images) for name, images in batch.images.items()} == {"rgb": 4, "s2": 4}


def test_partners_are_drawn_together_and_images_without_text_take_part(tmp_path: Path) -> None:
    recipe = two_sensors(tmp_path, "objective.bridge={paired: 1.0}", "batch.captions=2", chips=8)
    data, model = TrainingSet(recipe), DualEncoder(recipe.model)
    order = data.order(0)
    partners = [set(np.flatnonzero(data._facts.group.numpy() == number)) for number in range(1, 5)]
    for members in partners:
        assert len({int(np.flatnonzero(order == row)[0]) // 8 for row in members}) == 1
    rows = np.array([4, 5, *sorted(partners[0])])
    batch = data.batch(rows, model, 24, (0,))
    assert batch.facts is not None
    assert batch.facts.sensor.tolist() == [0, 0, 0, 1]
    assert batch.facts.group[-2:].tolist() == [1, 1]
    assert batch.facts.located.tolist() == [False, False, True, True]
    silent = batch.text_caption == NO_TEXT
    assert batch.owners[silent].tolist() == [3, 3]
    assert (batch.pairs[silent] == -1).all()
    positives = shared_captions(batch.image_captions, batch.text_caption)
    assert not positives[3].any()
    assert not positives[:, silent].any()
    assert positives[:3].any(dim=1).all()


def test_terms_without_anything_to_compare_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no caption; give data\.train templates"):
        TrainingSet(two_sensors(tmp_path, "objective.bridge={}"))
    with pytest.raises(DataError, match="seen by several sensors"):
        TrainingSet(tiny_recipe(tmp_path / "other", "objective.bridge={paired: 1.0}", "objective.class_weight=0"))
    located = ["model.location={type: satclip, legendre_polys: 3, width: 8}", "objective.location={}"]
    with pytest.raises(DataError, match="not one has any"):
        TrainingSet(tiny_recipe(tmp_path / "third", *located))
