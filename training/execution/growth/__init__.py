"""Finished arms that grow: replayed, trained on, given more checkpoints."""
