"""Prompts for language models, as text files; see `swath.corpus.llm.prompts`."""
