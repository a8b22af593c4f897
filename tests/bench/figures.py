"""Figures of repeated measurements: a median, and how far its repetitions were spread."""

import statistics
from collections.abc import Sequence
from typing import Any


def spread(values: Sequence[float], scale: float = 1.0, digits: int = 3) -> dict[str, float]:
    """Return median, least and greatest of ``values``, each times ``scale``."""
    scaled = [value * scale for value in values]
    figures = {"median": statistics.median(scaled), "min": min(scaled), "max": max(scaled)}
    return {name: round(value, digits) for name, value in figures.items()}


def ratio(measured: dict[str, Any], base: dict[str, Any], digits: int = 2) -> float:
    """Return the ratio of two medians."""
    return round(float(measured["median"]) / float(base["median"]), digits)


def shown(figures: dict[str, float]) -> str:
    """Return the figures of ``spread`` for a table."""
    return f"{figures['median']:g} ({figures['min']:g} to {figures['max']:g})"


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return the median of ``seconds`` and what 99 of 100 do not exceed, in milliseconds."""
    of_hundred = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"p50": round(of_hundred[49] * 1000, 1), "p99": round(of_hundred[98] * 1000, 1)}
