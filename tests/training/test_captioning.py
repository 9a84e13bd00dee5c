from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from generate.recipes import MODEL, tiny_recipe
from swath.errors import DataError, RecipeError
from swath.models import Captioner, Decoding, DualEncoder
from swath.models.decoder import MultimodalDecoder
from swath.objectives.captioning import caption_loss, next_tokens
from swath.training import Recipe, train
from swath.training.batches import TrainingSet
from swath.training.captioning import caption_term
from swath.training.encoding import BatchEncoder
from swath.training.kinds import load_recipe
from swath.training.looked import look_once
from swath.training.objective import CaptioningRecipe
from swath.training.start import starting_model

CAPTIONER = "{width: 32, layers: 1, heads: 2, queries: 4, pooler_heads: 2}"
WRITES = (f"model.captioner={CAPTIONER}", "batch.word_dropout=0", "batch.full_stop_dropout=0")
ALONE = (
    *WRITES,
    "objective.captioning={contrastive: 0, views: 2}",
    "objective.class_weight=0",
    "optim.freeze=[text, towers, logit_scale]",
    "data.validation.metric=cider",
)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batch_of(recipe: Recipe):
    torch.manual_seed(0)
    data, model = TrainingSet(recipe), DualEncoder(recipe.model)
    return data, model, data.batch(data.order(0)[: recipe.batch.size], model, 32, (0, 0, 0, 0))


def test_the_term_is_the_mean_over_tokens_of_each_text_beside_its_own_image(tmp_path):
    _, model, batch = batch_of(tiny_recipe(tmp_path, *WRITES, "objective.captioning={label_smoothing: 0.1}"))
    model.eval()
    settings = CaptioningRecipe(label_smoothing=0.1)
    encoder = BatchEncoder(model)
    _, _, contexts = encoder.images(batch.images, tokens=False, looks=True)
    real = torch.ones(len(batch.ids), dtype=torch.bool)
    found = caption_term(encoder, contexts, batch.ids, batch.mask, batch.owners, real, settings)
    total, count, seen = 0.0, 0, torch.cat(contexts)
    decoder: MultimodalDecoder = model.text_decoder
    for ids, mask, owner in zip(batch.ids, batch.mask, batch.owners, strict=True):
        inputs, targets, known = next_tokens(ids[None], mask[None])
        memory = decoder.remember(seen[owner][None])
        logits = decoder.score(decoder(model.text.read(inputs), memory))
        total += float(caption_loss(logits, targets, known, label_smoothing=0.1).detach())
        count += int(known.sum())
    assert float(found.detach()) == pytest.approx(total / count, rel=1e-5)
    # An image without a text of its own counts for nothing.
    real[3:] = False
    few = caption_term(encoder, contexts, batch.ids, batch.mask, batch.owners, real, settings)
    alone = caption_term(encoder, contexts, batch.ids[:3], batch.mask[:3], batch.owners[:3], real[:3], settings)
    assert float(few.detach()) == pytest.approx(float(alone.detach()), rel=1e-5)


