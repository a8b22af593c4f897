"""What a million instances cost: prices, and what was measured."""

from typing import Any

from tests.bench.instances import CASES
from tests.bench.latencies import AT_ONCE, LATENCIES

MEMORY_MIB = (512, 1024, 1769, 3008)

_WHOLE_PROCESSOR_MIB = 1769
_GB_SECOND, _INVOCATION, _API_REQUEST = 0.0000133334, 0.20e-6, 3.50e-6
_PUT, _WRITE_UNIT, _READ_UNIT = 5e-6, 0.625e-6, 0.125e-6
"""US dollars in us-east-1, arm64, on demand, as of November 2026."""

SECONDS = {operation: latency.median for operation, latency in LATENCIES.items()}
"""What AWS takes to answer, assumed: where calls were counted, the stand-in takes no time."""


def of_cases(servers: dict[str, Any], calls: dict[str, Any]) -> dict[str, Any]:
    """Return for each case the dollars for a million instances, by what they are for."""
    cpu = {
        row["case"]: row["cpu_ms"]["median"] / 1000
        for row in servers["rows"]
        if row["server"] == "stowport" and row["connections"] == 1
    }
    return {case: _of_case(case, cpu[case], calls[case]["first"]) for case in cpu}


def _of_case(case: str, cpu: float, counts: dict[str, int]) -> dict[str, Any]:
    instances = CASES[case].instances
    requests = 1e6 / instances
    lambda_dollars = {}
    for memory in MEMORY_MIB:
        # Below a whole processor the time grows; above it, one thread of Python gains nothing.
        busy = cpu * instances / min(1.0, memory / _WHOLE_PROCESSOR_MIB)
        seconds = busy + waited(counts)
        dollars = seconds * memory / 1024 * _GB_SECOND + _INVOCATION
        lambda_dollars[str(memory)] = {
            "milliseconds": round(seconds * 1000, 1),
            "dollars": round(dollars * requests, 2),
        }
    units = counts["write units"] * _WRITE_UNIT + counts["read units"] * _READ_UNIT
    return {
        "lambda": lambda_dollars,
        "api_gateway": round(_API_REQUEST * requests, 2),
        "s3": round(counts["PutObject"] * _PUT * requests, 2),
        "dynamodb": round(units * requests, 2),
    }


def waited(counts: dict[str, int]) -> float:
    """Return the seconds spent waiting for calls of which some are made at the same time.

    Those are the objects of a request, and the first write, which is of the study and the series.
    """
    objects = -(-counts["PutObject"] // AT_ONCE) * SECONDS["PutObject"]
    shared, *others = [SECONDS["BatchExecuteStatement"]] * counts["BatchExecuteStatement"]
    reads = counts["BatchGetItem"] * SECONDS["BatchGetItem"]
    return reads + max(objects, shared) + sum(others)
