"""What the DICOM standard says of the STOW-RS store transaction (PS3.18 Section 10.5).

Pure: bytes and values in, values out. Nothing here knows AWS, the environment, the clock,
randomness or a log, so every module can be used, tested and fuzzed as a library.
"""
