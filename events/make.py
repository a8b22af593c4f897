"""``python -m events.make``: write the events, each to ``<function>/<name>.json`` here.

They are committed, because ``sam local invoke`` reads files; a test holds the files to this.
"""

import json
from pathlib import Path

from events.instances import BOUNDARY, ROOT, ct, metadata, multipart, study_instance_uid
from events.proxy import (
    Event,
    announcement_event,
    authorizer_event,
    options_event,
    retrieve_event,
    staged_event,
    store_event,
    upload_event,
)

DIRECTORY = Path(__file__).parent

_DICOM = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
_METADATA = f'multipart/related; type="application/dicom+json"; boundary={BOUNDARY}'
_GARBAGE = b"this is not a DICOM file"
_GZIP = bytes.fromhex("1f8b080000000000000303000000000000000000")  # of nothing
_TOO_MANY_PARTS = 4001
_PREFLIGHT = {
    "Origin": "https://viewer.example.org",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


def store_events() -> dict[str, Event]:
    """Return the events of the store function by name; the comments say what answers them."""
    one, two = multipart(ct()), multipart(ct(), ct(number=2))
    ten = multipart(*(ct(study=2, series=1 + n // 5, number=n) for n in range(10)))
    return {
        # 200
        "one-ct": store_event(one, _DICOM),
        "ten-instances": store_event(ten, _DICOM),
        "to-study": store_event(two, _DICOM, study=study_instance_uid(1)),
        "two-studies": store_event(multipart(ct(), ct(study=2)), _DICOM),
        "single-part": store_event(ct(), "application/dicom"),
        "metadata": store_event(metadata(), _METADATA),
        # 202: the second part is unreadable
        "mixed": store_event(multipart(ct(), _GARBAGE), _DICOM),
        # 409: C409, and 0111 once one-ct is stored
        "wrong-study": store_event(one, _DICOM, study=study_instance_uid(99)),
        "other-bytes": store_event(multipart(ct(window_center=41)), _DICOM),
        # 400
        "unreadable": store_event(multipart(_GARBAGE, _GARBAGE), _DICOM),
        **_malformed(),
    }


def _malformed() -> dict[str, Event]:
    """Return requests that are refused as a whole: 400, and nothing is read further."""
    one = multipart(ct())
    too_many = b"--b\r\n\r\n\r\n" * _TOO_MANY_PARTS + b"--b--\r\n"
    return {
        "no-content-type": store_event(b"plain text, no instance"),
        "empty": store_event(content_type=_DICOM),
        "cut-off": store_event(one[:-30], _DICOM),
        "form-data": store_event(one, f"multipart/form-data; boundary={BOUNDARY}"),
        "gzip": store_event(_GZIP, _DICOM, headers={"Content-Encoding": "gzip"}),
        "not-a-uid": store_event(one, _DICOM, study="1.02.3"),
        "too-many-parts": store_event(too_many, "multipart/related; boundary=b"),
    }


def capabilities_events() -> dict[str, Event]:
    """Return the events of the capabilities function by name; all are answered 200."""
    return {
        "base": options_event("/"),
        "preflight": options_event("/studies", _PREFLIGHT),
        "preflight-of-upload": options_event("/uploads", _PREFLIGHT),
    }


def retrieve_events() -> dict[str, Event]:
    """Return the events of the retrieve function by name."""
    uids = (study_instance_uid(1), f"{ROOT}.2.1.1", f"{ROOT}.3.1.1.1")
    return {
        "instance": retrieve_event(*uids, headers={"Accept": "application/dicom"}),
        "instances-of-study": retrieve_event(
            uids[0], below="/instances", headers={"Accept": "application/dicom+json"}
        ),
    }


def authorizer_events() -> dict[str, Event]:
    """Return the events of the authorizer by name; with Authentication=oidc both are 401."""
    bad = {"Authorization": "Bearer e30.e30.bm90LXNpZ25lZA"}
    return {"no-token": authorizer_event(), "bad-token": authorizer_event(bad)}


def uploads_events() -> dict[str, Event]:
    """Return the events of the uploads function by name; the comments say what answers them."""
    announced = {"contentType": _DICOM, "size": 200_000_000}
    return {
        # 200
        "announce": announcement_event(announced),
        "announce-parts": announcement_event({**announced, "size": 6_000_000_000}),
        "announce-to-study": announcement_event(
            {**announced, "studyInstanceUID": study_instance_uid(1)}
        ),
        # 400
        "announce-nothing": announcement_event("{}"),
        "announce-too-much": announcement_event({**announced, "size": 11_000_000_000}),
        "unknown": upload_event("0" * 32),
    }


def ingest_events() -> dict[str, Event]:
    """Return the events of the ingest function by name: a body of an upload that is unknown."""
    etag = "5d41402abc4b2a76b9719d911017c592"
    staged = {"key": f"staging/{'0' * 32}", "size": 5, "etag": etag}
    return {"unknown": staged_event("archive", staged)}


def files() -> dict[Path, str]:
    """Return the text of every event by the file it belongs in."""
    functions = {
        "store": store_events(),
        "capabilities": capabilities_events(),
        "retrieve": retrieve_events(),
        "authorizer": authorizer_events(),
        "uploads": uploads_events(),
        "ingest": ingest_events(),
    }
    return {
        DIRECTORY / function / f"{name}.json": json.dumps(event, indent=2) + "\n"
        for function, events in functions.items()
        for name, event in events.items()
    }


def main() -> None:
    """Write the events."""
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
