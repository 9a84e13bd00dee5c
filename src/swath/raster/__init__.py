"""The one door to GDAL: headers, windows, footprints, reduced pictures. Nothing else in swath opens a raster."""

from __future__ import annotations

from swath.raster.footprints import footprint, footprints_of, to_degrees
from swath.raster.gdal import DRIVERS, SUFFIXES, release
from swath.raster.info import RasterInfo, describe
from swath.raster.labels import read_labels
from swath.raster.pictures import thumbnail
from swath.raster.reading import MIN_VALID, quicklook, read_chip, scene_grid
from swath.raster.scenes import read_image, scene_from_file
from swath.raster.stretching import stretched
from swath.raster.windows import tile
from swath.raster.writing import write_geotiff

__all__ = [
    "DRIVERS",
    "MIN_VALID",
    "SUFFIXES",
    "RasterInfo",
    "describe",
    "footprint",
    "footprints_of",
    "quicklook",
    "read_chip",
    "read_image",
    "read_labels",
    "release",
    "scene_from_file",
    "scene_grid",
    "stretched",
    "thumbnail",
    "tile",
    "to_degrees",
    "write_geotiff",
]
