"""What the DICOM standard says of the STOW-RS store transaction (PS3.18 Section 10.5).

Pure: bytes and values in, values out. Nothing here knows AWS, the environment, the clock,
randomness or a log, so every module can be used, tested and fuzzed as a library.

pydicom imports Pillow, for decoders of its own, wherever it finds it. Few requests need Pillow
and all need pydicom, so pydicom is imported here as if there were none.
"""

import sys

if "PIL" not in sys.modules:
    sys.modules["PIL"] = None  # type: ignore[assignment] # how Python says that there is none
    try:
        import pydicom  # noqa: F401 # imported for its effect
    finally:
        del sys.modules["PIL"]
