"""Training from Python: load a recipe, train it, get the run.

`training.load_recipe` and `training.train` are here. May import every folder of `training` but `adopt`,
`bench` and the commands.
"""
