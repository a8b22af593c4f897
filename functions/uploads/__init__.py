"""The Lambda behind /uploads: where a body that is too large for a POST goes, and its answer."""
