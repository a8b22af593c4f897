"""The optional parameters of the template, in groups that are deployed together."""

_ACCOUNT = "us-east-1:123456789012"

GROUPS = {
    "addresses": {"AllowedAddresses": "192.0.2.7,198.51.100.0/24"},
    "alarms": {"AlarmTopicArn": f"arn:aws:sns:{_ACCOUNT}:alarms", "Dashboard": "none"},
    "audit": {"AuditRetentionDays": "2557"},
    "concurrency": {"MaxSimultaneousRequests": "5", "IngestConcurrency": "reserved"},
    "domain": {
        "DomainName": "dicom.example.org",
        "CertificateArn": f"arn:aws:acm:{_ACCOUNT}:certificate/1234abcd",
        "TruststoreUri": "s3://certificates/truststore.pem",
        "TruststoreVersion": "L4kqtJlcpXroDTDmpUMLUo",
    },
    "events": {
        "EventBusName": "instances",
        "EventAttributes": "AccessionNumber",
        "StudyQuietSeconds": "60",
    },
    "existing": {
        "ExistingArchiveBucket": "an-archive",
        "ExistingIndexTable": "an-index",
        "ExistingIndexStreamArn": f"arn:aws:dynamodb:{_ACCOUNT}:table/an-index/stream/2026",
    },
    "firewall": {"WebAcl": "create"},
    "functions": {"StoreMemory": "1024", "IngestMemory": "1024", "IngestStorage": "2048"},
    "key": {"KmsKeyArn": f"arn:aws:kms:{_ACCOUNT}:key/1234abcd"},
    "limits": {
        "MaxRequestsPerSecond": "100",
        "MaxRequestBurst": "50",
        "MaxSimultaneousIngests": "2",
        "MaxIngestAttempts": "6",
        "MaxPendingUploads": "10",
        "UploadSeconds": "600",
    },
    "lock": {
        "ObjectLockMode": "GOVERNANCE",
        "ObjectLockDays": "1",
        "DeletionProtection": "true",
    },
    "private": {"EndpointType": "private", "VpcEndpointIds": "vpce-0123456789abcdef0"},
    "retrieve": {"Retrieve": "off"},
    "roles": {
        "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/PowerUserAccess",
        "ApiGatewayLogRole": "existing",
    },
    "storage": {
        "TransitionStorageClass": "STANDARD_IA",
        "TransitionDays": "30",
        "BackupTag": "backup=daily",
        "LogRetentionDays": "365",
        "CommitmentDays": "90",
    },
    "storing": {
        "StorageProfile": "any-storage",
        "PreamblePolicy": "refuse",
        "DuplicatePolicy": "replace",
        "RetrieveBaseUrl": "https://pacs.example.org/dicomweb",
        "StageName": "archive",
    },
    "tokens": {
        "Authentication": "oidc",
        "OidcIssuer": "https://login.example.org",
        "OidcAudience": "stowport",
        "RequiredScope": "images/send",
        "ReadScope": "images/read",
        "AllowedOrigins": "https://viewer.example.org",
    },
}

_APART = ("existing", "private", "retrieve")

TOGETHER = {
    parameter: value
    for name, group in GROUPS.items()
    if name not in _APART
    for parameter, value in group.items()
}
"""All but the groups that exclude another (a private API) or replace what is tried (existing)."""
