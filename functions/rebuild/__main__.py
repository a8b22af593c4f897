"""``python -m rebuild --bucket NAME --table NAME``: make the index again from the bucket.

Prints a line for each study, with its UID, and for each object that gets no item, with the reason.
What is there is not written again, so it may be run as often as one likes.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from archive.archive import Archive
from archive.entries import DuplicatePolicy
from archive.errors import CALL_FAILED, archive_error
from archive.items import Provenance, Way
from archive.staging import Staging
from archive.stored import StoredObjects
from rebuild.studies import Interrupted, Studies

FAILED, INTERRUPTED = 1, 2

OPERATOR = "operator"
"""The principal of what the command makes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if every instance has its item, 1 if some do not, 2 if it has to be continued."""
    chosen = _parser().parse_args(arguments)
    policy = DuplicatePolicy(chosen.duplicate_policy)
    objects = StoredObjects(chosen.bucket)
    archive = Archive(
        bucket=chosen.bucket, table=chosen.table, duplicate_policy=policy, stored=objects
    )
    run = datetime.now(UTC).isoformat(timespec="seconds")
    studies = Studies(
        archive=archive,
        reader=Staging(chosen.bucket),
        duplicate_policy=policy,
        provenance=Provenance(Way.REBUILD, run, OPERATOR),
    )
    done, refused = chosen.after, 0
    try:
        for study in objects.studies(chosen.after):
            uid = study[0].study_instance_uid
            remade = studies.remake(study)
            for key, reason in remade.refused.items():
                _print(f"{key}: {reason}")
            _print(f"{uid}: {remade.kept} instances, {remade.others} other objects of them")
            done, refused = uid, refused + len(remade.refused)
    except (Interrupted, *CALL_FAILED) as error:
        if not (isinstance(error, Interrupted) or archive_error(error).temporary):
            raise
        continued = f"continue later with --after {done}" if done else "begin again later"
        _print(f"S3 or DynamoDB does not answer; {continued}")
        return INTERRUPTED
    return FAILED if refused else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rebuild", description="Make the index again from the bucket."
    )
    parser.add_argument("--bucket", required=True, help="the archive's bucket")
    parser.add_argument("--table", required=True, help="the table that gets the items")
    parser.add_argument(
        "--duplicate-policy",
        choices=[each.value for each in DuplicatePolicy],
        default=DuplicatePolicy.REJECT.value,
        help="as deployed: with replace, the newest object of an instance is the current one",
    )
    parser.add_argument("--after", default="", help="continue after the study with this UID")
    return parser


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
