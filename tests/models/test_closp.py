from __future__ import annotations

import json
import math
import shutil

import numpy as np
import pytest
import safetensors.torch
import torch
from typer.testing import CliRunner

from generate.closp_files import Closp, write_closp, write_minilm
from generate.location_files import satclip, satclip_vectors
from generate.models import VIT, tiny_config, tiny_model
from swath.bands import S2_L1C_BANDS
from swath.chips import Pixels
from swath.cli.app import app
from swath.errors import CheckpointError, InputError, ModelError
from swath.models import DualEncoder, ModelConfig, checkpoint, hub, zoo
from swath.models.closp import convert_closp, export_closp, is_closp, published_name
from swath.sensors import sensor

TEXTS = ["trees. water", "flooded area", "burned area. trees"]


@pytest.fixture(scope="module")
def minilm(open_clip, tmp_path_factory):
    pytest.importorskip("timm")
    pytest.importorskip("transformers")
    torch.set_num_threads(1)
    return write_minilm(tmp_path_factory.mktemp("minilm"))


@pytest.fixture(scope="module", params=["rn", "vs", "geo"])
def published(request, minilm, tmp_path_factory):
    """A model with CLOSP's code, and its directory."""
    model = Closp("rn" if request.param == "geo" else request.param, minilm, location=request.param == "geo")
    return model, write_closp(model, tmp_path_factory.mktemp("published") / f"CLOSP-{request.param}")


@pytest.fixture(scope="module")
def converted(published, minilm, tmp_path_factory):
    out = tmp_path_factory.mktemp("converted") / "model"
    convert_closp(published[1], out, text=str(minilm))
    return out


def chip(name, size, seed=0):
    made, rng = sensor(name), np.random.default_rng(seed)
    low, high = (-25, 0) if made.is_radar else (0, 8000)
    data = rng.uniform(low, high, (len(made.bands), size, size)).astype(np.float32)
    return Pixels(data, np.ones((size, size), dtype=bool), made)


def test_it_gives_the_vectors_of_closps_code(published, converted):
    reference, _ = published
    model = DualEncoder.from_pretrained(converted, dtype="float32", device="cpu")
    size = model.config.towers["s1"].image_size
    assert (
        size
        == model.config.towers["s2"].image_size
        == (120 if "resnet" in model.config.towers["s1"].options["model"] else 32)
    )
    radar, optical, short = (chip(name, size) for name in ("s1-grd", "s2-l1c", "s2-l2a"))
    for one in (radar, optical):
        wanted = reference.encode_image(torch.from_numpy(one.data)[None])
        torch.testing.assert_close(model.encode_pixels([one]).pooled, wanted, atol=1e-4, rtol=1e-4)
    # 12 bands, as CLOSP's data class makes 13 of them: zeros at place 10.
    filled = torch.from_numpy(np.insert(short.data, 10, 0, axis=0))[None]
    torch.testing.assert_close(
        model.encode_pixels([short]).pooled, reference.encode_image(filled), atol=1e-4, rtol=1e-4
    )
    ids, mask = model.tokenize(TEXTS)
    torch.testing.assert_close(
        model.encode_texts(TEXTS).pooled, reference.encode_text(ids, mask.long()), atol=1e-5, rtol=0
    )
    assert model.logit_scale.exp() == 1.0


def test_no_data_is_what_it_was_in_training(published, converted):
    reference, _ = published
    model = DualEncoder.from_pretrained(converted, dtype="float32", device="cpu")
    for name, value in (("s1-grd", 1e-6), ("s2-l1c", 0.0)):
        one = chip(name, model.config.towers["s1"].image_size)
        one.data[:, :5] = np.nan
        wanted = reference.encode_image(torch.from_numpy(np.nan_to_num(one.data, nan=value))[None])
        torch.testing.assert_close(model.encode_pixels([one]).pooled, wanted, atol=1e-4, rtol=1e-4)


