"""Requests for storage commitment and their answers, by the function that is asked."""

import json
from io import StringIO
from random import Random

import pytest
from lxml import etree

from archive.transactions import Transactions
from commitment.settings import settings
from dicomweb.answer import jsonmodel, nativemodel
from dicomweb.answer.model import Attribute
from tests.archive.deployment import SOP_CLASSES, instance
from tests.commitment.deployment import (
    TRANSACTION,
    Commitments,
    by_sop,
    by_study,
    committed,
    failed,
)

FORMS = pytest.mark.parametrize("form", [by_sop, by_study])


@FORMS
def test_what_is_stored_is_committed(commitments: Commitments, form: type) -> None:
    stored = [instance(1), instance(2), instance(3, study="1.3")]
    commitments.store(*stored)

    reply = commitments.ask(form(*stored))

    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/dicom+json"
    assert sorted(committed(reply)) == sorted(each.sop_instance_uid for each in stored)
    assert failed(reply) == {}
    assert commitments.look().body == reply.body
    assert "Warning" not in reply.response.get("multiValueHeaders", {})


@FORMS
def test_what_is_not_stored_is_0112_and_its_neighbours_are_committed(
    commitments: Commitments, form: type
) -> None:
    commitments.store(instance(1))

    reply = commitments.ask(form(instance(1), instance(2)))

    assert reply.status == 200
    assert committed(reply) == ["1.2.1.1"]
    assert failed(reply) == {"1.2.1.2": "0112"}


@FORMS
def test_an_item_without_its_object_is_0112(commitments: Commitments, form: type) -> None:
    commitments.store(instance(1), instance(2))
    (key,) = [each for each in commitments.deployment.objects() if "/1.2.1.2/" in each]
    commitments.deployment._s3.delete_object(Bucket="planted-bucket-name", Key=key)

    reply = commitments.ask(form(instance(1), instance(2)))

    assert committed(reply) == ["1.2.1.1"]
    assert failed(reply) == {"1.2.1.2": "0112"}


def test_an_object_of_another_size_is_0110(commitments: Commitments) -> None:
    commitments.store(instance(1, b"content"))
    (key,) = commitments.deployment.objects()
    commitments.deployment._s3.put_object(Bucket="planted-bucket-name", Key=key, Body=b"other")

    assert failed(commitments.ask(by_sop(instance(1)))) == {"1.2.1.1": "0110"}


def test_another_class_than_that_of_the_instance_is_0119(commitments: Commitments) -> None:
    commitments.store(instance(1))

    reply = commitments.ask(by_sop(instance(1), sop_class=SOP_CLASSES["MR"]))

    assert committed(reply) == []
    assert failed(reply) == {"1.2.1.1": "0119"}


def test_an_unknown_instance_of_a_class_that_is_not_supported_is_0122(
    commitments: Commitments,
) -> None:
    commitments.store(instance(1))
    (key,) = (k for k in commitments.deployment.items() if k.startswith("instances/"))

    assert failed(commitments.ask(by_sop(instance(2), sop_class="1.2.3"))) == {"1.2.1.2": "0122"}
    # One that was stored when the class was supported is committed.
    commitments.dynamodb.update_item(
        TableName="planted-table-name",
        Key={"StudyInstanceUID": {"S": "1.2"}, "Resource": {"S": key}},
        UpdateExpression="SET SOPClassUID = :other",
        ExpressionAttributeValues={":other": {"S": "1.2.3"}},
    )
    reply = commitments.ask(by_sop(instance(1), sop_class="1.2.3"), "2.25.2")
    assert committed(reply) == ["1.2.1.1"]


def test_all_instances_with_a_uid_have_to_be_there(commitments: Commitments) -> None:
    commitments.store(instance(1))
    (resource,) = (k for k in commitments.deployment.items() if k.startswith("instances/"))
    item = commitments.deployment.items()[resource]
    # A sender that erred gave an instance of another study the same UID; its object is gone.
    commitments.dynamodb.put_item(
        TableName="planted-table-name", Item={**item, "StudyInstanceUID": {"S": "1.9"}}
    )

    assert failed(commitments.ask(by_sop(instance(1)))) == {"1.2.1.1": "0112"}
    assert committed(commitments.ask(by_study(instance(1)), "2.25.2")) == ["1.2.1.1"]


