"""Pipeline of `python -m figures make`: plan, run, keep what is current.

It plans the trainings, analyses and drawings that the catalogue's figures still need, and runs them as
commands. It may import the catalogue, figures.drawing, analyses.tables, and of training the config, the
runs, the command line and the execution's plan of arms.
"""
