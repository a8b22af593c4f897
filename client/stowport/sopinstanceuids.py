"""The SOP Instance UIDs that an answer may name a file by: File Meta Information and data set.

The two should be equal (PS3.10 7.1), but not always are. Only the head of a file is read.
"""

import zlib
from collections.abc import Iterator

from dicomweb.conformance import is_deflated, is_implicit_vr
from dicomweb.errors import InstanceRejected
from dicomweb.part10.file import FileMeta, read_file_meta, uid_text
from dicomweb.part10.headers import Headers

HEAD = 64 * 1024
"""Bytes of a file in which File Meta Information and SOP Instance UID are looked for."""

_SOP_INSTANCE_UID = 0x00080018


def sop_instance_uids(head: memoryview) -> frozenset[str]:
    """Return every UID that may name the file that begins with ``head``.

    Empty if it is not certain what they are: a more lenient server might then name the file by
    the UID of another file.
    """
    try:
        meta = read_file_meta(head)
        data_set = _data_set(head, meta)
        found = [*_in_data_set(data_set, implicit_vr=is_implicit_vr(meta.transfer_syntax_uid))]
    except (InstanceRejected, zlib.error):
        return frozenset()
    uids = frozenset([*found, meta.media_storage_sop_instance_uid or found[0]] if found else ())
    return uids if all(map(_is_one, uids)) else frozenset()


def _data_set(head: memoryview, meta: FileMeta) -> memoryview:
    data_set = head[meta.data_set_offset :]
    if not is_deflated(meta.transfer_syntax_uid):
        return data_set
    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    return memoryview(inflater.decompress(data_set, HEAD))


def _in_data_set(data_set: memoryview, *, implicit_vr: bool) -> Iterator[str]:
    """Yield SOP Instance UIDs; raise InstanceRejected if ``data_set`` ends before a later tag."""
    headers = Headers(data_set)
    position, end = 0, len(data_set)
    while True:
        tag, _, length, value = headers.header(position, end, implicit_vr=implicit_vr)
        if tag > _SOP_INSTANCE_UID:
            return
        position = value + length
        if position > end:
            raise headers.refusal(value, "the value goes beyond what was read")
        if tag == _SOP_INSTANCE_UID:
            yield uid_text(data_set[value:position])


def _is_one(uid: str) -> bool:
    return bool(uid) and uid.isprintable() and "\\" not in uid
