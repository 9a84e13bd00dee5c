from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from generate.closp_files import write_minilm
from generate.models import VIT, tiny_config
from swath.errors import CheckpointError, InputError, MissingExtraError, ModelError
from swath.models import DualEncoder, TruncationWarning

TEXTS = ["many planes at an airport", "trees", "trees"]


def round_trip(model, tmp_path, images, sensor="rgb"):
    """Save, load, compare; gives the loaded model."""
    model.save_pretrained(tmp_path / "saved")
    loaded = DualEncoder.from_pretrained(tmp_path / "saved", dtype="float32")
    assert loaded.model_id == model.model_id
    for one, two in (
        (model.encode_texts(TEXTS), loaded.encode_texts(TEXTS)),
        (model.encode_images(images, sensor), loaded.encode_images(images, sensor)),
    ):
        torch.testing.assert_close(one.pooled, two.pooled)
        torch.testing.assert_close(one.tokens, two.tokens)
    return loaded


@pytest.fixture(scope="module")
def small_arch(open_clip, tmp_path_factory):
    """Small OpenCLIP architectures under names of their own."""
    folder = tmp_path_factory.mktemp("configs")
    text = {"context_length": 20, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 2}
    vision = {"image_size": 32, "layers": 2, "width": 64, "patch_size": 16}
    decoder = {"context_length": 20, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1}
    archs = {
        "tiny-vit": {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text},
        "tiny-rn": {
            "embed_dim": 24,
            "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 8},
            "text_cfg": text,
        },
        "tiny-coca": {
            "embed_dim": 24,
            "vision_cfg": vision
            | {"attentional_pool": True, "attn_pooler_queries": 4, "attn_pooler_heads": 2, "output_tokens": True},
            "text_cfg": text | {"embed_cls": True, "output_tokens": True, "context_length": 19},
            "multimodal_cfg": decoder | {"attn_pooler_heads": 2},
            "custom_text": True,
        },
    }
    for name, config in archs.items():
        (folder / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)
    return open_clip


@pytest.mark.parametrize(("arch", "patches", "words"), [("tiny-vit", 4, 20), ("tiny-rn", 0, 20), ("tiny-coca", 0, 0)])
def test_open_clip_models(small_arch, tmp_path, arch, patches, words):
    model = DualEncoder.from_pretrained(f"open_clip:{arch}", dtype="float32")
    images = torch.randn(2, 3, 32, 32)
    found, texts = model.encode_images(images, "s2-l2a"), model.encode_texts(TEXTS)
    assert found.pooled.shape == (2, 24)
    assert found.tokens.shape == (2, patches, 24)
    assert texts.tokens.shape[1] <= words
    if words:
        assert texts.mask.sum(1).tolist() == [7, 3, 3]
    round_trip(model, tmp_path, images)


def test_a_saved_open_clip_model_brings_its_own_weights(small_arch, tmp_path):
    """An architecture that stands for weights too (a directory, a hub id) is asked for its sizes alone."""
    folder = tmp_path / "published"
    folder.mkdir()
    sizes = small_arch.get_model_config("tiny-vit")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": sizes, "preprocess_cfg": {}}))
    torch.save(small_arch.create_model("tiny-vit").state_dict(), folder / "open_clip_pytorch_model.bin")
    model = DualEncoder.from_pretrained(f"open_clip:local-dir:{folder}", dtype="float32")
    (folder / "open_clip_pytorch_model.bin").write_bytes(b"other weights")
    round_trip(model, tmp_path, torch.randn(1, 3, 32, 32))


class Alone:
    """A tokenizer that notices a second thread."""

    def __init__(self, tokenizer):
        self.tokenizer, self.inside, self.crowded = tokenizer, 0, False

    def __getattr__(self, name):
        return getattr(self.tokenizer, name)

    def __call__(self, *args, **kwargs):
        self.inside += 1
        self.crowded |= self.inside > 1
        time.sleep(0.02)
        found = self.tokenizer(*args, **kwargs)
        self.inside -= 1
        return found


def test_threads_tokenize_one_after_the_other(small_arch, tmp_path):
    """Tokenizers of the transformers library fail, or cut other texts, where threads use them at once."""
    pytest.importorskip("transformers")
    text = {"type": "transformers", "source": str(write_minilm(tmp_path / "minilm")), "context_length": 64}
    for model in (DualEncoder(tiny_config(text=text)), DualEncoder.from_pretrained("open_clip:tiny-vit")):
        model.text.tokenizer = Alone(model.text.tokenizer)
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(model.text.tokenize, ["water " * count], "count") for count in (3, 90, 3, 90)]
        short, long, *again = [future.result().ids for future in waiting]
        assert [short, long] == again
        assert not model.text.tokenizer.crowded