def test_round_trip_is_bit_by_bit(published, converted, tmp_path):
    _, directory = published
    export_closp(converted, tmp_path / "out")
    assert (tmp_path / "out/model.safetensors").read_bytes() == (directory / "model.safetensors").read_bytes()
    assert json.loads((tmp_path / "out/config.json").read_text()) == json.loads((directory / "config.json").read_text())
    again = convert_closp(tmp_path / "out", tmp_path / "again", name=ModelConfig.load(converted).name)
    assert again.digest == ModelConfig.load(converted).digest


def test_half_precision_weights_stay_half(published, minilm, tmp_path):
    reference, _ = published
    halves = {k: v.half() if v.is_floating_point() else v for k, v in reference.weights().items()}
    write_closp(reference, tmp_path / "in")
    safetensors.torch.save_file(halves, tmp_path / "in/model.safetensors", metadata={"format": "pt"})
    convert_closp(tmp_path / "in", tmp_path / "out", text=str(minilm))
    export_closp(tmp_path / "out", tmp_path / "back")
    assert (tmp_path / "back/model.safetensors").read_bytes() == (tmp_path / "in/model.safetensors").read_bytes()


def test_places_of_geoclosp(minilm, tmp_path):
    reference = Closp("rn", minilm, location=True)
    convert_closp(write_closp(reference, tmp_path / "in"), tmp_path / "out", text=str(minilm))
    model = DualEncoder.from_pretrained(tmp_path / "out", dtype="float32", device="cpu")
    places = np.array([[12.5, 41.9], [-122.4, 37.8], [179.9, -16.5]])
    with torch.no_grad():
        raw = torch.from_numpy(satclip_vectors(satclip(), places)).float()
        wanted = torch.nn.functional.normalize(reference.location_projection(raw), dim=-1)
    torch.testing.assert_close(model.encode_locations(places), wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("harmonics", ["orthonormal", "closed-form"])
def test_places_on_other_harmonics_go_out_as_closps_code_reads_them(minilm, tmp_path, harmonics):
    convert_closp(
        write_closp(Closp("rn", minilm, location=True), tmp_path / "in"), tmp_path / "model", text=str(minilm)
    )
    state = safetensors.torch.load_file(tmp_path / "model/model.safetensors")
    config = ModelConfig.load(tmp_path / "model")
    location = config.location.model_copy(update={"harmonics": harmonics})
    checkpoint.write(state, config.model_copy(update={"location": location}), tmp_path / "model")
    export_closp(tmp_path / "model", tmp_path / "out")
    convert_closp(tmp_path / "out", tmp_path / "again")
    places = np.array([[12.5, 41.9], [-122.4, 37.8], [179.9, -16.5]])
    one, other = (DualEncoder.from_pretrained(tmp_path / name, dtype="float32") for name in ("model", "again"))
    torch.testing.assert_close(other.encode_locations(places), one.encode_locations(places), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("part", "values", "message"),
    [
        ("text", {"pooling": "mean"}, r"text tower does not take the first token \(pooling: cls\)"),
        ("towers.s2", {"std": [2e3] * 13}, "pixels of tower s2 are not just divided by 10000"),
        ("towers.s1", {"mean": [-12.0, -19.0]}, "pixels of tower s1 are not just divided by 1"),
        ("sensors.s1-grd", {"statistics": "sensor", "nodata": None}, "pixels of tower s1 are not just divided by 1"),
        ("location", {"width": 32}, "its location tower has no projection"),
    ],
)
def test_what_closps_code_would_compute_otherwise_cannot_go_out(converted, tmp_path, part, values, message):
    config = json.loads((converted / "config.json").read_text())
    config.setdefault("location", {"type": "satclip", "width": 16})
    entry = config
    for key in part.split("."):
        entry = entry[key]
    entry.update(values)
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=message):
        export_closp(tmp_path, tmp_path / "out")


def test_nothing_is_written_over_what_it_is_made_from(published, converted, minilm, tmp_path):
    before = [(path / "config.json").read_bytes() for path in (converted, published[1])]
    (tmp_path / "link").symlink_to(converted)
    with pytest.raises(InputError, match="is the model itself"):
        export_closp(converted, tmp_path / "link")
    with pytest.raises(InputError, match="is the CLOSP directory itself"):
        convert_closp(published[1], published[1], text=str(minilm))
    assert [(path / "config.json").read_bytes() for path in (converted, published[1])] == before