def test_too_many_instances_with_a_uid_are_0110(commitments: Commitments) -> None:
    commitments.store(instance(1))
    (resource,) = (k for k in commitments.deployment.items() if k.startswith("instances/"))
    item = commitments.deployment.items()[resource]
    for number in range(10):
        other = {"StudyInstanceUID": {"S": f"1.9.{number}"}}
        commitments.dynamodb.put_item(TableName="planted-table-name", Item={**item, **other})

    assert failed(commitments.ask(by_sop(instance(1)))) == {"1.2.1.1": "0110"}


def test_the_same_instance_may_be_named_twice(commitments: Commitments) -> None:
    commitments.store(instance(1))
    reply = commitments.ask(by_sop(instance(1), instance(1), instance(2), instance(2)))
    assert committed(reply) == ["1.2.1.1"] * 2
    assert failed(reply) == {"1.2.1.2": "0112"}


class TestNotations:
    def test_xml_is_the_same_request_and_gets_the_same_answer(
        self, commitments: Commitments
    ) -> None:
        commitments.store(instance(1))
        uids = ("00081150", SOP_CLASSES["CT"]), ("00081155", "1.2.1.1")
        item = tuple(Attribute(tag=t, keyword="", vr="UI", values=(v,)) for t, v in uids)
        sequence = Attribute(tag="00081199", keyword="", vr="SQ", values=(item,))
        in_json = jsonmodel.encode([sequence]).encode()
        in_xml = nativemodel.encode([sequence]).encode()

        first = commitments.ask(
            in_xml, content_type="application/dicom+xml", Accept="application/dicom+xml"
        )
        assert first.status == 200
        assert first.headers["Content-Type"] == "application/dicom+xml"
        assert first.values_in("ReferencedSOPSequence", "ReferencedSOPInstanceUID") == ["1.2.1.1"]
        again = commitments.ask(in_json)
        assert again.status == 200
        assert committed(again) == ["1.2.1.1"]
        in_array = commitments.ask(b"[" + in_json + b"]", content_type="application/json")
        assert in_array.body == again.body

    def test_the_answer_in_xml_is_well_formed_for_both_forms(
        self, commitments: Commitments
    ) -> None:
        commitments.store(instance(1))
        for number, form in enumerate((by_sop, by_study)):
            reply = commitments.ask(
                form(instance(1), instance(2)), f"2.25.{number}", Accept="application/dicom+xml"
            )
            assert etree.fromstring(reply.body.encode()) is not None
            assert sorted(reply.values("ReferencedSOPInstanceUID")) == ["1.2.1.1", "1.2.1.2"]
            assert reply.failure_reasons == ["0112"]


