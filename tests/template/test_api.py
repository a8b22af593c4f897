import json
import re

from tests.template.parts import API, FUNCTIONS, RESOURCES

STUDY = "/studies/{study}"
SERIES = f"{STUDY}/series/{{series}}"
INSTANCE = f"{SERIES}/instances/{{instance}}"


class TestApi:
    def test_dicom_bodies_arrive_as_bytes_and_no_wildcard_is_needed(self) -> None:
        types = [
            "multipart/related",
            *(f"application/dicom{form}" for form in ("", "+xml", "+json")),
        ]
        assert API["BinaryMediaTypes"] == types

    def test_storing_is_authorized_and_asking_for_capabilities_is_open(self) -> None:
        routes = {
            (event["Properties"]["Method"], event["Properties"]["Path"]): event["Properties"]
            .get("Auth", {})
            .get("Authorizer", API["Auth"]["DefaultAuthorizer"])
            for function in FUNCTIONS.values()
            for event in function.get("Events", {}).values()
            if event["Type"] == "Api"
        }
        assert routes == {
            ("POST", "/studies"): "BearerToken",
            ("POST", "/studies/{study}"): "BearerToken",
            ("OPTIONS", "/"): "NONE",
            ("OPTIONS", "/studies"): "NONE",
            ("OPTIONS", "/studies/{study}"): "NONE",
            ("POST", "/uploads"): "BearerToken",
            ("GET", "/uploads/{id}"): "BearerToken",
            ("GET", "/studies/{study}"): "BearerToken",
            ("HEAD", "/studies/{study}"): "BearerToken",
            ("GET", f"{STUDY}/instances"): "BearerToken",
            ("OPTIONS", f"{STUDY}/instances"): "NONE",
            ("GET", f"{STUDY}/series"): "BearerToken",
            ("OPTIONS", f"{STUDY}/series"): "NONE",
            ("GET", SERIES): "BearerToken",
            ("HEAD", SERIES): "BearerToken",
            ("OPTIONS", SERIES): "NONE",
            ("GET", f"{SERIES}/instances"): "BearerToken",
            ("OPTIONS", f"{SERIES}/instances"): "NONE",
            ("GET", INSTANCE): "BearerToken",
            ("HEAD", INSTANCE): "BearerToken",
            ("OPTIONS", INSTANCE): "NONE",
            ("GET", f"{INSTANCE}/metadata"): "BearerToken",
            ("OPTIONS", f"{INSTANCE}/metadata"): "NONE",
            ("OPTIONS", "/uploads"): "NONE",
            ("OPTIONS", "/uploads/{id}"): "NONE",
            ("POST", "/commitment-requests/{transaction}"): "BearerToken",
            ("GET", "/commitment-requests/{transaction}"): "BearerToken",
            ("OPTIONS", "/commitment-requests/{transaction}"): "NONE",
        }

    def test_the_authorizer_hears_of_every_request_and_no_verdict_is_kept(self) -> None:
        assert API["Auth"]["Authorizers"]["BearerToken"] == {
            "FunctionArn": {"Fn::GetAtt": "AuthorizerFunction.Arn"},
            "FunctionPayloadType": "REQUEST",
            "Identity": {"ReauthorizeEvery": 0},
        }

    def test_the_access_log_is_json_without_path_query_headers_or_bodies(self) -> None:
        line: dict[str, str] = json.loads(API["AccessLogSetting"]["Format"])
        assert "\n" not in API["AccessLogSetting"]["Format"]
        assert all(re.fullmatch(r"\$context\.[A-Za-z.]+", value) for value in line.values())
        assert not {"$context.path", "$context.requestOverride", "$context.identity.apiKey"} & set(
            line.values()
        )

    def test_bodies_are_not_traced(self) -> None:
        assert [each["DataTraceEnabled"] for each in API["MethodSettings"]] == [False]
        assert [each["LoggingLevel"] for each in API["MethodSettings"]] == ["OFF"]

    def test_the_role_that_writes_the_log_outlives_the_stack(self) -> None:
        for name in ("ApiGatewayAccount", "ApiGatewayAccountRole"):
            assert RESOURCES[name]["DeletionPolicy"] == "Retain"
