"""Make instances from metadata and bulk data (PS3.18 10.5.1.4); imported with the first ones."""
