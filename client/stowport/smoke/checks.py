"""All checks, in the order in which they are made."""

from collections.abc import Callable
from dataclasses import dataclass

from stowport.smoke import (
    committing,
    describing,
    overloading,
    refusing,
    retrieving,
    storing,
    uploading,
)
from stowport.smoke.storing import JSON, XML
from stowport.smoke.target import Target

_RELATED = 'multipart/related; type="application/dicom"'


@dataclass(frozen=True, slots=True)
class Check:
    """A check: ``run`` returns what is worth saying, or raises Failed or LeftOut.

    ``only_aws`` says that an emulator does not have what is checked.
    """

    name: str
    run: Callable[[Target], str]
    only_aws: bool = False


CHECKS = (
    Check("OPTIONS / is described in WADL", describing.describes("/", "", "<")),
    Check("OPTIONS /studies in JSON", describing.describes("/studies", "application/json", "{")),
    Check("a preflight of an allowed origin", describing.answers_preflights),
    Check("a preflight of another origin", describing.refuses_strangers),
    Check("an instance is stored", storing.stores),
    Check("the same bytes again are 200", storing.stores_again),
    Check(
        "other bytes under stored UIDs follow DuplicatePolicy", storing.decides_about_other_bytes
    ),
    Check("ten instances in one request are stored", storing.stores_ten),
    Check("application/dicom as the whole body is stored", storing.stores_single_part),
    Check("metadata with bulk data is stored", storing.stores_metadata),
    Check("the study in the URL is enforced", storing.stores_into_a_study),
    Check("one bad part leaves its neighbour: 202 with Warning", storing.stores_beside_a_failure),
    Check("Multipart/Related in capitals", storing.takes_capitals),
    Check("the answer for no Accept is XML", storing.answers_in(XML, "")),
    Check("the answer for Accept: */* is XML", storing.answers_in(XML, "*/*")),
    Check("the answer for Accept: dicom+xml is XML", storing.answers_in(XML, XML)),
    Check("the answer for Accept: dicom+json is JSON", storing.answers_in(JSON, JSON)),
    Check(
        "the answer for ?accept=dicom+json is JSON",
        storing.answers_in(JSON, "", f"?accept={JSON.replace('+', '%2B')}"),
    ),
    Check("the answer for Accept: image/png is XML", storing.answers_in(XML, "image/png")),
    Check("the answer can be read by a page of an allowed origin", storing.shows_origins),
    Check("an instance is retrieved byte for byte, from S3", retrieving.redirects_to_the_bytes),
    Check("an instance is retrieved in a multipart body", retrieving.wraps_the_bytes),
    Check("the instances of the study are listed", retrieving.lists_instances),
    Check("an unknown instance is 404", retrieving.knows_no_others),
    Check("an empty body is 400", refusing.refuses_body(f"{_RELATED}; boundary=b", b"")),
    Check("multipart without boundary is 400", refusing.refuses_body(_RELATED, b"--b--")),
    Check("a body that is cut off is 400", refusing.refuses_a_cut_off_body),
    Check("text/plain is 400", refusing.refuses_body("text/plain", b"text")),
    Check("a compressed body is 400", refusing.refuses_gzip),
    Check("a study that is not a UID is 400", refusing.refuses_a_bad_study),
    Check("no token is 401", refusing.refuses_no_token),
    Check("a bad token is 401", refusing.refuses_a_bad_token),
    Check("a token without the scope is 403", refusing.refuses_other_scopes),
    Check("GET /nowhere is 403", refusing.refuses_route("GET", "/nowhere")),
    Check("PUT /studies is 403", refusing.refuses_route("PUT", "/studies")),
    Check("DELETE /studies/1.2 is 403", refusing.refuses_route("DELETE", "/studies/1.2")),
    Check("HEAD /studies is 403", refusing.refuses_route("HEAD", "/studies")),
    Check("5.5 MB in a POST is 400", refusing.refuses_more_than_lambda_takes),
    Check("11 MB in a POST is 413 of AWS, or 400", refusing.refuses_more_than_the_gateway_takes),
    Check("a URL of 2,000 characters is refused", refusing.refuses_a_long_url, only_aws=True),
    Check("12 KB of header fields are refused", refusing.refuses_large_headers, only_aws=True),
    Check("an upload is stored", uploading.uploads),
    Check("another body than was announced is refused by S3", uploading.refuses_other_bodies),
    Check("an announced body is put once", uploading.takes_one_body),
    Check("an unknown upload is 400", uploading.refuses_unknown_uploads),
    Check("an announcement of nothing is 400", uploading.refuses_announcements),
    Check("a stored instance is committed, an unknown one is 0112", committing.commits),
    Check("a Transaction UID that is in use is 409", committing.refuses_other_requests),
    Check("an unknown request for commitment is 404", committing.knows_no_others),
    Check("too many requests at once are 503", overloading.throttles),
)
