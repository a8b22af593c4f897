"""Audit messages of PS3.15 A.5: who stored, retrieved or was refused what."""
