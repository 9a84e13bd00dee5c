from __future__ import annotations

import pytest
import torch

from generate.models import TEXT as TOWER
from generate.models import tiny_config, tiny_model
from swath.errors import CheckpointError, ModelError
from swath.models import DualEncoder
from swath.models.ensemble import centre, join
from swath.models.stretch import stretched

TEXTS = ["two planes", "a river and a bridge beside many houses", "bare land"]


@pytest.fixture
def pair():
    return [tiny_model(seed=seed) for seed in (1, 2)]


def images(model, count=4):
    size = next(iter(model.config.towers.values())).image_size
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def cosines(model):
    pictures, texts = model.encode_images(images(model), "rgb"), model.encode_texts(TEXTS)
    return pictures, texts, pictures.pooled @ texts.pooled.T


def test_its_cosine_is_the_mean_of_the_members_cosines(pair):
    both = join(pair, "both")
    assert both.dim == sum(model.dim for model in pair)
    pictures, texts, found = cosines(both)
    wanted = torch.stack([cosines(model)[2] for model in pair]).mean(dim=0)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)
    torch.testing.assert_close(pictures.pooled.norm(dim=1), torch.ones(4), atol=1e-5, rtol=0)
    patches = torch.stack(
        [torch.einsum("ipd,jtd->ijpt", *(part.tokens for part in cosines(model)[:2])) for model in pair]
    )
    own = torch.einsum("ipd,jtd->ijpt", pictures.tokens, texts.tokens)
    torch.testing.assert_close(own, patches.mean(dim=0), atol=1e-5, rtol=0)


def test_it_is_saved_and_read_again(pair, tmp_path):
    both = join(pair, "both")
    before = cosines(both)
    centre(both, before[0], before[1])
    again = DualEncoder.from_pretrained(both.save_pretrained(tmp_path / "both"), dtype="float32")
    assert again.model_id == both.model_id
    assert torch.equal(cosines(again)[2], cosines(both)[2])
    assert not torch.allclose(cosines(both)[2], before[2])


def test_a_centre_is_taken_off_each_members_vectors(pair):
    both = join(pair, "both")
    pictures, texts, _ = cosines(both)
    centre(both, pictures, texts)
    parts = []
    for model in pair:
        own, words, _ = cosines(model)
        own, words = own.pooled - own.pooled.mean(dim=0), words.pooled - words.pooled.mean(dim=0)
        parts.append(torch.nn.functional.normalize(own, dim=1) @ torch.nn.functional.normalize(words, dim=1).T)
    torch.testing.assert_close(cosines(both)[2], torch.stack(parts).mean(dim=0), atol=1e-5, rtol=0)


def test_it_is_stretched_like_its_members(pair):
    both = stretched(join(pair, "both"), keep=5, length=40)
    assert both.text.context_length == both.config.text.context_length == 40
    apart = join([stretched(model, keep=5, length=40) for model in pair], "both")
    texts = [" ".join(["many trees"] * 12)]
    torch.testing.assert_close(both.encode_texts(texts).pooled, apart.encode_texts(texts).pooled)


def test_gradients_reach_every_member(pair):
    both = join(pair, "both").train().requires_grad_(True)
    pictures = both.forward_images(images(both))
    ids, mask = both.tokenize(TEXTS)
    (pictures.pooled[:3] * both.forward_texts(ids, mask).pooled).sum().backward()
    for part in (both.towers["rgb"], both.text):
        assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in list(part.parameters())[:2])


def test_members_must_take_the_same_input(pair):
    other = DualEncoder(tiny_config(text=TOWER | {"context_length": 20}))
    with pytest.raises(ModelError, match="share tokenizer and context length"):
        join([pair[0], other], "both")
    pictures, texts, _ = cosines(pair[0])
    with pytest.raises(ModelError, match="is no ensemble"):
        centre(pair[0], pictures, texts)


def test_lengths_must_add_up(pair):
    config = join(pair, "both").config
    text = config.text.model_dump() | {"dims": [1, 2]}
    with pytest.raises(CheckpointError, match="does not give vectors of"):
        DualEncoder(config.parse(config.model_dump() | {"text": text}))


def test_members_keep_how_they_read_long_texts():
    one, two, other = (tiny_model(tiny_config(text=TOWER | {"sentences": share})) for share in (0.6, 0.6, 0.0))
    both = join([one, two], "both")
    assert both.config.text.sentences == 0.6
    long = ["Two planes stand on bare land. A river and a bridge lie beside many houses."]
    alone, found = one.encode_texts([*long, *TEXTS]).pooled, both.encode_texts([*long, *TEXTS]).pooled
    torch.testing.assert_close(found @ found.T, alone @ alone.T, atol=1e-5, rtol=0)
    with pytest.raises(ModelError, match=r"'tiny'.*0\.6.*with 0; join models that read them alike"):
        join([one, other], "both")


def test_a_captioner_stays_behind(tmp_path):
    writer = DualEncoder(tiny_config(captioner={"width": 64, "layers": 1, "heads": 2, "queries": 4, "pooler_heads": 2}))
    both = join([writer.eval(), tiny_model(seed=2)], "both")
    assert both.config.captioner is None
    again = DualEncoder.from_pretrained(both.save_pretrained(tmp_path / "both"), dtype="float32")
    assert torch.equal(cosines(again)[2], cosines(both)[2])
