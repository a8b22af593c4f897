"""The dashboard and the alarms name what exists: metrics, dimensions, resources, fields of logs."""

import ast
import csv
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dicomweb.reasons import FailureReason
from tests.template.parts import FUNCTIONS, PARAMETERS, RESOURCES, metrics, of_type
from tests.template.transformed import deployed

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
NAMESPACE = "Stowport/stowport"
MANUAL = (ROOT / "docs" / "operations.md").read_text("utf-8")
ALARMS = of_type("AWS::CloudWatch::Alarm")
Metric = tuple[str, str, tuple[str, ...]]

with (Path(__file__).parent / "metrics.tsv").open(encoding="utf-8", newline="") as file:
    DOCUMENTED = {
        (
            row["namespace"],
            row["metric"],
            tuple(row["dimensions"].split(",") if row["dimensions"] else ()),
        )
        for row in csv.DictReader(file, delimiter="\t")
    }
"""Metrics that AWS documents, each with the page of docs.aws.amazon.com that does."""


@cache
def widgets(**values: str) -> list[dict[str, Any]]:
    body = deployed(**values)["OperationsDashboard"]["Properties"]["DashboardBody"]
    found: list[dict[str, Any]] = json.loads(body)["widgets"]
    return found


def charts() -> list[dict[str, Any]]:
    return [each["properties"] for each in widgets() if each["type"] == "metric"]


def shown() -> Iterator[tuple[Metric, dict[str, str]]]:
    """Yield each metric of the dashboard, and its dimensions with their values."""
    for chart in charts():
        for metric in chart["metrics"]:
            names = [each for each in metric if isinstance(each, str)]
            if names:
                namespace, name, *pairs = names
                dimensions = dict(zip(pairs[::2], pairs[1::2], strict=True))
                yield (namespace, name, tuple(dimensions)), dimensions


def searched() -> tuple[str, str, str]:
    """The namespace, the dimension and the name of the one metric that is searched for."""
    (expression,) = (
        metric[0]["expression"]
        for chart in charts()
        for metric in chart["metrics"]
        if not isinstance(metric[0], str)
    )
    found = re.fullmatch(
        r"""SEARCH\('\{"([^"]+)",(\w+)\} MetricName="(\w+)"', 'Sum', 300\)""", expression
    )
    assert found
    return found[1], found[2], found[3]


def queries() -> list[tuple[set[str], str]]:
    """The log groups and the rest of each query."""
    texts = [each["properties"]["query"] for each in widgets() if each["type"] == "log"]
    source = r"SOURCE '([^']+)' \| "
    return [(set(re.findall(source, text)), re.sub(source, "", text)) for text in texts]


@cache
def emitted() -> set[str]:
    """The metrics that the code counts: the keywords of ``count``."""
    return {
        keyword.arg
        for path in (ROOT / "functions").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == "count"
        for keyword in node.keywords
        if keyword.arg
    }


def filtered() -> set[Metric]:
    """What metric filters make of the access log."""
    return {
        (NAMESPACE, made["MetricName"], tuple(each["Key"] for each in made.get("Dimensions", ())))
        for each in of_type("AWS::Logs::MetricFilter").values()
        for made in each["MetricTransformations"]
    }


