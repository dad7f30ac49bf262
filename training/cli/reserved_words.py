"""Words that are commands of `python -m training`, and that no recipe can be named by."""

VERBS = ("discard", "export", "import", "list", "merge", "status", "verify", "watch")
"""Commands in place of a recipe's name, some of them for later versions."""
