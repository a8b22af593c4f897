"""API Gateway events: for ``sam local invoke``, and for the tests. ``make.py`` makes them."""
