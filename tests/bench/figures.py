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