def test_a_trained_temperature_goes_out(minilm, tmp_path):
    convert_closp(write_closp(Closp("vs", minilm), tmp_path / "in"), tmp_path / "out", text=str(minilm))
    model = DualEncoder.from_pretrained(tmp_path / "out", dtype="float32", device="cpu")
    with torch.no_grad():
        model.logit_scale.fill_(np.log(20.0))
    model.forget_digest()
    model.save_pretrained(tmp_path / "trained")
    export_closp(tmp_path / "trained", tmp_path / "back")
    assert json.loads((tmp_path / "back/config.json").read_text())["logit_scale_init_value"] == pytest.approx(20.0)


@pytest.fixture
def broken(minilm, tmp_path):
    """A good directory to break."""
    return write_closp(Closp("vs", minilm), tmp_path / "CLOSP-VS")


def refuse(broken, minilm, message, error=CheckpointError):
    with pytest.raises(error, match=message):
        convert_closp(broken, broken.parent / "out", text=str(minilm))
    assert not (broken.parent / "out" / "config.json").exists()


def change(broken, drop="", **values):
    state = safetensors.torch.load_file(broken / "model.safetensors")
    state = {key: value for key, value in state.items() if not drop or not key.startswith(drop)}
    safetensors.torch.save_file(state | values, broken / "model.safetensors")


def test_weights_that_do_not_fit(broken, minilm):
    change(broken, **{"s1_encoder.patch_embed.proj.weight": torch.zeros(64, 3, 16, 16)})
    refuse(broken, minilm, "s1_encoder takes 3 bands, not 2: VV, VH")


@pytest.mark.parametrize(
    ("drop", "message"),
    [
        ("text_model.", "lacks text_model.: it is no CLOSP model"),
        ("s2_projection.", "lacks s2_projection."),
        ("s1_projection.weight", "lacks s1_projection.weight"),
        ("s2_encoder.blocks.0.norm1", "2 missing keys: towers.s2.backbone.blocks.0.norm1"),
        ("s1_encoder.pos_embed", "s1_encoder is neither a ResNet nor a vision transformer: no pos_embed"),
        ("text_model.embeddings.word", "1 missing keys: text.encoder.embeddings.word"),
    ],
)
def test_weights_that_are_missing(broken, minilm, drop, message):
    change(broken, drop)
    refuse(broken, minilm, message)


def test_weights_that_nobody_knows(broken, minilm):
    change(broken, **{"s3_encoder.conv1.weight": torch.zeros(1)})
    refuse(broken, minilm, r"s3_encoder\.conv1\.weight is no weight of CLOSP's")


def test_a_file_that_ends_early(broken, minilm):
    file = broken / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    refuse(broken, minilm, r"model\.safetensors is damaged")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"s2_embedding_dim": 1000}, "s2_embedding_dim is 1000, but the weights have 10"),
        ({"s1_head_dim": 5}, "s1_head_dim is 5, but the weights have 0"),
        ({"logit_scale_init_value": "one"}, "is 'one', not a number above 0"),
        ({"logit_scale_init_value": 0}, "is 0, not a number above 0"),
        ({"logit_scale_init_value": math.inf}, "is inf, not a number above 0"),
    ],
)
def test_a_configuration_that_says_otherwise(broken, minilm, settings, message):
    data = json.loads((broken / "config.json").read_text()) | settings
    (broken / "config.json").write_text(json.dumps(data))
    refuse(broken, minilm, message)


def test_a_configuration_that_cannot_be_read(broken, minilm):
    (broken / "config.json").write_text("{")
    refuse(broken, minilm, "is not valid JSON")
    assert not is_closp(broken)


def test_a_tokenizer_that_is_nowhere(broken):
    refuse(broken, broken / "nowhere", "cannot build the text encoder .* with --text DIRECTORY", ModelError)


