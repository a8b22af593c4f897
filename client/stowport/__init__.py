"""Send DICOM instances of any size by STOW-RS (PS3.18 10.5), or relay what others send.

``send`` and ``relay`` share everything below the command line: parts are packed into requests
that fit, or go through the service's ``/uploads``, and one verdict comes back for each part.
"""

__version__ = "0.1.0"
