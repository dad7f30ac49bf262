"""Fourier: how periodic each neuron's weights are, and how early they become so.

Its tables are declared in `schema`. May import `analyses.loading`, `analyses.running` and `analyses.tables`.
"""
