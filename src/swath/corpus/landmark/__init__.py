"""A corpus after CrisisLandMark: labels of many systems harmonised into one, captions and splits: `write_landmark`."""

from __future__ import annotations

from swath.corpus.landmark.build import LandmarkReport, Options, write_landmark
from swath.corpus.landmark.evidence import LabelList, LabelRasters
from swath.corpus.landmark.export import ExportReport, write_cogs, write_hdf5
from swath.corpus.landmark.splitting import by_blocks, by_scenes, stratified
from swath.data.labels.systems import LabelSystem, Vocabulary, read_system, system_names, vocabulary

__all__ = [
    "ExportReport",
    "LabelList",
    "LabelRasters",
    "LabelSystem",
    "LandmarkReport",
    "Options",
    "Vocabulary",
    "by_blocks",
    "by_scenes",
    "read_system",
    "stratified",
    "system_names",
    "vocabulary",
    "write_cogs",
    "write_hdf5",
    "write_landmark",
]
