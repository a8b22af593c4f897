"""The retrieve function: returns what is stored (PS3.18 10.4), and lists it (PS3.18 10.6)."""
