"""Storage commitment (PS3.18 13): one function answers requests, another what takes longer."""
