"""The Lambda that stores the bodies that were put into S3 (see the uploads function)."""
