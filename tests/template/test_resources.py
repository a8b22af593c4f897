import pytest

from tests.template.parts import FUNCTIONS, RESOURCES, of_type


class TestArchive:
    @pytest.mark.parametrize("name", ["ArchiveBucket", "ArchiveBucketPolicy", "IndexTable"])
    def test_it_outlives_the_stack(self, name: str) -> None:
        assert RESOURCES[name]["DeletionPolicy"] == "Retain"
        assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"

    def test_there_is_one_bucket_private_encrypted_and_announced(self) -> None:
        (bucket,) = of_type("AWS::S3::Bucket").values()
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        assert bucket["NotificationConfiguration"] == {
            "EventBridgeConfiguration": {"EventBridgeEnabled": True}
        }

    def test_the_bucket_speaks_tls_only(self) -> None:
        (policy,) = of_type("AWS::S3::BucketPolicy").values()
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Principal"] == "*"
        assert statement["Action"] == "s3:*"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": False}}
        assert statement["Resource"] == [
            {"Fn::GetAtt": "ArchiveBucket.Arn"},
            {"Fn::Sub": "${ArchiveBucket.Arn}/*"},
        ]

    def test_no_lifecycle_rule_removes_an_instance(self) -> None:
        rules = RESOURCES["ArchiveBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
        assert [set(rule) for rule in rules] == [{"Id", "Status", "AbortIncompleteMultipartUpload"}]

    def test_there_is_one_table_on_demand_and_hard_to_lose(self) -> None:
        (table,) = of_type("AWS::DynamoDB::Table").values()
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["SSESpecification"] == {"SSEEnabled": True}
        assert table["DeletionProtectionEnabled"] is True
        assert [each["AttributeName"] for each in table["KeySchema"]] == [
            "StudyInstanceUID",
            "Resource",
        ]


class TestOperations:
    def test_every_log_has_an_end(self) -> None:
        groups = of_type("AWS::Logs::LogGroup")
        assert set(groups) == {"AccessLogGroup", "StoreLogGroup", "AuthorizerLogGroup"}
        for group in groups.values():
            assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_a_function_logs_to_its_own_group(self, name: str) -> None:
        own = name.replace("Function", "LogGroup")
        assert FUNCTIONS[name]["LoggingConfig"]["LogGroup"] == {"Ref": own}

    def test_every_alarm_tells_the_topic(self) -> None:
        alarms = of_type("AWS::CloudWatch::Alarm")
        topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
        assert alarms
        for alarm in alarms.values():
            assert alarm["AlarmActions"] == alarm["OKActions"] == topic

    def test_slow_is_four_fifths_of_the_timeout(self) -> None:
        milliseconds = FUNCTIONS["StoreFunction"]["Timeout"] * 1000
        threshold = RESOURCES["SlowStoresAlarm"]["Properties"]["Threshold"]
        assert threshold == pytest.approx(milliseconds * 0.8)
