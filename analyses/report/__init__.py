"""Report: verdicts on the papers' claims, from saved tables.

`evidence` loads and judges, `document` writes, `rendering` turns blocks into Markdown and HTML. May import
`analyses.claims`, `analyses.running`, `analyses.tables`, schemas of questions, and `training`.
"""
