"""The Lambda behind POST /studies and POST /studies/{study} (PS3.18 10.5)."""
