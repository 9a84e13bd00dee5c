"""Models: `DualEncoder`, its towers and configuration, checkpoints, the zoo."""

from __future__ import annotations

from swath.models.captioner import Captioner
from swath.models.config import CaptionerConfig, LocationConfig, ModelConfig, SensorInput, TextConfig, TowerConfig
from swath.models.decoding import Decoding
from swath.models.dual_encoder import DualEncoder
from swath.models.tokenizer import Tokenizer
from swath.models.towers import TextTower, VisionTower, register_text_tower, register_vision_tower
from swath.models.truncation import TruncationWarning

__all__ = [
    "Captioner",
    "CaptionerConfig",
    "Decoding",
    "DualEncoder",
    "LocationConfig",
    "ModelConfig",
    "SensorInput",
    "TextConfig",
    "TextTower",
    "Tokenizer",
    "TowerConfig",
    "TruncationWarning",
    "VisionTower",
    "register_text_tower",
    "register_vision_tower",
]
