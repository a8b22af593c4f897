"""The settings of a deployment: the only place that reads the environment."""

import os
from functools import cache

from transaction.gateway import read_origins


@cache
def allowed_origins() -> frozenset[str]:
    """Return the template's parameter AllowedOrigins: origins, or only ``*``, or nothing."""
    return read_origins(os.environ.get("ALLOWED_ORIGINS", ""))


@cache
def retrieves() -> bool:
    """Return whether the template's parameter Retrieve is on."""
    return os.environ.get("RETRIEVE") == "on"