class TestDashboard:
    def test_it_can_be_left_out(self) -> None:
        assert PARAMETERS["Dashboard"]["Default"] == "create"
        assert "OperationsDashboard" not in deployed(Dashboard="none")

    def test_every_metric_exists_with_these_dimensions(self) -> None:
        own = {(NAMESPACE, name, ("service",)) for name in emitted()} | filtered()
        assert {metric for metric, _ in shown()} <= DOCUMENTED | own
        namespace, dimension, name = searched()
        assert (namespace, name, (dimension,)) in filtered()

    def test_a_service_is_one_that_counts_the_metric(self) -> None:
        services = {
            each["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]: each["Handler"]
            for each in FUNCTIONS.values()
        }
        for (_, name, _), dimensions in shown():
            if "service" in dimensions:
                room = services[dimensions["service"]].partition(".")[0]
                sources = [*(ROOT / "functions" / room).glob("*.py")]
                sources.append(ROOT / "functions" / "transaction" / "journal.py")
                assert any(f"{name}=" in path.read_text("utf-8") for path in sources)

    def test_all_that_the_code_counts_is_shown(self) -> None:
        names = {name for (_, name, _), _ in shown()} | {searched()[2]}
        left_out = {"IndexAttributesLeftOut"}  # a property of senders, and not of the service
        assert emitted() - names == left_out
        assert {name for _, name, _ in filtered()} <= names

    def test_every_dimension_is_of_this_stack(self) -> None:
        resources = deployed()
        known = {f"{name}{end}" for name in resources for end in ("", ".QueueName")}
        known |= {"stowport", "dicomweb", "StandardStorage", "AllStorageTypes"}
        for (namespace, _, _), dimensions in shown():
            for name, value in dimensions.items():
                assert name == "service" or value in known, (namespace, value)

    def test_what_an_operations_team_asks_for_is_there(self) -> None:
        shares = {
            stat["stat"]
            for chart in charts()
            for *names, stat in chart["metrics"]
            if names[:2] == ["AWS/ApiGateway", "Latency"]
        }
        assert shares == {"p50", "p90", "p99"}
        assert any("initDurationMs" in query for _, query in queries())

    def test_concurrency_is_shown_against_the_reserve(self) -> None:
        def reserve(value: str) -> Any:  # noqa: ANN401  JSON
            (chart,) = (
                each["properties"]
                for each in widgets(MaxSimultaneousRequests=value)
                if each["properties"]["title"] == "Concurrency"
            )
            return chart["annotations"]

        assert reserve("unlimited") == {}
        assert reserve("40") == {"horizontal": [{"label": "MaxSimultaneousRequests", "value": 40}]}

    def test_refusals_are_counted_by_every_reason_that_there_is(self) -> None:
        (query,) = (query for _, query in queries() if "`failed." in query)
        summed = re.findall(r"sum\(`failed\.(\w{4})`\) as `(\w{4})`", query)
        assert [name for name, _ in summed] == [name for _, name in summed]
        assert {name for name, _ in summed} == {f"{reason:04X}" for reason in FailureReason}

    def test_no_query_shows_a_line_of_a_log(self) -> None:
        # Lines hold no patient data, but sums cannot.
        for groups, query in queries():
            assert groups <= set(deployed())
            assert " | stats " in query
            assert not {"fields", "display", "@message", "texts"} & set(re.findall(r"@?\w+", query))

    def test_all_alarms_are_shown(self) -> None:
        def alarms(**values: str) -> set[str]:
            (names,) = (
                each["properties"]["alarms"]
                for each in widgets(**values)
                if each["type"] == "alarm"
            )
            return {name.removesuffix(".Arn") for name in names}

        of_the_trail = {"AuditErrorsAlarm", "LostAuditAlarm"}
        assert alarms(AuditRetentionDays="2557") == set(ALARMS)
        assert alarms() == set(ALARMS) - of_the_trail

    def test_every_chart_fits_into_its_row_and_says_where_it_is_from(self) -> None:
        for each in widgets():
            assert each["width"] in {8, 24}
            assert each["properties"]["title"]
        for chart in charts():
            assert chart["region"] == "Region"


class TestAlarms:
    def test_each_is_a_row_of_the_runbook_and_each_row_an_alarm(self) -> None:
        section = MANUAL.partition("\n## Alarms\n")[2].partition("\n## ")[0]
        rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
        assert sorted(name for name, _, _ in rows) == sorted(ALARMS)
        assert all(meaning.strip() and check.strip() for _, meaning, check in rows)

    @pytest.mark.parametrize("name", ALARMS)
    def test_each_watches_metrics_that_exist(self, name: str) -> None:
        known = {
            (space.replace(NAMESPACE, "own"), *rest) for space, *rest in DOCUMENTED | filtered()
        }
        for metric in metrics(ALARMS[name]):
            space = metric["Namespace"] if isinstance(metric["Namespace"], str) else "own"
            dimensions = tuple(each["Name"] for each in metric.get("Dimensions", ()))
            assert (space, metric["MetricName"], dimensions) in known

    def test_the_parameter_says_what_an_encrypted_topic_needs(self) -> None:
        said = PARAMETERS["AlarmTopicArn"]["Description"]
        for word in ("cloudwatch.amazonaws.com", "kms:Decrypt", "kms:GenerateDataKey*"):
            assert word in said
            assert word in MANUAL

    def test_writes_that_dynamodb_keeps_refusing_ring(self) -> None:
        alarm = RESOURCES["ThrottledIndexAlarm"]["Properties"]
        choices = [{"Ref": "IndexTable"}, {"Ref": "ExistingIndexTable"}]
        table = {"Fn::If": ["MakesIndexTable", *choices]}
        assert alarm["Dimensions"] == [{"Name": "TableName", "Value": table}]
        assert (alarm["EvaluationPeriods"], alarm["Threshold"]) == (3, 1)
