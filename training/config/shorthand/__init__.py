"""Arms that a recipe lists in short: names with fields in braces, and rounds of iterative pruning.

Tables of a TOML file in, longer tables out; a recipe's grid, which has to know what an arm takes, is in
`training.config.grid`. May import `training.schema`.
"""