def test_what_is_no_closp_cannot_go_out(converted, tmp_path):
    tiny_model().save_pretrained(tmp_path / "clip")
    with pytest.raises(
        CheckpointError, match=r"its image towers are not s1 and s2, .* its text tower is no transformers"
    ):
        export_closp(tmp_path / "clip", tmp_path / "out")
    config = json.loads((converted / "config.json").read_text())
    config["towers"]["s2"]["band_names"] = list(reversed(S2_L1C_BANDS))
    config["digest"] = None
    turned = tmp_path / "turned"
    turned.mkdir()
    (turned / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"tower s2 takes B12, B11, .* not B1, B2"):
        export_closp(turned, tmp_path / "out")


def test_a_directory_is_recognised(published, converted, tmp_path):
    assert is_closp(published[1])
    assert not is_closp(converted)
    assert not is_closp(tmp_path)


def test_the_zoos_models_come_from_the_hub(published, minilm, tmp_path, monkeypatch):
    _, directory = published
    snapshot = tmp_path / "hub" / "snapshots" / ("a" * 40)
    snapshot.parent.mkdir(parents=True)
    snapshot.symlink_to(directory)
    asked = []

    def fetch(repo, revision=None):
        asked.append(repo)
        return snapshot

    monkeypatch.setattr(hub, "fetch", fetch)
    monkeypatch.setattr("swath.models.closp.TEXT_MODEL", str(minilm))
    monkeypatch.setenv("SWATH_CACHE", str(tmp_path / "cache"))
    for name in ("closp-rn", "DarthReca/CLOSP-RN"):
        found = hub.resolve(name)
        assert ModelConfig.load(found).name == "closp-rn"
    assert asked == ["DarthReca/CLOSP-RN"] * 2
    assert zoo.find("DarthReca/GeoCLOSP-RN").name == "geoclosp-rn"


def test_the_command(published, minilm, tmp_path):
    def run(*arguments):
        return CliRunner().invoke(app, ["convert", *map(str, arguments), "--json"])

    done = run(published[1], "--to", tmp_path / "model", "--text", minilm, "--name", "mine")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["config"]["name"] == "mine"
    done = run(tmp_path / "model", "--layout", "closp", "--to", tmp_path / "back")
    assert json.loads(done.stdout)["layout"] == "closp"
    assert (tmp_path / "back/model.safetensors").read_bytes() == (published[1] / "model.safetensors").read_bytes()
    assert run(published[1], "--text", minilm).exit_code == 2
    assert run(tmp_path / "model", "--text", minilm, "--to", tmp_path / "x").exit_code == 2
    assert run(published[1], "--to", tmp_path / "x", "--context", 128).exit_code == 2


def test_names_account_for_the_published_file_to_the_byte(minilm, tmp_path):
    """CLOSP-RN's weights are 299,001,336 bytes: every name and shape of them is in that number."""
    import transformers

    sizes = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
    text = tmp_path / "text"
    shutil.copytree(minilm, text)
    transformers.BertConfig(vocab_size=30522, max_position_embeddings=512, **sizes).save_pretrained(text)
    towers = {
        name: {"type": "timm", "model": "resnet50", "bands": bands, "head": 1000, "bias": True, "image_size": 120}
        for name, bands in (("s1", 2), ("s2", 13))
    }
    routes = {name: {"tower": name[:2], "input": "bands"} for name in ("s1-grd", "s2-l1c")}
    entry = {"type": "transformers", "source": str(text), "projection": False, "pooling": "cls"}
    with torch.device("meta"):
        state = DualEncoder(tiny_config(embed_dim=384, text=entry, towers=towers, sensors=routes)).state_dict()
    names = {published_name(key): value for key, value in state.items() if key != "logit_scale"}
    wide_first = sorted(names, key=lambda key: (-names[key].element_size(), key))
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for key in wide_first:
        end = offset + names[key].numel() * names[key].element_size()
        kind = {4: "F32", 8: "I64"}[names[key].element_size()]
        header[key] = {"dtype": kind, "shape": list(names[key].shape), "data_offsets": [offset, end]}
        offset = end
    length = len(json.dumps(header, separators=(",", ":")))
    assert 8 + math.ceil(length / 8) * 8 + offset == 299_001_336


