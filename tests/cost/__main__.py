"""``python -m tests.cost [--prices FILE] [--memory MIB] [--write]``: what a million instances cost.

Prints the tables; ``--write`` puts them into docs/cost.md instead, as ``make cost`` does.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.cost.drivers import (
    PRICES,
    Prices,
    measured,
    of_others,
    read_prices,
    to_keep,
    to_stand,
    to_store,
    to_upload,
)
from tests.cost.hosted import to_host
from tests.markdown import table
from tests.statement.pages import ROOT, with_tables

PAGE = ROOT / "docs" / "cost.md"
MEMORY = 1769


def tables(prices: Prices, memory: int = MEMORY) -> dict[str, str]:
    """Return the tables of docs/cost.md."""
    cases = measured(memory)
    store = {name: to_store(case, memory, prices) for name, case in cases.items()}
    upload = {name: to_upload(case, memory, prices) for name, case in cases.items()}
    keep = {name: to_keep(case, prices) for name, case in cases.items()}
    return {
        "Table 1": _by_driver(store),
        "Table 2": _by_driver(upload),
        "Table 3": _by_driver(keep),
        "Table 4": table(
            ["what stands", "number", "US dollars a month"],
            (
                [name, number, f"{dollars:.2f}"]
                for name, (number, dollars) in to_stand(prices).items()
            ),
        ),
        "Table 5": _beside(prices, store["ct1"], keep["ct1"], memory),
        "Table 6": table(
            ["a hosted relay", "US dollars a month"],
            ([name, f"{dollars:.2f}"] for name, dollars in _with_sum(to_host(prices))),
        ),
        "Table 7": _prices(),
    }


def _by_driver(dollars: dict[str, dict[str, float]]) -> str:
    drivers = next(iter(dollars.values()))
    sums = ["**sum**", *(f"**{sum(each.values()):.2f}**" for each in dollars.values())]
    rows = [[name, *(f"{each[name]:.2f}" for each in dollars.values())] for name in drivers]
    return table(["driver", *dollars], [*rows, sums])


def _with_sum(hosted: dict[str, float]) -> Iterator[tuple[str, float]]:
    """Yield each driver, and the sum of what does not depend on what is sent."""
    *standing, sent = hosted.items()
    yield from standing
    yield "**sum**", sum(dollars for _, dollars in standing)
    yield sent


def _beside(prices: Prices, store: dict[str, float], keep: dict[str, float], memory: int) -> str:
    standing = sum(dollars for _, dollars in to_stand(prices).values())
    month = sum(keep.values()) + standing
    ours = {"Stowport, with what stands": (sum(store.values()), month, month)}
    services = ours | of_others(measured(memory)["ct1"], prices)
    return table(
        ["service", "to store", "first month", "each later month"],
        (
            [name, *("-" if each is None else f"{each:.2f}" for each in dollars)]
            for name, dollars in services.items()
        ),
    )


def _prices() -> str:
    heading, *rows = [line.split("\t") for line in PRICES.read_text("utf-8").splitlines()]
    return table(heading, ([row[0], row[1] or "-", *row[2:]] for row in rows))


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description="What a million instances cost.")
    parser.add_argument("--prices", type=Path, default=PRICES, help="table of prices")
    parser.add_argument("--memory", type=int, default=MEMORY, help="MiB of the store function")
    parser.add_argument("--write", action="store_true", help="write docs/cost.md")
    given = parser.parse_args()
    found = tables(read_prices(given.prices), given.memory)
    if given.write:
        PAGE.write_text(with_tables(PAGE.read_text("utf-8"), found, "make cost"), "utf-8")
    else:
        sys.stdout.write("".join(f"{name}\n\n{made}\n" for name, made in found.items()))


if __name__ == "__main__":
    main()
