"""Networks as torch modules with TransformerLens' hook points, and their examples.

`modules` has the modules and imports TransformerLens, which takes seconds: import it in functions alone.
`transformer_lens.hook_points` takes as long, as it imports `transformers` through its conversion utilities.
`pruned_weights` keeps pruned weights zero, `examples` has the task's pairs. May import what other models may.
"""