def test_minilm_by_the_pooling_that_it_says(minilm, tmp_path):
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(minilm)
    encoder = transformers.AutoModel.from_pretrained(minilm).eval()
    with torch.no_grad():
        hidden = encoder(**tokenizer(TEXTS[:1], return_tensors="pt")).last_hidden_state[0]
    for said, wanted in (("mean_tokens", hidden.mean(0)), ("cls_token", hidden[0])):
        folder = write_minilm(tmp_path / said, said)
        text = {
            "type": "transformers",
            "source": str(folder),
            "pretrained": True,
            "pooling": "source",
            "projection": False,
        }
        model = DualEncoder(tiny_config(embed_dim=32, text=text | {"context_length": 64}, towers={"rgb": VIT})).eval()
        found = model.encode_texts(TEXTS[:1]).pooled[0]
        torch.testing.assert_close(found, torch.nn.functional.normalize(wanted, dim=-1), atol=1e-5, rtol=0)
        assert model.encode_texts(["water " * 90], truncation="count").mask.sum() == 64
        model.save_pretrained(tmp_path / f"{said}-saved")
        again = DualEncoder.from_pretrained(tmp_path / f"{said}-saved", dtype="float32", device="cpu")
        assert torch.equal(again.encode_texts(TEXTS[:1]).pooled[0], found)


def test_a_pooling_that_swath_has_not(minilm, tmp_path):
    text = {"type": "transformers", "pooling": "source", "context_length": 16}
    folder = write_minilm(tmp_path / "max", "max_tokens")
    with pytest.raises(ModelError, match="pools by pooling_mode_max_tokens; swath has cls, mean"):
        DualEncoder(tiny_config(text=text | {"source": str(folder)}))
    (folder / "1_Pooling/config.json").unlink()
    with pytest.raises(ModelError, match="does not say how it pools"):
        DualEncoder(tiny_config(text=text | {"source": str(folder)}))


def test_a_context_beyond_the_encoders_positions(minilm, tmp_path):
    import transformers

    text = {"type": "transformers", "source": str(minilm), "context_length": 129}
    with pytest.raises(ModelError, match="has 128 positions; a context_length of 129 is out of its reach"):
        DualEncoder(tiny_config(text=text))
    # RoBERTa's positions begin behind the padding id.
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
    roberta = transformers.RobertaConfig(vocab_size=11, max_position_embeddings=34, pad_token_id=1, **sizes)
    shutil.copytree(minilm, tmp_path / "roberta")
    roberta.save_pretrained(tmp_path / "roberta")
    text["source"] = str(tmp_path / "roberta")
    with pytest.raises(ModelError, match="has 32 positions; a context_length of 33"):
        DualEncoder(tiny_config(text=text | {"context_length": 33}))
    model = DualEncoder(tiny_config(text=text | {"context_length": 32})).eval()
    assert model.encode_texts(["water " * 90], truncation="count").mask.sum() == 32


def test_code_that_comes_with_an_encoder_is_not_run_nor_asked_about(minilm, tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    folder, mark = tmp_path / "text", tmp_path / "ran"
    shutil.copytree(minilm, folder)
    (folder / "own.py").write_text(
        f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n"
        "from transformers import BertConfig, BertModel\n"
        "class OwnConfig(BertConfig):\n    model_type = 'own'\n"
        "class OwnModel(BertModel):\n    config_class = OwnConfig\n"
    )
    config = json.loads((folder / "config.json").read_text())
    own = {"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"}
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "own", "auto_map": own}))
    text = {"type": "transformers", "source": str(folder), "context_length": 16}
    for pretrained in (False, True):
        with pytest.raises(ModelError, match="transformers cannot build the text encoder"):
            DualEncoder(tiny_config(text=text | {"pretrained": pretrained}))
    assert not mark.exists()
