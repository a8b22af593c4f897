"""Make instances of metadata and bulk data (PS3.18 10.5.1.4); imported when the first comes."""
