"""The Lambda that tells others what was stored: the index table's stream in, events out."""
