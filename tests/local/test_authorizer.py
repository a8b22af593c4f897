from typing import Any

import pytest

from local.authorizer import InvalidPolicy, allows, context

ARN = "arn:aws:execute-api:us-east-1:123456789012:local/stage/POST/studies/1.2"


def statement(effect: str, resource: object = ARN, action: object = "execute-api:Invoke") -> Any:  # noqa: ANN401  JSON
    return {"Effect": effect, "Action": action, "Resource": resource}


def policy(*statements: object) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {"principalId": "someone", "policyDocument": document}


@pytest.mark.parametrize(
    "output",
    [
        policy(statement("Allow")),
        policy(statement("Allow", "*")),
        policy(statement("Allow", "arn:aws:execute-api:*/POST/*")),
        policy(statement("Allow", ARN.replace("1.2", "1?2"))),
        policy(statement("Allow", ["other", ARN])),
        policy(statement("Allow", action="execute-api:*")),
        policy(statement("Allow", action=["other", "*"])),
        policy(statement("Deny", "other"), statement("Allow")),
        {"policyDocument": {"Statement": statement("Allow")}},
    ],
)
def test_a_matching_allow_without_a_matching_deny_allows(output: dict[str, Any]) -> None:
    assert allows(output, ARN)


@pytest.mark.parametrize(
    "output",
    [
        policy(),
        policy(statement("Deny")),
        policy(statement("Allow"), statement("Deny", "*")),
        policy(statement("Allow", ARN + "3")),
        policy(statement("Allow", ARN.replace("1.2", "1?"))),
        policy(statement("Allow", ARN.replace(".", "[.]"))),
        policy(statement("Allow", action="s3:PutObject")),
    ],
)
def test_anything_else_denies(output: dict[str, Any]) -> None:
    assert not allows(output, ARN)


@pytest.mark.parametrize(
    "output",
    [
        {},
        {"policyDocument": "{}"},
        {"policyDocument": {}},
        policy("Allow"),
        policy({"Action": "*", "Resource": "*"}),
        policy(statement("allow")),
        policy({"Effect": "Allow", "Action": "*"}),
    ],
)
def test_what_is_no_policy_is_invalid(output: dict[str, Any]) -> None:
    with pytest.raises(InvalidPolicy):
        allows(output, ARN)


def test_the_context_has_the_principal_and_what_the_function_adds() -> None:
    output = {"principalId": "someone", "context": {"scope": "store", "n": 1, "b": True}}
    assert context(output) == {
        "principalId": "someone",
        "integrationLatency": 0,
        "scope": "store",
        "n": 1,
        "b": True,
    }


@pytest.mark.parametrize(
    "output",
    [
        None,
        {},
        {"principalId": 1},
        {"principalId": "a", "context": {"a": []}},
        {"principalId": "a", "context": "text"},
    ],
)
def test_a_context_without_principal_or_with_structure_is_invalid(output: object) -> None:
    with pytest.raises(InvalidPolicy):
        context(output)
