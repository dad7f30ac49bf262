"""Weight norms through training, of all weights and of the kept ones.

Imports interp, training, and the loading, running and tables of analyses; never another question.
"""
