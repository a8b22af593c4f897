"""Where each limit binds, by formula: what the simulation is held against."""

from collections.abc import Mapping

from tests.bench.scale.parameters import Limits, Workload


def capacities(workload: Workload, limits: Limits) -> Mapping[str, float]:
    """Return how many instances a second each limit lets through, if it were the only one.

    Durations are medians. The least of these binds first.
    """
    count = workload.instances
    store = max(1 / limits.environment_rate, function_seconds(workload, limits))
    authorizer = max(1 / limits.environment_rate, limits.authorizer)
    partitions = 1 if workload.one_study else limits.partitions
    units = {
        "writes of a partition": limits.partition_write_units,
        "reads of a partition": limits.partition_read_units * count / (count + 2),
    }
    lambdas = (
        {"account concurrency": limits.concurrency / (store + authorizer) * count}
        if limits.reserved is None
        else {"reserved concurrency": limits.reserved / store * count}
    )
    return {
        "rate of API Gateway": limits.api_rate * count,
        **lambdas,
        **{name: rate * partitions for name, rate in units.items()},
        "writes of the index by SOP Instance UID": limits.index_write_units,
        "PUTs of a prefix": limits.prefix_puts,
    }


def first_to_bind(workload: Workload, limits: Limits) -> tuple[str, float]:
    """Return the limit that binds first, and the instances a second that it lets through."""
    return min(capacities(workload, limits).items(), key=lambda each: each[1])


def function_seconds(workload: Workload, limits: Limits) -> float:
    """Return how long the store function takes for a request, its calls at their medians."""
    return workload.measured(limits).seconds


def cycle_seconds(workload: Workload, limits: Limits) -> float:
    """Return how long a sender needs for a request if no limit binds."""
    sent = workload.instances * workload.size / limits.uplink
    return sent + limits.gateway + limits.authorizer + function_seconds(workload, limits)
