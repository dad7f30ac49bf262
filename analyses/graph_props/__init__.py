"""Question: is the graph of a mask more structured than random masks?

`schema` declares the tables, `mask_statistics` measures one mask and its random masks, `tables` gathers them,
`summary` prints what they say, `command` is `python -m analyses.graph_props`. May import `analyses.tables`,
`analyses.loading`, `analyses.running`, `interp` and `training`, and no other question.
"""
