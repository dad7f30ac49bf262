"""Training of arms in slots: settings, updates of all slots at once, captured steps, copies to the host.

Every slot of a stack has its own optimizer settings and age, held on the device, so that one sequence of
kernels serves all slots for ever. Imports no other folder, and triton only where it is used.
"""
