"""The command ``stowport smoke``: make the checks, and print a line for each."""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import TextIO

from stowport.credentials import NoToken
from stowport.identifying import has_token
from stowport.reaching import transport_to
from stowport.smoke.checks import CHECKS, Check
from stowport.smoke.instances import PATIENT_ID, Study
from stowport.smoke.target import Failed, LeftOut, Target
from stowport.tls import Unsuitable
from stowport.transport import Unreachable

PASSED, FAILED, LEFT_OUT = "pass", "FAIL", "left out"

_ONLY_AWS = "only AWS can show it"


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found, in words."""

    check: str
    result: str
    found: str
    milliseconds: int


def run(chosen: argparse.Namespace) -> int:
    """Make all checks; return 0 if none failed, 1 if one did, 2 if the options cannot be used."""
    try:
        # Only a burst sends more than one request at a time.
        transport = transport_to(chosen, max(chosen.burst, 1), tries=1)
    except Unsuitable as error:
        sys.stderr.write(f"stowport: {error}\n")
        return 2
    target = Target(
        url=chosen.url,
        transport=transport,
        study=Study.new(),
        has_token=has_token(chosen),
        other_token=chosen.other_token,
        origin=chosen.origin,
        upload=chosen.upload,
        burst=chosen.burst,
        emulator=chosen.emulator,
    )
    results = []
    for check in CHECKS:
        results.append(_made(check, target))
        if not chosen.json:
            _show(results[-1], sys.stdout)
    failed = sum(result.result == FAILED for result in results)
    if chosen.json:
        sys.stdout.write(_as_json(target, results) + "\n")
    else:
        _show_end(target, results, sys.stdout)
    return int(failed > 0)


def _made(check: Check, target: Target) -> Result:
    started = time.monotonic()
    result, found = _outcome(check, target)
    return Result(check.name, result, found, round((time.monotonic() - started) * 1000))


def _outcome(check: Check, target: Target) -> tuple[str, str]:
    if check.only_aws and target.emulator:
        return LEFT_OUT, _ONLY_AWS
    try:
        return PASSED, check.run(target)
    except LeftOut as reason:
        return LEFT_OUT, str(reason)
    except (Failed, NoToken, Unreachable) as error:
        return FAILED, str(error)


def _show(result: Result, stream: TextIO) -> None:
    found = f": {result.found}" if result.found else ""
    stream.write(f"{result.result:8}  {result.check}{found} ({result.milliseconds} ms)\n")
    stream.flush()


def _show_end(target: Target, results: list[Result], stream: TextIO) -> None:
    counts = ", ".join(
        f"{sum(each.result == result for each in results)} {result}"
        for result in (PASSED, FAILED, LEFT_OUT)
    )
    stream.write(
        f"\n{counts}\nThe instances that were stored are synthetic. They are in the study"
        f" {target.study.instance_uid}, PatientID {PATIENT_ID};\ndocs/smoke.md says how to delete"
        " them. They may also stay.\n"
    )


def _as_json(target: Target, results: list[Result]) -> str:
    return json.dumps(
        {
            "url": target.url,
            "studyInstanceUID": target.study.instance_uid,
            "failed": sum(result.result == FAILED for result in results),
            "checks": [asdict(result) for result in results],
        },
        indent=2,
    )
