"""Similarity: exact arithmetic on features, no models."""
