"""One exception tree: catch `SwathError` for everything swath raises on purpose.

Every message names the file or value at fault and says what to do next.
"""

from __future__ import annotations


class SwathError(Exception):
    """Root of every error that swath raises on purpose."""


class InputError(SwathError, ValueError):
    """A value handed in by the caller cannot be used (bad argument, empty query, impossible coordinates)."""


class SensorError(InputError):
    """A sensor is unknown, cannot be recognised, or does not fit the bands at hand."""


class SourceError(SwathError):
    """A source of scenes or captions cannot be read as what it claims to be."""


class RasterError(SourceError):
    """One raster cannot be opened, is refused, or is damaged."""


class UnsafeRasterError(RasterError):
    """A raster is refused for safety: forbidden driver, decompression bomb, path outside its source."""


class GeoreferenceError(RasterError):
    """A raster has no usable coordinate reference system or geotransform where one is needed."""


class EmptyChipError(RasterError):
    """A chip holds no valid pixel (all nodata or NaN)."""


class DataError(SourceError):
    """A data set of image-text pairs is broken: missing image, empty caption, unknown split."""


class ModelError(SwathError):
    """A model cannot be built, loaded or used."""


class CheckpointError(ModelError):
    """A checkpoint does not fit: wrong keys, shapes, activation, context length, or an unsafe format."""


class MissingExtraError(SwathError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; install it with: pip install 'swath[{extra}]'")
        self.package = package
        self.extra = extra


class ArchiveError(SwathError):
    """An archive cannot be opened, written or searched."""


class ArchiveNotFoundError(ArchiveError):
    """There is no archive at the given address."""


class ArchiveCorruptError(ArchiveError):
    """An archive's files are damaged or incomplete."""


class VersionGoneError(ArchiveError):
    """A version of an archive that was being read is not kept any more; there is a newer one."""


class ModelMismatchError(ArchiveError):
    """An archive was made with another model than the one offered."""


class QueryError(InputError):
    """A query cannot be answered: nothing to search by, unreadable filter, impossible geometry."""


class TrainingError(SwathError):
    """A training run cannot start or go on."""


class RecipeError(TrainingError, ValueError):
    """A recipe file is not valid; the message names the field."""


class EvaluationError(SwathError):
    """A metric cannot be computed from what was given."""
