"""DynamoDB's capacity units, by the rules of its Developer Guide (read and write capacity)."""

from typing import Any

Item = dict[str, Any]

_WRITE_UNIT, _READ_UNIT = 1024, 4096


def write_units(item: Item) -> int:
    return -(-max(item_bytes(item), 1) // _WRITE_UNIT)


def read_units(item: Item) -> int:
    """Return the units of a strongly consistent read; of an item that is not there too."""
    return -(-max(item_bytes(item), 1) // _READ_UNIT)


def item_bytes(item: Item) -> int:
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    kind, content = next(iter(value.items()))
    match kind:
        case "S":
            return len(content.encode())
        case "BOOL":
            return 1
        case "N":
            return len(content) // 2 + 2
        case "SS":
            return sum(len(member.encode()) for member in content)
        case "L":
            return 3 + sum(1 + _value_bytes(member) for member in content)
        case "M":
            return 3 + len(content) + item_bytes(content)
    raise ValueError(kind)
