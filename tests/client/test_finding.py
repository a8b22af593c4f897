"""What is found in files, folders and file-sets; nothing of them is left out in silence."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from stowport.dicomdir import referenced_files
from tests.builders import instance
from tests.client.searching import searched, write, write_directory

IMAGE = ("PT000000", "ST000000", "IM000000")


def socket_at(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket has about a hundred bytes at most
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path.name)
    os.chdir(here)


@pytest.mark.parametrize("named", [True, False], ids=["named", "in a folder"])
@pytest.mark.parametrize(("what", "make"), [("FIFO", os.mkfifo), ("socket", socket_at)])
def test_what_is_no_file_is_not_opened(
    tmp_path: Path, what: str, make: Callable[[Path], None], *, named: bool
) -> None:
    image, other = write(tmp_path / "a.dcm"), tmp_path / "b"
    make(other)
    search = searched([image, other] if named else [tmp_path])
    assert search.found == [image]
    assert search.missing == {other: f"found a {what}, expected a file"}


def test_a_device_is_not_opened() -> None:
    assert searched([Path("/dev/zero")]).missing == {
        Path("/dev/zero"): "found a device, expected a file"
    }


@pytest.mark.parametrize("target", ["gone", "b"], ids=["leads nowhere", "is its own target"])
def test_a_link_that_leads_nowhere_is_missing(tmp_path: Path, target: str) -> None:
    image = write(tmp_path / "in" / "a.dcm")
    link = tmp_path / "in" / "b"
    link.symlink_to(target)
    for paths in ([tmp_path / "in"], [image, link]):
        search = searched(paths)
        assert search.found == [image]
        assert search.missing[link].startswith("the link leads nowhere: ")


def test_a_link_back_up_is_missing_and_the_rest_is_found_once(tmp_path: Path) -> None:
    image = write(tmp_path / "in" / "a" / "a.dcm")
    link = tmp_path / "in" / "a" / "up"
    link.symlink_to("..")
    search = searched([tmp_path / "in"], follow_links=True)
    assert search.found == [image]
    assert "leads back" in search.missing[link]


def test_links_to_files_and_folders_are_followed_and_each_file_is_found_once(
    tmp_path: Path,
) -> None:
    write(tmp_path / "other" / "a.dcm")
    write(tmp_path / "other" / "b.dcm")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1").symlink_to(tmp_path / "other")
    (folder / "2").symlink_to(tmp_path / "other")
    (folder / "3").symlink_to(tmp_path / "other" / "a.dcm")
    search = searched([folder, folder], follow_links=True)
    assert [path.name for path in search.found] == ["3", "b.dcm"]
    assert search.missing == {}


def test_a_link_to_another_place_is_not_followed_unless_asked_for_and_is_missing(
    tmp_path: Path,
) -> None:
    image = write(tmp_path / "in" / "a.dcm")
    folder, file = tmp_path / "in" / "1", tmp_path / "in" / "2"
    folder.symlink_to(write(tmp_path / "other" / "b.dcm").parent)
    file.symlink_to(write(tmp_path / "other" / "c.dcm"))
    search = searched([tmp_path / "in"])
    assert search.found == [image]
    assert list(search.missing) == [folder, file]
    assert all("--follow-links" in why for why in search.missing.values())


def test_a_link_to_what_is_found_anyway_needs_not_be_followed(tmp_path: Path) -> None:
    image = write(tmp_path / "in" / "2026" / "a.dcm")
    other = write(tmp_path / "other" / "b.dcm")
    (tmp_path / "in" / "latest").symlink_to("2026")
    (tmp_path / "in" / "up").symlink_to("../in")
    (tmp_path / "in" / "b.dcm").symlink_to(other)
    search = searched([tmp_path / "in", other])
    assert search.found == [image, other]
    assert search.missing == {}


def test_a_link_that_is_named_is_followed(tmp_path: Path) -> None:
    image = write(tmp_path / "a" / "a.dcm")
    (tmp_path / "folder").symlink_to("a")
    (tmp_path / "file").symlink_to(image)
    assert searched([tmp_path / "folder"]).found == [tmp_path / "folder" / "a.dcm"]
    assert searched([tmp_path / "file"]).found == [tmp_path / "file"]


def test_a_folder_that_cannot_be_read_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = write(tmp_path / "a.dcm")
    closed = write(tmp_path / "closed" / "b.dcm").parent
    listed = os.listdir

    def listdir(folder: Path) -> list[str]:
        if folder == closed:
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(os, "listdir", listdir)
    search = searched([tmp_path])
    assert search.found == [image]
    assert search.missing == {closed: "the folder cannot be read: Permission denied"}
    assert searched([closed]).missing == search.missing


def test_a_file_that_cannot_be_read_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, closed = write(tmp_path / "a.dcm"), write(tmp_path / "b.dcm")
    opened = Path.open

    def opens(self: Path, mode: str, buffering: int = -1) -> object:
        if self == closed:
            raise PermissionError(13, "Permission denied")
        return opened(self, mode, buffering)

    monkeypatch.setattr(Path, "open", opens)
    search = searched([tmp_path])
    assert search.found == [image]
    assert search.missing == {closed: "the file cannot be read: Permission denied"}


def test_a_file_in_a_folder_that_may_be_listed_and_not_entered_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, closed = write(tmp_path / "a.dcm"), write(tmp_path / "closed" / "b.dcm")
    found_by_system = os.stat

    def stat(path: Path, **options: bool) -> os.stat_result:  # lstat of a Path is this as well
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return found_by_system(path, **options)

    monkeypatch.setattr(os, "stat", stat)
    search = searched([tmp_path])
    assert search.found == [image]
    assert search.missing == {closed: "the file cannot be read: Permission denied"}


def test_a_file_in_a_folder_that_is_also_named_is_no_instance_by_its_name(tmp_path: Path) -> None:
    notes = write(tmp_path / "notes", b"notes")
    assert searched([tmp_path]).skipped == [notes]
    search = searched([tmp_path, notes])
    assert search.skipped == []
    assert "DICM" in search.missing[notes]


def test_a_dicomdir_in_a_folder_says_what_is_not_there(tmp_path: Path) -> None:
    medium = tmp_path / "in" / "medium"
    image = write(medium / "IM1")
    notes = write(medium / "IM2", b"notes")
    write_directory(medium, ("IM1",), ("IM2",), IMAGE)
    search = searched([tmp_path / "in"])
    assert search.found == [image]
    assert search.skipped == []
    assert "DICM" in search.missing[notes]
    assert "it does not exist" in search.missing[medium.joinpath(*IMAGE)]


@pytest.mark.parametrize(
    "name",
    [
        "PT000000/ST000000/IM000000",
        "pt000000/st000000/im000000",
        "pt000000/ST000000/Im000000.;1",
        "PT000000/st000000/IM000000;1",
        "Pt000000/ST000000/IM000000.",
    ],
)
def test_a_file_id_is_matched_without_case_and_version(tmp_path: Path, name: str) -> None:
    image = write(tmp_path / name)
    search = searched([write_directory(tmp_path, IMAGE)])
    assert search.found == [image]
    assert search.missing == {}


def test_a_file_id_is_looked_for_in_every_folder_that_it_may_mean(tmp_path: Path) -> None:
    (tmp_path / "PT000000").mkdir()
    image = write(tmp_path / "pt000000" / "ST000000" / "IM000000")
    write(tmp_path / "pt000000" / "ST000000" / "im000000")
    assert searched([write_directory(tmp_path, IMAGE)]).found == [image]


@pytest.mark.parametrize(
    "file_id",
    [
        ("..", "secret.dcm"),
        ("PT000000", "..", "..", "secret.dcm"),
        ("../secret.dcm",),
        (".", "..", "secret.dcm"),
        ("{top}/secret.dcm",),
        ("", "secret.dcm"),
        ("C:", "secret.dcm"),
        ("a/" * 2000 + "secret.dcm",),
    ],
)
def test_a_dicomdir_names_nothing_outside_its_own_folder(
    tmp_path: Path, file_id: tuple[str, ...]
) -> None:
    write(tmp_path / "secret.dcm")
    (tmp_path / "medium" / "PT000000").mkdir(parents=True)
    components = [each.format(top=tmp_path) for each in file_id]
    search = searched([write_directory(tmp_path / "medium", components)])
    assert search.found == []
    (why,) = search.missing.values()
    assert "a path outside its own folder" in why


def test_a_dicomdir_names_no_link_that_leads_out_of_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "other" / "IM1")
    medium = tmp_path / "medium"
    directory = write_directory(medium, ("IM1",), ("PT1", "IM1"), ("IM2",))
    (medium / "IM1").symlink_to(tmp_path / "other" / "IM1")
    (medium / "PT1").symlink_to(tmp_path / "other")
    (medium / "IM2").symlink_to("IM3")
    write(medium / "IM3", instance(3))
    search = searched([directory])
    assert search.found == [medium / "IM2"]
    assert list(search.missing) == [medium / "IM1", medium / "PT1" / "IM1"]
    assert all("leaves its own folder" in why for why in search.missing.values())


def test_a_file_id_that_no_file_can_have_is_missing(tmp_path: Path) -> None:
    search = searched([write_directory(tmp_path, ("IM\0\x1b1",), ("I" * 300,), ("IM1", "IM2"))])
    assert [path.name for path in search.missing] == ["IM?\x1b1", "I" * 300, "IM2"]


def test_a_folder_that_a_dicomdir_names_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "PT1").mkdir()
    search = searched([write_directory(tmp_path, ("PT1",))])
    assert search.missing == {tmp_path / "PT1": "found a folder, expected a file"}


def test_a_dicomdir_that_names_another_and_itself_stands_for_the_files_of_both(
    tmp_path: Path,
) -> None:
    image = write(tmp_path / "MEDIUM2" / "IM1")
    write_directory(tmp_path / "MEDIUM2", ("IM1",))
    directory = write_directory(tmp_path, ("MEDIUM2", "DICOMDIR"), ("DICOMDIR",))
    search = searched([directory])
    assert search.found == [image]
    assert search.missing == {}


def test_a_dicomdir_that_was_cut_off_stands_for_what_is_left_and_is_missing(tmp_path: Path) -> None:
    image = write(tmp_path / "IM1")
    directory = write_directory(tmp_path, ("IM1",), ("IM2",))
    directory.write_bytes(directory.read_bytes()[:-30])
    for paths in ([tmp_path], [directory]):
        search = searched(paths)
        assert search.found == [image]
        assert search.missing[directory].startswith("the DICOMDIR cannot be read: the data set ")


def test_a_large_folder_of_a_medium_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"IM{number:06}" for number in range(50)]
    for name in names:
        write(tmp_path / name.lower(), b"")
    directory = write_directory(tmp_path, *((name,) for name in names))
    read: list[Path] = []
    listed = Path.iterdir

    def iterdir(self: Path) -> object:
        read.append(self)
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert len(list(referenced_files(directory))) == 50
    assert read == [tmp_path]
