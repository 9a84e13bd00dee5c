"""Building image-text corpora; `sandbox` writes a synthetic world."""
