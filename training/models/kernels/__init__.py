"""Kernels of the fast networks: matrix products of stacked arms, sums of embedding rows.

May import torch, and nothing else of this project.
"""
