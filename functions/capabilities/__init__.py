"""The answer to OPTIONS: what can be done with a resource, and whether a page may do it.

OPTIONS needs no token, because a CORS preflight carries none. So it has a function of its own,
which has no access to any data and takes nothing of the store function's concurrency.
"""
