"""What is asked of stored instances, and how they are returned (PS3.18 10.4, 10.6)."""
