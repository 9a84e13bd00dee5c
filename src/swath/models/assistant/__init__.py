"""The generative assistant: conversations about images with any image-text-to-text model of transformers."""

from __future__ import annotations

from swath.models.assistant.assistant import Assistant, Chat
from swath.models.assistant.loading import LoraOptions, add_lora, load_parts

__all__ = ["Assistant", "Chat", "LoraOptions", "add_lora", "load_parts"]
