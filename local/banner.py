"""The text that ``make run`` prints when it is ready."""

from pathlib import Path
from shlex import quote

from local.service import SAMPLE, Service

_OPEN = (
    "Authentication=none (the default only for make run): ANYONE on this machine may store and read"
)
_TOKENS = "Authentication=oidc: a bearer token is required; make token prints one"


def banner(service: Service, *, embedded: bool, functions_log: Path) -> str:
    """Return the addresses of the service and a command that stores a sample file."""
    lifetime = " (emptied when the service stops)" if embedded else ""
    tokens = service.authentication == "oidc"
    authorization = '-H "Authorization: Bearer $(make -s token)" ' if tokens else ""
    return f"""Ready
  Service   {service.base_url}
  S3        {service.endpoint} bucket {service.bucket}{lifetime}
  DynamoDB  {service.endpoint} table {service.table}
  Access    {_TOKENS if tokens else _OPEN}
  Logs      {functions_log.resolve()}
{_audit_trail(service)}Try it; the answer has the URL from which curl -L gets the instance back:
  curl -sS {authorization}\
-H 'Content-Type: application/dicom' --data-binary @{quote(str(SAMPLE))} {service.base_url}/studies
One line for each request, each ingest and each event:
"""


def _audit_trail(service: Service) -> str:
    group = service.audit_trail
    if not group:
        return ""
    return f"  Audit     aws --endpoint-url {service.endpoint} logs tail {group} --follow\n"
