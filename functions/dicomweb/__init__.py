"""What the DICOM standard says about the STOW-RS store transaction (PS3.18 Section 10.5).

Pure: bytes and values in, values out. Nothing here depends on AWS, the environment, the clock,
randomness or a log, so every module can be used, tested and fuzzed as a library.

pydicom imports Pillow, if it is installed, for its own decoders. All requests need pydicom but
few need Pillow, so pydicom is imported here as if Pillow were not installed. Its warnings are
ignored: what it warns of, in data that others made, is tested for or does not matter.
"""

import sys
import warnings

if "PIL" not in sys.modules:
    sys.modules["PIL"] = None  # type: ignore[assignment] # how Python marks an absent module
    try:
        import pydicom  # noqa: F401 # imported for its effect
    finally:
        del sys.modules["PIL"]

# Once, for the whole process: to change the filters for a moment (``warnings.catch_warnings``)
# changes them for all threads, and may leave them changed.
warnings.filterwarnings("ignore", category=UserWarning, module="pydicom")
