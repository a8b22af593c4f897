"""The conditions with which the archive writes to DynamoDB, as the stand-in evaluates them."""

import re
from typing import Any

from tests.bench.capacity import Item

_EQUAL = re.compile(r"(#\w+) = (:\w+)")
_ABSENT = re.compile(r"attribute_not_exists\(([^)]+)\)")
_SIZE = re.compile(r"size\((#\w+)\) <= (:\w+)")


def holds(request: dict[str, Any], item: Item) -> bool:
    """Tell whether the condition of a write, if it has one, holds for the ``item`` that is there.

    It is a conjunction of what the archive asks: that an attribute is absent, has a value, or is a
    set that has room or is absent.
    """
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})
    for clause in filter(None, request.get("ConditionExpression", "").split(" AND ")):
        absent, size, equal = (each.search(clause) for each in (_ABSENT, _SIZE, _EQUAL))
        it_holds = absent is not None and names.get(absent[1], absent[1]) not in item
        if size and not it_holds:
            it_holds = len(item[names[size[1]]]["SS"]) <= int(values[size[2]]["N"])
        if equal:
            it_holds = item.get(names[equal[1]]) == values[equal[2]]
        if not it_holds:
            return False
    return True


def refused(present: Item | None) -> tuple[int, object]:
    kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
    return 400, {"__type": kind, "message": "", **({"Item": present} if present else {})}
