"""swath: search Earth-observation archives by meaning."""

from swath._version import __version__

__all__ = ["__version__"]
