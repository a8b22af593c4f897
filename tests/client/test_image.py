"""The container image of the client, as far as it can be checked without building it."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement

from tests.service import ROOT

CLIENT = ROOT / "client"
LINES = (CLIENT / "Containerfile").read_text("utf-8").splitlines()


def instructions(name: str) -> list[str]:
    return [line.removeprefix(f"{name} ") for line in LINES if line.startswith(f"{name} ")]


def pinned(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text, re.MULTILINE))


def asked_for() -> list[Requirement]:
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text("utf-8"))
    found = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["aws"]
    return list(map(Requirement, found + project["build-system"]["requires"]))


@pytest.mark.parametrize("requirement", asked_for(), ids=str)
def test_the_image_pins_what_the_package_asks_for(requirement: Requirement) -> None:
    version = (pinned("client") | pinned("build"))[requirement.name]
    assert requirement.specifier.contains(version)


def test_the_image_pins_no_other_versions_than_the_tests_use() -> None:
    tested = pinned("test")
    for name in ("client", "build"):
        assert {each: tested.get(each) for each in pinned(name)} == pinned(name)


def test_both_stages_have_the_same_base_of_a_version() -> None:
    bases = {each.removesuffix(" AS build") for each in instructions("FROM")}
    (base,) = bases
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim-[a-z]+", base)


def test_the_image_runs_as_a_user_that_is_not_root() -> None:
    assert LINES.index("USER 10001:10001") < LINES.index('ENTRYPOINT ["stowport"]')
    assert "--uid 10001" in next(each for each in instructions("RUN") if "useradd" in each)


def test_the_user_of_the_image_may_write_to_the_spool_wherever_it_is_mounted() -> None:
    made = LINES.index("RUN mkdir /spool && chown 10001:10001 /spool")
    assert made < LINES.index('VOLUME ["/spool"]') < LINES.index('ENTRYPOINT ["stowport"]')


def test_only_what_is_copied_is_handed_to_the_builder() -> None:
    copied = {
        each
        for line in instructions("COPY")
        if not line.startswith("--from")
        for each in line.split()[:-1]
    }
    ignored = (CLIENT / "Containerfile.dockerignore").read_text("utf-8").splitlines()
    assert ignored[0] == "*"
    assert {each.removeprefix("!") for each in ignored if each.startswith("!")} == copied
    assert all((ROOT / each).exists() for each in copied)


def test_everything_is_installed_from_pins_with_hashes_or_from_the_repository() -> None:
    for line in instructions("RUN"):
        if "pip install" in line:
            assert "--require-hashes" in line or "--no-index" in line
        if "pip wheel" in line:
            assert "--no-build-isolation --wheel-dir /src/wheels /src/client" in line