def test_chunks_give_the_same_loss_and_gradients(tmp_path):
    _, model, batch = batch_of(tiny_recipe(tmp_path, *WRITES, "objective.captioning={}"))
    model.eval()
    found = {}
    for chunk in (None, 3):
        encoder = BatchEncoder(model, chunk)
        _, _, contexts = encoder.images(batch.images, tokens=False, looks=True)
        real = torch.ones(len(batch.ids), dtype=torch.bool)
        loss = caption_term(encoder, contexts, batch.ids, batch.mask, batch.owners, real, CaptioningRecipe())
        model.zero_grad()
        loss.backward()
        found[chunk] = [
            float(loss.detach()),
            model.text_decoder.text_projection.grad,
            model.text.token_embedding.weight.grad,
        ]
    assert found[3][0] == pytest.approx(found[None][0], rel=1e-5)
    for one, other in zip(found[3][1:], found[None][1:], strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_a_captioner_is_learned_on_frozen_towers_and_leaves_them_alone(tmp_path):
    words = ("model.text.merges=4000", "model.text.context_length=32")
    first = train(tiny_recipe(tmp_path, "optim.epochs=1", *words))
    recipe = tiny_recipe(
        tmp_path,
        *ALONE,
        *words,
        f"init={first.model}",
        "init_fresh=[text_decoder]",
        "optim={epochs: 60, lr: 1.0e-2, matrices: adamw, average: 0.9, freeze: [text, towers, logit_scale]}",
        "data.train=[{path: pairs}]",
        "data.validation={path: pairs, split: train, metric: cider, every: 60}",
        "augment={area: 1.0, dihedral: false, colour: 0.0, sizes: [32]}",
        f"output={tmp_path / 'captions'}",
    )
    result = train(recipe)
    before, after = (DualEncoder.from_pretrained(run.model, dtype="float32", device="cpu") for run in (first, result))
    assert after.model_id == before.model_id
    log = [json.loads(line) for line in (result.directory / "metrics.jsonl").read_text().splitlines()]
    losses = [entry["captioning"] for entry in log if "captioning" in entry]
    assert losses[-1] < 0.5 * losses[0]
    assert result.best > 1.0  # CIDEr-D on the pictures that it has learned: chance is a tenth of it
    texts = Captioner(after).caption([_noise(seed) for seed in range(2)], Decoding("greedy", max_length=20))
    assert all(set(text.split()) & {"a", "many", "with"} for text in texts)


def _noise(seed):
    from swath.chips import Pixels
    from swath.sensors import SENSORS

    data = np.random.default_rng(seed).integers(0, 255, (3, 32, 32), dtype=np.uint8)
    return Pixels(data, np.ones((32, 32), dtype=bool), SENSORS["rgb"])


def test_contrast_and_captions_are_learned_together(tmp_path):
    recipe = tiny_recipe(tmp_path, *WRITES, "objective.captioning={weight: 2.0, contrastive: 0.5}", "optim.epochs=2")
    result = train(recipe)
    assert {"mR", "cider", "bleu4"} <= set(result.history[-1])
    assert result.metric == "mR"
    model = DualEncoder.from_pretrained(result.model, dtype="float32", device="cpu")
    assert model.config.captioner is not None
    assert model.config.captioner.digest is not None


def test_views_are_the_recipes_augmentations_and_the_same_again(tmp_path):
    recipe = tiny_recipe(tmp_path, *ALONE)
    data = TrainingSet(recipe)
    model = DualEncoder(recipe.model).eval()
    looked, again = (look_once(data, model) for _ in range(2))
    views = looked.views["rgb"]
    assert views.shape == (2, len(data.pictures.arrays["rgb"]), 16, 16)
    assert torch.equal(views, again.views["rgb"])
    assert not torch.equal(views[0], views[1])
    data.looked = looked
    batch = data.batch(data.order(0)[:8], model, 32, (0, 0, 0, 0))
    assert batch.images == {}
    found = batch.looked["rgb"].half()
    assert all((views == one).flatten(2).all(dim=2).any() for one in found)


def test_recipes_that_cannot_learn_to_write_are_refused(tmp_path):
    for wrong, said in [
        (["objective.captioning={}"], "need each other"),
        ([f"model.captioner={CAPTIONER}"], "need each other"),
        ([*WRITES[:1], "objective.captioning={}"], "word_dropout must be 0"),
        ([*WRITES, "objective.captioning={views: 2}"], "contrastive must be 0"),
        ([*WRITES, "objective.captioning={views: 2, contrastive: 0}"], "optim.freeze"),
    ]:
        with pytest.raises(RecipeError, match=said):
            tiny_recipe(tmp_path, *wrong)


def test_a_start_without_captioner_must_be_named(tmp_path):
    torch.manual_seed(0)
    plain = DualEncoder(tiny_recipe(tmp_path).model).save_pretrained(tmp_path / "plain")
    recipe = tiny_recipe(tmp_path, *ALONE, f"init={plain}")
    with pytest.raises(RecipeError, match=r"name text_decoder under init_fresh"):
        starting_model(recipe)
    assert starting_model(recipe.model_copy(update={"init_fresh": ("text_decoder",)})).text_decoder is not None


def test_a_recipe_may_leave_the_model_to_init(tmp_path):
    torch.manual_seed(0)
    plain = DualEncoder(tiny_recipe(tmp_path).model).save_pretrained(tmp_path / "plain")
    whole = tiny_recipe(tmp_path, *ALONE).model_dump(mode="json")
    given = {"captioner": {"width": 32, "layers": 1, "heads": 2, "queries": 4, "pooler_heads": 2}}
    data = whole | {"model": given, "init": str(plain), "init_fresh": ["text_decoder"]}
    recipe = Recipe.parse(data)
    assert recipe.model.towers == tiny_recipe(tmp_path).model.towers
    first = starting_model(recipe)
    assert first.text_decoder is not None
    assert first.model_id == DualEncoder.from_pretrained(plain, dtype="float32", device="cpu").model_id
    # A new captioner takes the place of one that was there.
    both = first.save_pretrained(tmp_path / "both")
    again = starting_model(Recipe.parse(data | {"init": str(both)}))
    assert not torch.equal(again.text_decoder.text_projection, first.text_decoder.text_projection)


def test_an_unknown_metric_is_named_with_those_there_are(tmp_path):
    with pytest.raises(RecipeError, match="'mR' is none of bleu1"):
        train(tiny_recipe(tmp_path, *ALONE, "data.validation.metric=mR", "optim.epochs=1"))


@pytest.mark.parametrize("name", ["coca", "swath_mini_captioner"])
def test_shipped_recipes_run(tmp_path, name):
    """The shipped recipe, its sizes shrunk to nothing, goes through every stage of a run."""
    tiny_recipe(tmp_path)  # writes the pictures
    coca = name == "coca"
    shipped = load_recipe("sar_rs_coca").stages[1].recipe if coca else Recipe.load(name)
    tower = {"type": "vit", "image_size": 32, "patch_size": 16, "width": 32, "layers": 1, "heads": 2}
    model = MODEL | {
        "embed_dim": 32,
        "text": MODEL["text"] | ({"type": "coca"} if coca else {}),
        "towers": {"rgb": tower | {"queries": 4, "pooler_heads": 2}} if coca else MODEL["towers"],
        "captioner": {"width": 32, "layers": 1, "heads": 2} | ({} if coca else {"queries": 4, "pooler_heads": 2}),
    }
    data = {
        "root": str(tmp_path / "data"),
        "cache_size": 40,
        "train": [{"path": "pairs"}],
        "validation": {"path": "pairs", "metric": shipped.data.validation.metric},
    }
    changes = {
        "model": model,
        "init": None,
        "init_fresh": [],
        "data": data,
        "batch": shipped.batch.model_dump() | {"size": 4, "cached": 2 if shipped.batch.cached else None},
        "augment": shipped.augment.model_dump() | {"sizes": [32]},
        "optim": shipped.optim.model_dump() | {"epochs": 1},
        "output": str(tmp_path / "run"),
        "tensorboard": False,
        "precision": "no",
    }
    result = train(Recipe.parse(shipped.model_dump(mode="json") | changes))
    assert result.steps > 0
    assert Captioner.from_pretrained(result.model, device="cpu").model.config.captioner is not None


def test_images_without_any_text_teach_nothing(tmp_path):
    recipe = tiny_recipe(tmp_path, *ALONE, "data.train=[{path: folders, split: null}]")
    with pytest.raises(DataError, match="has no caption"):
        TrainingSet(recipe)
