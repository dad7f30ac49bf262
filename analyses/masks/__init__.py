"""Masks of networks: densities, change in training, overlap.

Imports interp, training, and the loading, running and tables of analyses; never another question.
"""
