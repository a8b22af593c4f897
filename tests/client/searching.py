"""Files for the tests of what is found, and a search of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from stowport.finding import MEDIA_STORAGE_DIRECTORY, find
from stowport.ledger import Ledger, State
from stowport.packing import LIMIT
from tests.builders import instance


def write(path: Path, content: bytes | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(instance(1) if content is None else content)
    return path


def write_directory(folder: Path, *file_ids: Sequence[str]) -> Path:
    """Write a DICOMDIR that names ``file_ids``, whether they may be named or not."""
    directory = Dataset()
    directory.DirectoryRecordSequence = []
    for components in (None, *file_ids):
        record = Dataset()
        record.DirectoryRecordType = "IMAGE" if components else "PATIENT"
        if components:
            record.add_new(0x00041500, "UC", list(components))
        directory.DirectoryRecordSequence.append(record)
    directory.file_meta = FileMetaDataset()
    directory.file_meta.MediaStorageSOPClassUID = UID(MEDIA_STORAGE_DIRECTORY)
    directory.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    folder.mkdir(parents=True, exist_ok=True)
    directory.save_as(folder / "DICOMDIR", enforce_file_format=True)
    return folder / "DICOMDIR"


@dataclass(frozen=True)
class Search:
    found: list[Path]
    missing: dict[Path, str]
    skipped: list[Path]
    contents: list[bytes]


def searched(paths: Sequence[Path], *, follow_links: bool = False) -> Search:
    ledger = Ledger()
    find(paths, ledger, follow_links=follow_links)
    refused = list(ledger.entries(State.REFUSED))
    search = Search(
        found=[Path(each.path) for each in ledger.entries(State.OUTSTANDING)],
        missing={Path(each.path): each.text for each in refused},
        skipped=[Path(each.path) for each in ledger.entries(State.SKIPPED)],
        contents=[
            bytes(found.part.content.read(0, found.size))
            for wave in ledger.waves()
            for found in ledger.outstanding(wave, LIMIT)
        ],
    )
    assert len(search.missing) == len(refused)
    ledger.close()
    return search
