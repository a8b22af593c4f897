"""What a request is answered (PS3.18 10.5.3, Annex I)."""
