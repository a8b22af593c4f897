"""The setting of a deployment: the only place that reads the environment."""

import os
from functools import cache


@cache
def allowed_origins() -> frozenset[str]:
    """Return the template's parameter AllowedOrigins: origins, or only ``*``, or nothing."""
    origins = os.environ.get("ALLOWED_ORIGINS", "").split(",")
    return frozenset(origin.strip() for origin in origins if origin.strip())
