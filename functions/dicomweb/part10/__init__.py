"""Read files of PS3.10 and walk the data sets in them; ``metadata.writer`` writes them."""
