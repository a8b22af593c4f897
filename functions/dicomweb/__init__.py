"""What the DICOM standard says about the studies service of the web (PS3.18 Sections 10.4 to 10.6).

Pure: bytes and values in, values out. Nothing here depends on AWS, the environment, the clock,
randomness or a log, so every module can be used, tested and fuzzed as a library.

pydicom imports Pillow, if it is installed, for its own decoders. Most requests need pydicom but
few need Pillow, so pydicom is imported as if Pillow were not installed, by whichever module needs
it first. Its warnings are ignored: what it warns of, in data that others made, is tested for or
does not matter.
"""

import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType


class _PydicomWithoutPillow(MetaPathFinder, Loader):
    """Finds pydicom where it is, and hides Pillow while it is imported."""

    spec: ModuleSpec
    loader: Loader

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return pydicom's own spec, but for the loader; None for any other module."""
        del path, target
        if fullname != "pydicom":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec and spec.loader:
            self.spec = spec
            self.loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Make the module as its own loader does."""
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Import it while Pillow is marked as absent, unless Pillow was imported before."""
        module.__loader__ = self.spec.loader = self.loader
        if "PIL" in sys.modules:
            self.loader.exec_module(module)
            return
        sys.modules["PIL"] = None  # type: ignore[assignment] # how Python marks an absent module
        try:
            self.loader.exec_module(module)
        finally:
            del sys.modules["PIL"]


if "pydicom" not in sys.modules:
    sys.meta_path.insert(0, _PydicomWithoutPillow())

# Once, for the whole process: to change the filters for a moment (``warnings.catch_warnings``)
# changes them for all threads, and may leave them changed.
warnings.filterwarnings("ignore", category=UserWarning, module="pydicom")