def test_open_clip_gives_open_clips_vectors(small_arch, tmp_path):
    reference = small_arch.create_model("tiny-vit").eval()
    torch.save(reference.state_dict(), tmp_path / "w.pt")
    model = DualEncoder.from_pretrained(f"open_clip:tiny-vit/{tmp_path / 'w.pt'}", dtype="float32")
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        wanted = reference.encode_image(images, normalize=True)
        texts = reference.encode_text(small_arch.get_tokenizer("tiny-vit")(TEXTS), normalize=True)
    torch.testing.assert_close(model.encode_images(images, "rgb").pooled, wanted, atol=1e-5, rtol=0)
    torch.testing.assert_close(model.encode_texts(TEXTS).pooled, texts, atol=1e-5, rtol=0)
    assert model.logit_scale == reference.logit_scale


def test_open_clip_truncation_is_not_silent(small_arch):
    model = DualEncoder.from_pretrained("open_clip:tiny-vit", dtype="float32")
    with pytest.warns(TruncationWarning, match="1 of 2 texts were cut to 20 tokens"):
        model.encode_texts(["a plane", "plane " * 50])
    with pytest.raises(InputError, match="the model takes 20"):
        model.encode_texts(["plane " * 50], truncation="error")


@pytest.mark.parametrize("name", ["open_clip:no-such-arch", "open_clip:tiny-vit/no-such-tag"])
def test_open_clip_names_that_are_nothing(small_arch, name):
    with pytest.raises(ModelError, match="OpenCLIP cannot build"):
        DualEncoder.from_pretrained(name)


