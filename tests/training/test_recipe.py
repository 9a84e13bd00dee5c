from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from swath.errors import RecipeError
from swath.training import Recipe, recipe_names
from swath.training.chain import ChainRecipe
from swath.training.kinds import load_recipe


def test_shipped_recipes_can_be_read_by_name() -> None:
    assert "swath_mini" in recipe_names()
    for name in recipe_names():
        assert load_recipe(name)


def test_the_resolved_recipe_reads_back_as_itself(tmp_path: Path) -> None:
    recipe = Recipe.load("swath_mini", ["optim.lr=0.5"])
    (tmp_path / "r.yaml").write_text(recipe.to_yaml())
    assert Recipe.load(tmp_path / "r.yaml") == recipe


def test_overrides_reach_any_depth_and_are_yaml() -> None:
    changed = [
        "optim.lr=2e-3",
        "data.root=/somewhere",
        "data.train.1.path=other",
        "augment.sizes=[64, 96]",
        "init=null",
        "model.towers.rgb.hidden=64",
    ]
    recipe = Recipe.load("swath_mini", changed)
    assert recipe.optim.lr == 2e-3
    assert recipe.data.root == Path("/somewhere")
    assert recipe.data.train[1].path == Path("other")
    assert recipe.augment.sizes == (64, 96)
    assert recipe.model.towers["rgb"].options["hidden"] == 64


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("optim.rate=1", "optim.rate: there is no such field"),
        ("optim.epoch=1", "did you mean epochs"),
        ("optim.qqq=1", "optim has matrices, epochs, lr"),
        ("objective.elimination={drop: 1}", "objective.elimination has ratio, start_epoch"),
        ("data.train.0.folder=x", "data.train.0 has path, split"),
        ("learning_rate=1", "a recipe has model, init"),
        ("optim.lr=fast", "optim.lr"),
        ("optim.lr=-1", "optim.lr"),
        ("data.train.9.path=x", "data.train.9.path"),
        ("data.train.first.path=x", "'first' names nothing"),
        ("optim.lr", "not key=value"),
        ("seed=[", "not a YAML value"),
        ("model.embed_dim=0", "model.embed_dim"),
        ("objective.elimination={scheme: split}", "needs the term local"),
        ("objective.elimination={ratio: 1}", "objective.elimination.ratio"),
        ("objective.keywords={strategy: none}", "objective.keywords.strategy"),
        ("batch={epoch: captions, captions: 2}", "captions must be 1"),
        ("batch.size=1", "batch.size: Input should be greater than or equal to 2"),
        ("batch={size: 8, accumulate: 5}", "make size larger or accumulate smaller"),
    ],
)
def test_errors_name_the_field(override: str, named: str) -> None:
    with pytest.raises(RecipeError, match=named.replace(".", r"\.")):
        Recipe.load("swath_mini", [override])


def test_warm_up_is_a_share_or_a_number_of_steps() -> None:
    assert Recipe.load("swath_mini", ["optim.warmup=0.3"]).optim.warmup_share(1000) == 0.3
    by_steps = Recipe.load("swath_mini", ["optim.warmup=0.3", "optim.warmup_steps=200"]).optim
    assert by_steps.warmup_share(1000) == 0.2
    assert by_steps.warmup_share(100) == 1.0


def test_the_shipped_settings_of_ebaker_are_the_papers() -> None:
    paper, code, split = (Recipe.load(name) for name in ("ebaker", "ebaker_code", "iebaker"))
    optim = paper.optim
    assert (optim.epochs, paper.batch.size, optim.lr, optim.weight_decay) == (7, 100, 1.5e-5, 0.7)
    assert (optim.warmup_steps, optim.clip, optim.betas) == (200, 50.0, (0.9, 0.999))
    for recipe in (paper, code, split):
        assert recipe.objective.local is not None
        assert recipe.objective.elimination is not None
        assert recipe.objective.keywords is not None
        assert recipe.optim == optim
        assert recipe.model.identity() == paper.model.identity()
    assert code.objective.keywords.reasoner.model_dump() == {"layers": 2, "sees": "patches", "dropout": 0.0}
    assert code.objective.local.positions == "context"
    assert split.objective.elimination.scheme == "split"
    changed = paper.objective.elimination.model_copy(update={"scheme": "split"})
    assert split.objective == paper.objective.model_copy(update={"elimination": changed})


