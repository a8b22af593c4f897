"""Who may store: an OpenID Connect bearer token, verified before the store function is called.

API Gateway asks `authorizer.handler` about every request. The room stands alone: it imports
neither other rooms nor an AWS SDK, because every cold start has to wait for its imports. As in
``store``, hardly any garbage is looked for among them (docs/decisions/0192).
"""

import gc

COLLECTED_AT = gc.get_threshold()
"""When garbage is looked for otherwise."""

gc.set_threshold(50_000)