@pytest.mark.parametrize(
    ("backbone", "bands", "sensor", "tokens"),
    [("resnet10t", 12, "s2-l2a", 4), ("test_vit", 2, "s1-grd", 16), ("test_convnext", 3, "rgb", 4)],
)
def test_timm_backbones_with_any_bands(open_clip, tmp_path, backbone, bands, sensor, tokens):
    pytest.importorskip("timm")
    size = 160 if backbone == "test_vit" else 64
    tower = {"type": "timm", "model": backbone, "bands": bands, "image_size": size}
    entry = {"tower": "x", "input": "rgb" if sensor == "rgb" else "bands"}
    torch.manual_seed(0)
    model = DualEncoder(tiny_config(towers={"x": tower}, sensors={sensor: entry})).eval()
    images = torch.randn(2, bands, size, size)
    found = model.encode_images(images, sensor)
    assert found.pooled.shape == (2, 48)
    assert found.tokens.shape[1] in (tokens, (size // 16) ** 2, (size // 32) ** 2)
    assert "towers.x.proj.weight" in model.state_dict()
    round_trip(model, tmp_path, images, sensor)


@pytest.mark.parametrize(
    "arguments",
    [{"checkpoint_path": "other.pth"}, {"pretrained": True, "pretrained_cfg_overlay": {"file": "other.pth"}}],
)
def test_a_model_cannot_say_which_files_timm_reads(open_clip, arguments):
    tower = {"type": "timm", "model": "resnet10t", "arguments": arguments}
    with pytest.raises(CheckpointError, match=f"arguments: .*{', '.join(sorted(arguments))} cannot be given here"):
        DualEncoder(tiny_config(towers={"rgb": tower}))


def test_timm_does_not_know_the_backbone(open_clip):
    with pytest.raises(ModelError, match="timm cannot build 'no_such_net'"):
        DualEncoder(tiny_config(towers={"rgb": {"type": "timm", "model": "no_such_net"}}))


@pytest.fixture(scope="module")
def minilm(tmp_path_factory):
    """A directory in the layout of a sentence encoder: small BERT, WordPiece vocabulary, random weights."""
    from swath.models.adapters.torchvision import ensure_torchvision

    ensure_torchvision()  # transformers looks for it
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("minilm")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "many", "planes", "at", "an", "airport", "trees"]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = transformers.BertConfig(vocab_size=len(vocabulary), max_position_embeddings=64, **sizes)
    transformers.BertModel(config, add_pooling_layer=True).save_pretrained(folder)
    return folder


def text_entry(minilm, **changes):
    return {"type": "transformers", "context_length": 16, "source": str(minilm), "pretrained": True} | changes


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_transformers_text_tower(minilm, tmp_path, pooling):
    model = DualEncoder(tiny_config(text=text_entry(minilm, pooling=pooling))).eval()
    found = model.encode_texts(TEXTS)
    assert found.pooled.shape == (3, 48)
    assert found.mask.sum(1).tolist() == [7, 3, 3]
    # Encoded with others or alone, padding must not matter.
    alone = torch.cat([model.encode_texts([text]).pooled for text in TEXTS])
    torch.testing.assert_close(found.pooled, alone, atol=1e-5, rtol=0)
    round_trip(model, tmp_path, torch.randn(2, 3, 32, 32))
    assert (tmp_path / "saved" / "text" / "tokenizer.json").is_file()


def test_transformers_pooling_by_hand(minilm):
    import transformers

    model = DualEncoder(tiny_config(embed_dim=32, text=text_entry(minilm, pooling="mean", projection=False))).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(minilm)
    encoder = transformers.AutoModel.from_pretrained(minilm).eval()
    with torch.no_grad():
        hidden = encoder(**tokenizer([TEXTS[0]], return_tensors="pt")).last_hidden_state[0]
    wanted = torch.nn.functional.normalize(hidden.mean(0), dim=-1)
    torch.testing.assert_close(model.encode_texts(TEXTS).pooled[0], wanted, atol=1e-5, rtol=0)


def test_transformers_truncation_and_sizes(minilm):
    model = DualEncoder(tiny_config(text=text_entry(minilm))).eval()
    with pytest.warns(TruncationWarning, match="cut to 16 tokens"):
        assert model.encode_texts(["planes " * 40]).mask.sum() == 16
    with pytest.raises(ModelError, match="vectors of 32, not 48"):
        DualEncoder(tiny_config(text=text_entry(minilm, projection=False)))
    with pytest.raises(ModelError, match="cannot build the text encoder"):
        DualEncoder(tiny_config(text=text_entry(minilm, source="/nowhere/at/all")))


@pytest.mark.parametrize(
    ("package", "config"),
    [
        ("timm", {"towers": {"rgb": VIT | {"type": "timm"}}}),
        ("transformers", {"text": {"type": "transformers", "source": "x"}}),
    ],
)
def test_a_missing_extra_is_named(monkeypatch, package, config):
    original = importlib.import_module

    def refuse(name, *rest):
        if name == package:
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(importlib, "import_module", refuse)
    options = {"towers": {"rgb": {"type": "timm", "model": "resnet10t"}}} if package == "timm" else config
    with pytest.raises(MissingExtraError, match=rf"{package} is not installed; .*swath\[adapters\]"):
        DualEncoder(tiny_config(**options))


def test_the_core_imports_no_extra():
    code = (
        "import sys, swath.models, swath.models.convert, swath.models.hub;"
        "print([n for n in ('torchvision', 'timm', 'open_clip', 'transformers', 'accelerate') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_transformers_text_tower_stays_whole_where_towers_are_attached(minilm, tmp_path):
    from swath.models.attach import attach_towers

    own = DualEncoder(tiny_config(text=text_entry(minilm))).eval()
    two = DualEncoder(tiny_config(text=text_entry(minilm), towers={"rgb": VIT, "s1": VIT}, name="two")).eval()
    two.text.load_state_dict(own.text.state_dict())
    attach_towers(own.save_pretrained(tmp_path / "own"), two.save_pretrained(tmp_path / "two"), ["s1"], tmp_path / "b")
    after = DualEncoder.from_pretrained(tmp_path / "b", dtype="float32", device="cpu")
    assert set(after.towers) == {"rgb", "s1"}
    assert torch.equal(after.encode_texts(["a bay"]).pooled, own.encode_texts(["a bay"]).pooled)


def test_transformers_texts_are_stretched_and_windowed(minilm, tmp_path):
    from swath.errors import ModelError
    from swath.models.stretch import stretched

    model = DualEncoder(tiny_config(text=text_entry(minilm))).eval()
    longer = stretched(model, keep=5, length=48)
    assert longer.config.text.context_length == longer.text.context_length == 48
    text = "many trees and a river " * 6
    whole = longer.encode_texts([text], truncation="error")
    windowed = model.encode_texts([text], truncation="window")
    assert windowed.mask.sum() == whole.mask.sum()
    assert not torch.allclose(windowed.pooled, whole.pooled, atol=1e-4)
    with pytest.raises(ModelError, match="has 64 positions; a context of 100"):
        stretched(model, keep=5, length=100)


def test_open_clip_texts_are_stretched_and_windowed(small_arch, tmp_path):
    from swath.errors import ModelError
    from swath.models.stretch import stretched

    model = DualEncoder.from_pretrained("open_clip:tiny-vit", dtype="float32", device="cpu")
    longer = stretched(model, keep=10, length=60)
    assert torch.allclose(longer.encode_texts(TEXTS).pooled, model.encode_texts(TEXTS).pooled, atol=1e-6)
    text = "many trees and a river " * 6
    whole = longer.encode_texts([text], truncation="error")
    assert model.encode_texts([text], truncation="window").mask.sum() == 32
    longer.save_pretrained(tmp_path)
    again = DualEncoder.from_pretrained(tmp_path, device="cpu", dtype="float32")
    assert again.config.text.context_length == 60
    assert torch.equal(again.encode_texts([text]).pooled, whole.pooled)
    with pytest.raises(ModelError, match="can be stretched"):
        stretched(DualEncoder.from_pretrained("open_clip:tiny-coca", dtype="float32", device="cpu"), keep=5)
