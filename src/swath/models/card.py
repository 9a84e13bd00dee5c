"""The model card written beside the weights."""

from __future__ import annotations

from swath.models.config import ModelConfig


def model_card(config: ModelConfig, parameters: int) -> str:
    """The text of a model's `README.md`, with the hub's front matter.

    Args:
        config: as written to `config.json`, digest included.
        parameters: number of weights.
    """
    towers = "\n".join(
        f"| {name} | {tower.type} | {tower.image_size} | {tower.bands} | {tower.resize} |"
        for name, tower in config.towers.items()
    )
    sensors = "\n".join(
        f"| {'every other' if name == '*' else name} | {entry.tower} | {entry.input} |"
        for name, entry in config.sensors.items()
    )
    origin = "\n".join(f"- {key}: {value}" for key, value in config.provenance.items()) or "- not recorded"
    return f"""---
library_name: swath
license: {config.license if config.license != "unknown" else "other"}
tags: [remote-sensing, image-text-retrieval]
---

# {config.name}

A dual encoder for Earth-observation images and text, `{config.name}@{config.digest}`:
{parameters / 1e6:.1f} million weights, vectors of {config.embed_dim},
texts of up to {config.text.context_length} tokens. Licence of the weights: {config.license}.

```python
from swath.models import DualEncoder

model = DualEncoder.from_pretrained("path/to/this/directory")
features = model.encode_texts(["an airport beside the sea"])
```

| tower | type | image size | bands | resize |
|---|---|---|---|---|
{towers}

| sensor | tower | input |
|---|---|---|
{sensors}

## Origin

{origin}
"""
