"""Who may store: an OpenID Connect bearer token, verified before the store function is called.

API Gateway asks `authorizer.handler` about every request. The room stands alone: it imports
nothing of the other rooms and no AWS SDK, because its import time is paid by every cold start.
"""
