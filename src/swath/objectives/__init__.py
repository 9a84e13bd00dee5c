"""Losses: one file, one loss; each takes and gives tensors."""
