"""The settings on who may store and read: the only place that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from authorizer.discovery import is_protected


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The template's parameters on tokens: Authentication, OidcIssuer and those that follow."""

    authentication: str
    issuer: str
    audience: str
    required_scope: str
    read_scope: str

    @property
    def open_to_all(self) -> bool:
        """Whether everyone may do everything: only if that was explicitly configured."""
        return self.authentication == "none"

    def scope_for(self, method: str, resource: str) -> str:
        """Return the scope that a request needs: one to read what is stored, one for all else."""
        reads = method in ("GET", "HEAD") and resource.startswith("/studies")
        return self.read_scope if reads else self.required_scope

    @property
    def defect(self) -> str:
        """Why no token can be verified with these settings, or an empty string."""
        if self.authentication != "oidc":
            return "AUTHENTICATION is neither oidc nor none"
        if not self.issuer or not self.audience:
            return "OIDC_ISSUER and OIDC_AUDIENCE are not both set"
        if not is_protected(self.issuer):
            return "OIDC_ISSUER is not an https URL"
        return ""


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in ``environ``; a missing one is an empty string."""
    return Settings(
        authentication=environ.get("AUTHENTICATION", ""),
        issuer=environ.get("OIDC_ISSUER", ""),
        audience=environ.get("OIDC_AUDIENCE", ""),
        required_scope=environ.get("REQUIRED_SCOPE", ""),
        read_scope=environ.get("READ_SCOPE", ""),
    )
