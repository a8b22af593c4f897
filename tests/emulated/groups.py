"""The optional parameters of the template, in groups that are deployed together."""

GROUPS = {
    "alarms": {"AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms"},
    "concurrency": {"MaxSimultaneousRequests": "5", "IngestConcurrency": "reserved"},
    "key": {"KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd"},
    "lock": {"ObjectLockMode": "GOVERNANCE", "ObjectLockDays": "1"},
    "storage": {"TransitionStorageClass": "STANDARD_IA", "BackupTag": "backup=daily"},
    "tokens": {
        "Authentication": "oidc",
        "OidcIssuer": "https://login.example.org",
        "OidcAudience": "stowport",
        "AllowedOrigins": "https://viewer.example.org",
    },
}
