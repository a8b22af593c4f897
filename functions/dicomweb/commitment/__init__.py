"""What the standard says about storage commitment over the web (PS3.18 13, Annex J)."""
