"""The answer to a request (PS3.18 10.5.3, Annex I)."""
