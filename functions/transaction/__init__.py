"""The store transaction, whichever way its body came (PS3.18 10.5).

What the functions that store share: API Gateway's events and responses, the way of body parts
into the archive, the answer, and what is logged and counted.
"""
