"""The generative assistant on tiny models of three families."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from generate import assistants
from swath.chips import Pixels
from swath.errors import CheckpointError, InputError, MissingExtraError, ModelError
from swath.models.assistant import Assistant, LoraOptions, add_lora, load_parts
from swath.models.assistant.assistant import render_picture
from swath.models.assistant.loading import linear_names
from swath.models.assistant.prompts import IGNORED, encode, render
from swath.models.truncation import TruncationWarning
from swath.sensors import sensor

torch.set_num_threads(1)

FAMILIES: tuple[Callable[..., Path], ...] = (assistants.llava, assistants.qwen2_vl, assistants.paligemma)


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda build: build.__name__)
def assistant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    folder = request.param(tmp_path_factory.mktemp(request.param.__name__) / "model")
    return Assistant.from_pretrained(str(folder), dtype="float32", device="cpu", most_new=6)


def picture(name: str = "rgb", seed: int = 0, side: int = 40) -> Pixels:
    kind = sensor(name)
    values = np.random.default_rng(seed).normal(-12, 6, (len(kind.bands), side, side))
    data = values.astype(np.float32) if kind.is_radar else (values * 8 + 200).clip(0, 255).astype(np.uint8)
    return Pixels(data, np.ones((side, side), dtype=bool), kind)


def test_any_sensor_is_shown_as_its_picture_and_answered(assistant: Assistant) -> None:
    images = [picture("rgb"), picture("s1-grd", seed=1)]
    found = assistant.answer(images, ["how many ships are there ?", "is a road present ?"])
    assert [one.type for one in found] == ["count", "whether"]
    assert all(0 < one.confidence <= 1 for one in found)
    assert np.array_equal(np.asarray(render_picture(images[1])), images[1].to_rgb().transpose(1, 2, 0))


def test_the_image_counts(assistant: Assistant) -> None:
    """Another picture, other logits: the picture reaches the language model."""
    prompts = [encode(assistant.processor, [("how many ?", None)], render_picture(picture(seed=at))) for at in (0, 7)]
    with torch.inference_mode():
        first, second = (assistant.model(**prompt.inputs).logits[0, -1] for prompt in prompts)
    assert (first - second).abs().max() > 1e-4


def test_a_stream_says_what_the_answer_is(assistant: Assistant) -> None:
    image, question = picture(), "what does the image show ?"
    whole = assistant.chat(image).ask(question)
    chat = assistant.chat(image)
    pieces = list(chat.stream(question))
    assert "".join(pieces).strip() == whole.text
    assert chat.exchanges == [(question, whole.text)]


def test_later_questions_are_told_what_was_said(assistant: Assistant) -> None:
    chat = assistant.chat(picture())
    chat.ask("how many ships are there ?")
    said = chat._encode("is a road present ?")
    text = assistant.processor.tokenizer.decode(said.inputs["input_ids"][0])
    assert "how many ships are there ?" in text
    assert text.index("how many") < text.index("is a road")


def test_labels_are_the_answers_and_nothing_else(assistant: Assistant) -> None:
    told = [("how many ships are there ?", "there are three ships ."), ("is a road present ?", "yes , a road .")]
    found = encode(assistant.processor, told, render_picture(picture()))
    kept = found.labels[0] != IGNORED
    tokenizer = assistant.processor.tokenizer
    assert tokenizer.decode(found.labels[0][kept]) == "there are three ships .</s>yes , a road .</s>"
    assert torch.equal(found.labels[0][kept], found.inputs["input_ids"][0][kept])
    assert found.ends[-1] == len(found)


def test_a_conversation_is_tokenised_as_its_prompt_and_then_its_answer(assistant: Assistant) -> None:
    """What the loss sees before an answer is what generation starts from."""
    image = render_picture(picture())
    prompt = encode(assistant.processor, [("how many ?", None)], image)
    whole = encode(assistant.processor, [("how many ?", "three")], image)
    assert whole.inputs["input_ids"][0, : len(prompt)].tolist() == prompt.inputs["input_ids"][0].tolist()
    assert whole.labels[0, len(prompt)] != IGNORED


def test_fifty_turns_are_told_as_far_as_they_fit(assistant: Assistant) -> None:
    chat = assistant.chat(picture())
    chat.exchanges = [("how many ships are there ?", "there are three ships .")] * 50
    with pytest.warns(TruncationWarning, match="of 50 exchanges are not told"):
        found = chat.ask("is a road present ?")
    assert found.type == "whether"
    assert len(chat.exchanges) == 51
    assert assistant.context == 512


def test_bad_input_is_named(assistant: Assistant) -> None:
    chat = assistant.chat(picture())
    for question in ("", "  "):
        with pytest.raises(InputError, match="question"):
            chat.ask(question)
        with pytest.raises(InputError, match="question"):
            assistant.answer([picture()], [question])
    with pytest.raises(InputError, match="takes 512"):
        chat.ask("xqz " * 400)
    empty = Pixels(np.full((1, 8, 8), np.nan, np.float32), np.zeros((8, 8), dtype=bool), sensor("s1-vv"))
    with pytest.raises(InputError, match="no valid pixel"):
        assistant.chat(empty)
    with pytest.raises(InputError, match="image 0 has no valid pixel"):
        assistant.answer([empty], ["how many ?"])


def test_adapters_go_on_the_language_model_alone_and_change_nothing_at_first(assistant: Assistant) -> None:
    names = linear_names(assistant.model, vision=False)
    assert len(names) == 14  # seven in each of two layers
    assert not any("vis" in name or "lm_head" in name for name in names)
    assert len(linear_names(assistant.model, vision=True)) > len(names)
    model, _ = load_parts(assistant.name)
    prompt = encode(assistant.processor, [("how many ?", None)], render_picture(picture()))
    with torch.inference_mode():
        before = model(**prompt.inputs).logits
        adapted = add_lora(model, LoraOptions(r=4, alpha=8)).eval()
        assert torch.allclose(adapted(**prompt.inputs).logits, before, atol=1e-6)
    trained = [name for name, value in adapted.named_parameters() if value.requires_grad]
    assert len(trained) == 2 * len(names)
    assert all("lora_" in name for name in trained)


def test_a_template_that_is_not_made_turn_by_turn_is_refused(assistant: Assistant) -> None:
    class Backwards:
        chat_template = "yes"

        def apply_chat_template(self, messages: list[dict[str, object]], **options: object) -> str:
            return " ".join(str(message["role"]) for message in reversed(messages))

    with pytest.raises(ModelError, match="turn by turn"):
        render(Backwards(), [("how many ?", "three"), ("where ?", "there")], image=False)


def test_without_template_turns_are_lines() -> None:
    class Plain:
        chat_template = None
        image_token = "<image>"
        tokenizer = type("T", (), {"eos_token": "</s>"})()

    turns = [("how many ?", "three"), ("where ?", None)]
    assert render(Plain(), turns, image=True) == [("<image>how many ?\n", "three</s>"), ("where ?\n", "")]


def test_what_is_no_such_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="image-text-to-text"):
        load_parts(str(tmp_path))
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="base_model_name_or_path"):
        load_parts(str(tmp_path))


def test_without_transformers_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"swath\[assistant\]"):
        load_parts(str(tmp_path))
