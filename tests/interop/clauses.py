"""The clause on which the refusal of an instance rests: every refusal needs one."""

import re

from dicomweb.outcomes import Failed

_CLAUSES = (
    ("C000", r"no DICM prefix", "PS3.10 7.1"),
    ("C000", r"no Transfer Syntax UID", "PS3.10 7.1"),
    ("C122", r"found 1\.2\.840\.10008\.1\.2\.2 ", "PS3.18 8.7.3"),
    ("C122", r"as transfer syntax", "PS3.18 10.5.5 and Table I.2-2"),
    ("0122", r"found 1\.2\.840\.10008\.1\.3\.10 ", "PS3.3 Annex F: a directory is not an instance"),
    ("0122", r"as SOP class", "PS3.18 10.5.5 and Table I.2-2"),
    ("012[01]", r"SOP (Class|Instance) UID", "PS3.3 C.12.1, Type 1"),
    ("012[01]", r"Study Instance UID", "PS3.3 C.7.2.1, Type 1"),
    ("012[01]", r"Series Instance UID", "PS3.3 C.7.3.1, Type 1"),
    ("0117", r"is not a UID", "PS3.5 9.1"),
    ("A900", r"in the File Meta Information", "PS3.10 7.1"),
    ("C000", r"twice", "PS3.5 7.1"),
    ("C000", r"declares \d+ bytes, \d+ are left", "PS3.5 7.1"),
    ("C000", r"two capital letters", "PS3.5 7.1.2"),
    ("C000", r"sequence or item (that )?does not end", "PS3.5 7.5"),
    ("C000", r"no pixel data", "PS3.3 C.7.6.3"),
    ("C000", r"fragments of pixel data", "PS3.5 A.4"),
    ("C000", r"(native|encapsulated) pixel data", "PS3.5 A.4"),
    ("C000", r"bytes of pixel data", "PS3.5 8.1"),
)


_NON_PATIENT = {
    "1.2.840.10008.5.1.4.38.1",
    "1.2.840.10008.5.1.4.39.1",
    "1.2.840.10008.5.1.4.43.1",
    "1.2.840.10008.5.1.4.44.1",
    "1.2.840.10008.5.1.4.45.1",
}
"""Hanging protocols, colour palettes and implant templates, which belong to no study."""


def clause_of(failure: Failed) -> str:
    """Return the clause; AssertionError if there is none, which is a defect of ours."""
    reason = f"{failure.reason:04X}"
    if reason == "0120" and failure.reference and failure.reference.sop_class_uid in _NON_PATIENT:
        return "PS3.18 Section 12: instances that belong to no study have a separate service"
    for of_reason, found, clause in _CLAUSES:
        if re.fullmatch(of_reason, reason) and re.search(found, failure.text):
            return clause
    raise AssertionError(f"no clause is known for {reason}: {failure.text}")
