"""Zip files: what is found in them is sent, or named, and no zip file makes the sender unfold."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stowport.archives import Member
from stowport.bodies import BLOCK, ContentUnreadable
from tests.builders import data_set, instance, part10
from tests.client.searching import searched, write_directory

IMAGE = instance(1)


def zipped(
    path: Path, members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED
) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_members_of_a_zip_file_are_found(tmp_path: Path, compression: int) -> None:
    (tmp_path / "in").mkdir()
    path = zipped(
        tmp_path / "in" / "a.zip",
        {"CD/": b"", "CD/IM1": IMAGE, "CD/IM2": instance(2), "notes": b"x"},
        compression,
    )
    for paths in ([path], [tmp_path / "in"]):
        search = searched(paths)
        assert search.found == [path / "CD" / "IM1", path / "CD" / "IM2"]
        assert search.contents == [IMAGE, instance(2)]
        assert search.skipped == [path / "notes"]
        assert search.missing == {}


def test_a_part_10_file_whose_preamble_begins_like_a_zip_file_is_an_instance(
    tmp_path: Path,
) -> None:
    content = b"PK\3\4" + IMAGE[4:]
    path = tmp_path / "a.dcm"
    path.write_bytes(content)
    assert searched([path]).contents == [content]


def test_two_members_with_one_name_are_two_files(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("IM1", IMAGE)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("IM1", instance(2))
    assert searched([path]).contents == [IMAGE, instance(2)]


def test_a_zip_file_without_instances_is_skipped_in_a_folder_and_missing_if_it_is_named(
    tmp_path: Path,
) -> None:
    path = zipped(tmp_path / "a.zip", {"a": b"1", "b": b"2", "c": b""})
    assert searched([tmp_path]).skipped == [path]
    assert searched([tmp_path]).missing == {}
    assert "without instances" in searched([path]).missing[path]
    search = searched([tmp_path, path])
    assert (list(search.missing), search.skipped) == ([path], [])


def test_a_document_of_an_office_program_is_no_zip_file_of_instances(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "x", {"a": b"1"}).read_bytes()
    path = zipped(
        tmp_path / "a.docx", {"[Content_Types].xml": b"<Types/>", "word/embedded.xlsx": inner}
    )
    (tmp_path / "x").unlink()
    search = searched([tmp_path])
    assert (search.skipped, search.missing) == ([path], {})


def test_a_zip_file_in_a_zip_file_is_named_and_not_read(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "b.zip", {"IM1": IMAGE}).read_bytes()
    path = zipped(tmp_path / "a.zip", {"IM1": IMAGE, "inner": inner})
    search = searched([path])
    assert search.found == [path / "IM1"]
    assert "a zip file in a zip file" in search.missing[path / "inner"]


def flagged(path: Path, change: Callable[[zipfile.ZipInfo], None]) -> Path:
    """Write what zipfile cannot write: a directory that says something else of its members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("IM1", IMAGE)
        archive.writestr("IM2", instance(2))
        change(archive.infolist()[0])
    return path


def encrypt(member: zipfile.ZipInfo) -> None:
    member.flag_bits |= 1


def misname(member: zipfile.ZipInfo) -> None:
    member.CRC ^= 1


def lengthen(member: zipfile.ZipInfo) -> None:
    member.file_size += 10


def overlap(member: zipfile.ZipInfo) -> None:
    member.compress_size += 100_000


def rename(member: zipfile.ZipInfo) -> None:
    member.filename = "IM9"


@pytest.mark.parametrize(
    ("change", "name", "text"),
    [
        (encrypt, "IM1", "found an encrypted member"),
        (misname, "IM1", "Bad CRC-32"),
        (lengthen, "IM1", "shorter"),
        (rename, "IM9", "File name in directory"),
    ],
)
def test_a_member_that_cannot_be_read_is_missing_and_the_others_are_found(
    tmp_path: Path, change: Callable[[zipfile.ZipInfo], None], name: str, text: str
) -> None:
    path = flagged(tmp_path / "a.zip", change)
    search = searched([path])
    assert search.found == [path / "IM2"]
    assert text in search.missing[path / name]


def test_a_member_that_is_compressed_in_another_way_is_missing(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"IM1": IMAGE}, zipfile.ZIP_BZIP2)
    assert "expected deflate" in searched([path]).missing[path / "IM1"]


def test_members_that_overlap_are_not_read(tmp_path: Path) -> None:
    path = flagged(tmp_path / "a.zip", overlap)
    assert searched([path]).missing == {
        path: "the zip file cannot be read: its members overlap",
    }


def test_a_directory_that_takes_too_much_memory_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stowport.archives._MOST_OF_DIRECTORY", 100)
    path = zipped(tmp_path / "a.zip", {f"IM{number}": b"" for number in range(10)})
    assert "its directory has" in searched([path]).missing[path]


@pytest.mark.parametrize("size", [10, 60, 300])
def test_a_zip_file_that_was_cut_off_is_missing(tmp_path: Path, size: int) -> None:
    path = zipped(tmp_path / "a.zip", {"IM1": IMAGE})
    path.write_bytes(path.read_bytes()[:size])
    assert searched([tmp_path]).missing[path].startswith("the zip file cannot be read: ")


def test_a_dicomdir_in_a_zip_file_is_skipped_and_its_files_are_found(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "cd", ("IM1",)).read_bytes()
    path = zipped(tmp_path / "a.zip", {"DICOMDIR": directory, "IM1": IMAGE})
    search = searched([path])
    assert (search.found, search.skipped) == ([path / "IM1"], [path / "DICOMDIR"])


def test_a_member_is_read_in_any_order_and_no_longer_once_its_zip_file_was_changed(
    tmp_path: Path,
) -> None:
    content = part10(data_set(1, PixelData=bytes(range(256)) * 8192, Rows=1024, Columns=1024))
    path = zipped(tmp_path / "a.zip", {"IM1": content})
    modified = path.stat().st_mtime_ns
    member = Member(path, 0, len(content), modified)
    for offset, size in ((0, 10), (BLOCK, 20), (5, 7), (0, len(content)), (len(content) - 3, 3)):
        assert member.read(offset, size) == content[offset : offset + size]
    zipped(path, {"IM1": IMAGE})
    with pytest.raises(ContentUnreadable, match="changed"):
        Member(path, 0, len(content), modified).read(0, 10)
    path.unlink()
    with pytest.raises(ContentUnreadable, match="No such file"):
        Member(path, 0, len(content), modified).read(0, 10)
