"""What a hosted relay costs a month, with the defaults of its template and one GB sent."""

from local.intrinsics import parse
from tests.cost.drivers import Prices, known
from tests.emulated.hosted import TEMPLATE

HOURS = 730
_INCLUDED_GB = 20
"""Ephemeral storage of a task that Fargate does not charge for."""


def to_host(prices: Prices) -> dict[str, float]:
    """Return the dollars of each driver."""
    defaults = {
        name: each.get("Default")
        for name, each in parse(TEMPLATE.read_text("utf-8"))["Parameters"].items()
    }
    hours = int(defaults["MinTasks"]) * HOURS
    spool = int(defaults["SpoolSize"]) - _INCLUDED_GB
    return {
        "processors of the tasks": hours
        * (int(defaults["Cpu"]) / 1024)
        * known(prices, "fargate_vcpu_hour"),
        "memory of the tasks": hours
        * (int(defaults["Memory"]) / 1024)
        * known(prices, "fargate_gb_hour"),
        "spool of the tasks": hours * spool * known(prices, "fargate_storage_gb_hour"),
        "load balancer": HOURS * known(prices, "load_balancer_hour"),
        "secret": known(prices, "secret_month"),
        "each GB sent": known(prices, "load_balancer_gb"),
    }