def test_the_shipped_settings_of_closp_are_the_codes() -> None:
    closp, geo = (Recipe.load(name) for name in ("closp", "geoclosp"))
    for recipe in (closp, geo):
        optim, objective = recipe.optim, recipe.objective
        assert (optim.lr, optim.epochs, optim.warmup, optim.weight_decay) == (1e-6, 30, 0.1, 0.01)
        assert (recipe.seed, recipe.batch.size, recipe.batch.balance) == (42, 2 * 64, "sensors")
        assert (objective.temperature, objective.learn_temperature) == (1.0, False)
        assert objective.bridge is not None
        assert (objective.bridge.targets, objective.bridge.paired) == ("diagonal", 0.0)
        assert recipe.model.embed_dim == 384
        assert {name: tower.bands for name, tower in recipe.model.towers.items()} == {"s1": 2, "s2": 13}
        assert {tower.options["head"] for tower in recipe.model.towers.values()} == {1000}
    assert closp.objective.location is None
    assert geo.objective.location is not None
    assert (geo.objective.location.images, geo.objective.location.texts) == (True, False)
    assert geo.model.location is not None
    assert (geo.model.location.width, geo.model.location.options["legendre_polys"]) == (256, 10)


def test_the_shipped_settings_of_lrsclip_are_long_clips() -> None:
    recipe = Recipe.load("lrsclip")
    optim, objective, augment = recipe.optim, recipe.objective, recipe.augment
    assert (optim.lr, optim.epochs, optim.warmup_steps, optim.weight_decay) == (1e-6, 6, 200, 0.01)
    assert (optim.betas, recipe.batch.size, objective.temperature) == ((0.9, 0.999), 2048, 0.01)
    assert optim.clip >= 1e6, "gradients are not clipped"
    assert (augment.area, augment.ratio, augment.dihedral, augment.colour) == (1.0, 1.0, False, 0.0)
    assert objective.dual_text is not None
    assert (objective.dual_text.long, objective.dual_text.short) == (1.0, 1.0)
    assert (objective.dual_text.components, objective.dual_text.label_smoothing) == (None, 0.0)
    assert (recipe.model.text.context_length, recipe.model.text.options["kept_positions"]) == (248, 20)


@pytest.mark.parametrize(
    ("name", "rates", "decays", "batch", "clip"),
    [
        ("sar_rs_clip", (1e-5, 5e-5), (0.1, 0.01), 8 * 128, 1.0),
        ("sar_rs_coca", (1e-5, 1e-5), (0.1, 0.1), 64, 1e6),
    ],
)
def test_the_shipped_settings_of_sar_text_are_those_of_the_nearest_scripts(
    name: str, rates: tuple[float, ...], decays: tuple[float, ...], batch: int, clip: float
) -> None:
    chain = load_recipe(name)
    assert isinstance(chain, ChainRecipe)
    assert [stage.name for stage in chain.stages] == ["optical", "sar"]
    for stage, rate, decay in zip(chain.stages, rates, decays, strict=True):
        recipe = stage.recipe
        assert isinstance(recipe, Recipe)
        optim = recipe.optim
        assert (optim.lr, optim.weight_decay, optim.epochs, optim.warmup_steps) == (rate, decay, 10, 1000)
        assert (optim.betas, optim.eps, optim.clip) == ((0.9, 0.98), 1e-6, clip)
        assert (recipe.batch.size, recipe.batch.epoch) == (batch, "captions")
        assert recipe.augment.dihedral is False, "captions tell places"
        writes = recipe.objective.captioning
        assert (writes is not None) == (name == "sar_rs_coca")
        assert writes is None or (writes.weight, writes.contrastive) == (1.0, 1.0)


def test_files_that_are_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="swath_mini"):
        Recipe.load("no_such_recipe")
    for number, (text, said) in enumerate([("a: [", "not valid YAML"), ("- 1", "not a recipe"), ("seed: 1", "model")]):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        with pytest.raises(RecipeError, match=said):
            Recipe.load(file)


def test_nothing_in_a_recipe_is_executed(tmp_path: Path) -> None:
    data = yaml.safe_load(Recipe.load("swath_mini").to_yaml())
    text = yaml.safe_dump(data) + "init: !!python/object/apply:os.getcwd []\n"
    (tmp_path / "r.yaml").write_text(text.replace("init: null\n", ""))
    with pytest.raises(RecipeError, match="not valid YAML"):
        Recipe.load(tmp_path / "r.yaml")


def test_a_recipe_is_laid_over_the_one_it_extends(tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text("extends: swath_mini_rgb\noptim: {epochs: 2}\naugment: {sizes: [64]}\n")
    base, short = Recipe.load("swath_mini_rgb"), Recipe.load(tmp_path / "short.yaml")
    assert (short.optim.epochs, short.augment.sizes) == (2, (64,))
    assert short.optim == base.optim.model_copy(update={"epochs": 2})
    assert (short.model, short.data) == (base.model, base.data)


def test_a_recipe_extends_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(Recipe.load("swath_mini_rgb", ["seed=5"]).to_yaml())
    (tmp_path / "next.yaml").write_text("extends: base.yaml\n")
    assert Recipe.load(tmp_path / "next.yaml").seed == 5


def test_a_circle_of_recipes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    with pytest.raises(RecipeError, match="extends itself"):
        Recipe.load(tmp_path / "a.yaml")