class TestTransactions:
    def test_the_same_request_gets_the_same_answer_whatever_has_happened_since(
        self, commitments: Commitments
    ) -> None:
        first = commitments.ask(by_sop(instance(1)))
        assert failed(first) == {"1.2.1.1": "0112"}
        commitments.store(instance(1))
        assert commitments.ask(by_sop(instance(1))).body == first.body
        assert committed(commitments.ask(by_sop(instance(1)), "2.25.2")) == ["1.2.1.1"]

    def test_another_request_with_its_uid_is_0131(self, commitments: Commitments) -> None:
        first = commitments.ask(by_sop(instance(1)))
        for reply in (
            commitments.ask(by_sop(instance(2))),
            commitments.ask(by_study(instance(1))),
            commitments.ask(by_sop(instance(1)), principal="another"),
        ):
            assert reply.status == 409
            assert '"0131: found a Transaction UID that is in use' in reply.warnings[0]
        assert commitments.look().body == first.body

    def test_a_uid_can_be_used_again_when_its_time_is_over(self, commitments: Commitments) -> None:
        commitments.ask(by_sop(instance(1)))
        commitments.dynamodb.update_item(
            TableName="planted-commitments",
            Key={"TransactionUID": {"S": TRANSACTION}},
            UpdateExpression="SET Expires = :past",
            ExpressionAttributeValues={":past": {"N": "1"}},
        )
        assert commitments.look().status == 404
        assert failed(commitments.ask(by_sop(instance(2)))) == {"1.2.1.2": "0112"}

    def test_an_unknown_one_and_that_of_another_sender_are_not_found(
        self, commitments: Commitments
    ) -> None:
        commitments.ask(by_sop(instance(1)), principal="one")
        assert commitments.look(principal="one").status == 200
        for reply in (commitments.look(principal="two"), commitments.look("2.25.2")):
            assert reply.status == 404
            assert '"0112: found no request for commitment' in reply.warnings[0]
            assert "Retry-After" not in reply.headers

    def test_a_first_answer_of_dynamodb_that_is_lost_changes_nothing(
        self, commitments: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begin = Transactions.begin

        def repeated(table: Transactions, transaction: object) -> object:
            assert begin(table, transaction) is None  # type: ignore[arg-type] # passed on
            return begin(table, transaction)  # type: ignore[arg-type] # passed on

        monkeypatch.setattr(Transactions, "begin", repeated)
        assert failed(commitments.ask(by_sop(instance(1)))) == {"1.2.1.1": "0112"}


class TestRefusals:
    def test_what_is_too_large_to_be_kept_is_400(self, commitments: Commitments) -> None:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-*/"
        chosen = Random(1)
        uids = ["".join(chosen.choices(letters, k=128)) for _ in range(4000)]
        items = [
            {tag: {"vr": "UI", "Value": [uid]} for tag in ("00081150", "00081155")} for uid in uids
        ]
        reply = commitments.ask({"00081199": {"vr": "SQ", "Value": items}})
        assert reply.status == 400
        assert "expected UIDs of at most 64 digits and dots" in reply.body

    @pytest.mark.parametrize("transaction", ["", "1.02", "abc", "1." + "2" * 64])
    def test_a_transaction_that_is_no_uid_is_refused(
        self, commitments: Commitments, transaction: str
    ) -> None:
        for reply in (
            commitments.ask(by_sop(instance(1)), transaction),
            commitments.look(transaction),
        ):
            assert reply.status == 400
            assert "not a UID" in reply.warnings[0]

    @pytest.mark.parametrize(
        ("payload", "words"),
        [
            (b"{", "not JSON"),
            (b"{}", "no items of Referenced SOP Sequence"),
            (b'{"00081199": {"vr": "SQ", "Value": [{}]}}', "Referenced SOP Class UID"),
        ],
    )
    def test_a_broken_payload_is_refused_and_nothing_is_kept(
        self, commitments: Commitments, payload: bytes, words: str
    ) -> None:
        reply = commitments.ask(payload)
        assert reply.status == 400
        assert commitments.look().status == 404
        assert words in reply.warnings[0]

    def test_a_compressed_payload_is_refused(self, commitments: Commitments) -> None:
        reply = commitments.ask(by_sop(instance(1)), content_encoding="gzip")
        assert reply.status == 400

    def test_pages_may_read_the_answer_if_their_origin_may(
        self, commitments: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ALLOWED_ORIGINS", "https://viewer.example.org")
        settings.cache_clear()
        reply = commitments.ask(by_sop(instance(1)), Origin="https://viewer.example.org")
        assert reply.headers["Access-Control-Allow-Origin"] == "https://viewer.example.org"
        assert "Retry-After" in reply.headers["Access-Control-Expose-Headers"]


def test_no_uid_of_a_request_is_logged(commitments: Commitments, log: StringIO) -> None:
    commitments.store(instance(1))
    commitments.ask(by_sop(instance(1), instance(2)))
    lines = [json.loads(each) for each in log.getvalue().splitlines()]
    (line,) = [each for each in lines if each["message"] == "commit"]
    assert (line["committed"], line["failed"]) == (1, {"0112": 1})
    assert "1.2.1." not in log.getvalue()
    assert TRANSACTION not in log.getvalue()
