"""Question: what do a network's weights look like, from start to end?

Tables for pictures and animations of weights: `schema` declares them, `tables` measures one network, and
`command` is `python -m analyses.snapshots`. May import `analyses.tables`, `analyses.loading`,
`analyses.running`, `interp` and `training`, and no other question.
"""
