"""Distance to the floor, and growth: the handler's time, taken inside its process."""

from itertools import islice
from typing import Any

from tests.bench.figures import spread
from tests.bench.instances import BOUNDARY, STUDY, ct_image, pixels
from tests.bench.setting import Setting, aws, events, timed

CPU, WALL = 0, 1
STEPS = ("json.loads", "base64", "sha256", "send")
LARGEST = ct_image(2048, 1074)
"""As many pixels as make a payload of 4.4 MB, near the most that an invocation takes."""

_TINY = ct_image(32, 32)
_FILLED = 1_000_000


def measure_floor(setting: Setting) -> dict[str, Any]:
    """Time one instance of 4.4 MB, and the steps that nobody can leave out."""
    with aws() as stand_in:
        measured = islice(events(LARGEST, 1), setting.repeats(40) + 1)
        times = timed(setting, stand_in.endpoint, measured)
    result: dict[str, Any] = {}
    for kind, name in ((CPU, "cpu"), (WALL, "wall")):
        floors = [sum(each[step][kind] for step in STEPS) for each in times]
        handler = [each["handler"][kind] for each in times]
        over = [whole / base for whole, base in zip(handler, floors, strict=True)]
        result[name] = {
            **{step: spread([each[step][kind] for each in times], 1000) for step in STEPS},
            "floor": spread(floors, 1000),
            "handler": spread(handler, 1000),
            "over_floor": spread(over, digits=2),
        }
    return result


def measure_growth(setting: Setting) -> dict[str, Any]:
    """Time requests that grow in one way at a time."""
    with aws() as stand_in:
        return {
            "instances": _instances(setting, stand_in.endpoint, calls=True),
            "instances_without_calls": _instances(setting, stand_in.endpoint, calls=False),
            "bytes": {
                name: _single(setting, stand_in.endpoint, ct_image(rows, columns))
                for name, rows, columns in _SIZES
            },
            "elements": {
                str(number): _single(
                    setting, stand_in.endpoint, ct_image(32, 32, private_elements=number)
                )
                for number in (10, 100, 1000, 10000)
            },
            "boundaries": _boundaries(setting, stand_in.endpoint),
            "filled_table": _filled(setting),
        }


_SIZES = (
    ("3 KB", 32, 32),
    ("35 KB", 128, 128),
    ("0.5 MB", 512, 512),
    ("2.1 MB", 1024, 1024),
    ("4.4 MB", 2048, 1074),
)


def _instances(setting: Setting, endpoint: str, *, calls: bool) -> dict[str, Any]:
    repeats = {1: 40, 10: 20, 100: 8, 500: 4, 1000: 4}
    return {
        str(number): _each(
            timed(
                setting,
                endpoint,
                islice(events(_TINY, number), setting.repeats(count) + 1),
                calls=calls,
            ),
            number,
        )
        for number, count in repeats.items()
    }


def _single(setting: Setting, endpoint: str, instance: bytes) -> dict[str, Any]:
    """Return the times (ms) of requests of one instance."""
    measured = islice(events(instance, 1), setting.repeats(12) + 1)
    return _each(timed(setting, endpoint, measured), 1)


def _each(times: list[dict[str, list[float]]], number: int) -> dict[str, Any]:
    """Return the times an instance (ms) of requests of ``number`` each."""
    return {
        "cpu_ms": spread([each["handler"][CPU] / number for each in times], 1000),
        "wall_ms": spread([each["handler"][WALL] / number for each in times], 1000),
    }


def _boundaries(setting: Setting, endpoint: str) -> dict[str, Any]:
    """Time 2 MB of pixels that are noise, and that all begin like delimiters."""
    image = ct_image(1024, 1024)
    noise = pixels(1024 * 1024)
    needle = b"\r\n--" + BOUNDARY.encode() + b"x\0"
    needles = (needle * (len(noise) // len(needle) + 1))[: len(noise)]
    return {
        "noise": _single(setting, endpoint, image),
        "delimiters": _single(setting, endpoint, image.replace(noise, needles)),
    }


def _filled(setting: Setting) -> dict[str, Any]:
    """Store into a study of a million instances, and into one that is new: calls and units."""
    result = {}
    for name, items in (("new study", 0), (f"{_FILLED:,} items", _FILLED)):
        with aws() as stand_in:
            stand_in.fill(STUDY, round(items * min(1.0, setting.scale)))
            measured = islice(events(_TINY, 10, STUDY), setting.repeats(12) + 1)
            times = timed(setting, stand_in.endpoint, measured)
            counts = stand_in.counts()
        result[name] = {
            **_each(times, 10),
            "write_units": counts["write units"],
            "read_units": counts["read units"],
            "calls": sum(counts.get(name, 0) for name in _DYNAMODB),
        }
    return result


_DYNAMODB = ("BatchGetItem", "BatchExecuteStatement", "UpdateItem", "PutItem")
