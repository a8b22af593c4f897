"""Make the index again from the bucket, on a machine of the operator: ``python -m rebuild``."""
