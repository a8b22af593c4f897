"""Tables 1-1 and 1-2 of the statement: SOP classes, and the transfer syntax sets of each profile.

A set is named as the code names it: a group for ``conformance``, an IOD for ``standard``; ``any``
is the set of all, which ``any-storage`` has for every class.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files

from dicomweb.conformance import StorageProfile, takes_sop_class

_PROFILES = tuple(StorageProfile)
_ANY = "any"


def _rows(name: str) -> list[dict[str, str]]:
    text = files("dicomweb").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t"))


SOP_CLASSES = _rows("sop_classes.tsv")
TRANSFER_SYNTAXES = _rows("transfer_syntaxes.tsv")


def set_of(profile: StorageProfile, sop_class: Mapping[str, str]) -> str | None:
    """Return the name of the set that a class has with the profile, None if it is not accepted."""
    if not takes_sop_class(profile, sop_class["uid"]):
        return None
    column = {StorageProfile.CONFORMANCE: "group", StorageProfile.STANDARD: "iod"}.get(profile)
    return sop_class[column] if column else _ANY


def sets() -> dict[str, dict[str, list[str]]]:
    """Return for each profile its sets, by name, with the UIDs of their transfer syntaxes."""
    return {
        profile: {
            name: [row["uid"] for row in TRANSFER_SYNTAXES if _has(profile, row, name)]
            for name in dict.fromkeys(filter(None, (set_of(profile, row) for row in SOP_CLASSES)))
        }
        for profile in _PROFILES
    }


def _has(profile: StorageProfile, syntax: Mapping[str, str], name: str) -> bool:
    column = {StorageProfile.CONFORMANCE: "groups", StorageProfile.STANDARD: "iods"}.get(profile)
    return column is None or name in syntax[column].split(",")


def tables() -> dict[str, str]:
    """Return Table 1-1 and Table 1-2."""
    profiles = [f"`{profile}`" for profile in _PROFILES]
    classes = (
        [row["name"], row["uid"], *(set_of(profile, row) or "-" for profile in _PROFILES)]
        for row in sorted(SOP_CLASSES, key=lambda row: _numbers(row["uid"]))
    )
    syntaxes = (
        [row["uid"], *(row[of].replace(",", ", ") for of in ("groups", "iods")), row["name"]]
        for row in TRANSFER_SYNTAXES
    )
    return {
        "Table 1-1": "\n".join(_table(["SOP class", "SOP Class UID", *profiles], classes)),
        "Table 1-2": "\n".join(_table(["Transfer syntax", "Groups", "IODs", "Name"], syntaxes)),
    }


def _numbers(uid: str) -> list[int]:
    return [int(component) for component in uid.split(".")]


def _table(heading: Sequence[str], rows: Iterable[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heading)} |"
    yield "|" + "---|" * len(heading)
    for row in rows:
        yield f"| {' | '.join(row)} |"
