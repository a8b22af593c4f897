"""What storage commitment needs of the template, under moto, and a sender that asks for it."""

import json
from typing import TYPE_CHECKING, Any

import commitment.answering
import commitment.handler
import commitment.settings
import commitment.worker
from dicomweb.instances import SOPInstance
from events.proxy import commitment_event
from tests.archive.deployment import BUCKET, TABLE, Deployment, Sender
from tests.store.deployment import TEMPLATE, environment, function
from tests.store.lambdas import Context, Reply

if TYPE_CHECKING:
    import boto3.session

TRANSACTION = "2.25.1"
JSON = {"Accept": "application/dicom+json"}
COMMITMENTS = "planted-commitments"


def forget() -> None:
    """Let the functions read their settings and make their clients again."""
    commitment.settings.settings.cache_clear()
    for cached in ("safekeeping", "transactions", "queue"):
        getattr(commitment.answering, cached).cache_clear()


def by_sop(*instances: SOPInstance, sop_class: str = "") -> dict[str, Any]:
    """Return a request that names ``instances`` by their own UIDs."""
    return {
        "00081199": {
            "vr": "SQ",
            "Value": [
                {
                    "00081150": {"vr": "UI", "Value": [sop_class or each.sop_class_uid]},
                    "00081155": {"vr": "UI", "Value": [each.sop_instance_uid]},
                }
                for each in instances
            ],
        }
    }


def by_study(*instances: SOPInstance) -> dict[str, Any]:
    """Return a request that names ``instances`` below their studies, one item for each."""

    def sequence(tag: str, *items: object) -> dict[str, Any]:
        return {tag: {"vr": "SQ", "Value": list(items)}}

    def uid(tag: str, value: str) -> dict[str, Any]:
        return {tag: {"vr": "UI", "Value": [value]}}

    def study(each: SOPInstance) -> dict[str, Any]:
        instance = uid("00081155", each.sop_instance_uid)
        of_class = {**uid("00081150", each.sop_class_uid), **sequence("0008114A", instance)}
        series = {**uid("0020000E", each.series_instance_uid), **sequence("00081112", of_class)}
        return {**uid("0020000D", each.study_instance_uid), **sequence("00081115", series)}

    return sequence("00081110", *map(study, instances))


class Commitments:
    """The functions of the room, and what is kept."""

    def __init__(self, deployment: Deployment, session: "boto3.session.Session") -> None:
        self.deployment = deployment
        self.sender = Sender()
        self.dynamodb = session.client("dynamodb", region_name="us-east-1")
        self.sqs: Any = session.client("sqs", region_name="us-east-1")
        table = TEMPLATE.properties("CommitmentTable")
        wanted = ("AttributeDefinitions", "KeySchema", "BillingMode")
        self.dynamodb.create_table(TableName=COMMITMENTS, **{key: table[key] for key in wanted})
        queue = self.sqs.create_queue(QueueName="commitments")["QueueUrl"]
        self.variables = {
            **environment(function("CommitmentFunction"), ""),
            "ARCHIVE_BUCKET": BUCKET,
            "INDEX_TABLE": TABLE,
            "COMMITMENT_TABLE": COMMITMENTS,
            "COMMITMENT_QUEUE": queue,
        }

    def store(self, *instances: SOPInstance) -> None:
        assert set(self.sender.outcomes(*instances)) == {"stored"}

    def ask(  # noqa: PLR0913 - all but two by keyword
        self,
        request: object,
        transaction: str = TRANSACTION,
        *,
        seconds: float = 28,
        principal: str = "",
        content_type: str = "application/dicom+json",
        content_encoding: str = "",
        **headers: str,
    ) -> Reply:
        """POST a request: a data set in JSON, or bytes."""
        payload = request if isinstance(request, bytes) else json.dumps(request).encode()
        fields = {**JSON, **headers, "Content-Encoding": content_encoding}
        sent = commitment_event("POST", transaction, payload, content_type, fields)
        return self._invoke(sent, principal, seconds)

    def look(
        self, transaction: str = TRANSACTION, *, principal: str = "", seconds: float = 28
    ) -> Reply:
        """GET the result of a request."""
        return self._invoke(commitment_event("GET", transaction, headers=JSON), principal, seconds)

    def _invoke(self, sent: dict[str, Any], principal: str, seconds: float) -> Reply:
        context = {**sent["requestContext"], "authorizer": {"principalId": principal}}
        event = {**sent, "requestContext": context}
        return Reply(commitment.handler.lambda_handler(event, Context(seconds)))

    def work(self, *, attempt: int = 1, seconds: float = 300) -> int:
        """Let the function of the queue work on each message that waits; return how many did."""
        received = self.sqs.receive_message(
            QueueUrl=self.variables["COMMITMENT_QUEUE"],
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
        ).get("Messages", [])
        for message in received:
            record = {
                "body": message["Body"],
                "receiptHandle": message["ReceiptHandle"],
                "attributes": {"ApproximateReceiveCount": str(attempt)},
            }
            commitment.worker.lambda_handler({"Records": [record]}, Context(seconds))
            self.sqs.delete_message(
                QueueUrl=self.variables["COMMITMENT_QUEUE"],
                ReceiptHandle=message["ReceiptHandle"],
            )
        return len(received)


def committed(reply: Reply) -> list[str]:
    """Return the instances that an answer in JSON commits to, by either form."""
    module = json.loads(reply.body)
    return [*_uids(module, "00081199"), *_uids(module, "00081110")]


def failed(reply: Reply) -> dict[str, str]:
    """Return the reasons, in hex, of the instances that an answer in JSON does not commit to."""
    module = json.loads(reply.body)
    items = [*_instances(module, "00081198"), *_instances(module, "0008119B")]
    return {item["00081155"]["Value"][0]: f"{item['00081197']['Value'][0]:04X}" for item in items}


def _uids(module: dict[str, Any], tag: str) -> list[str]:
    return [item["00081155"]["Value"][0] for item in _instances(module, tag)]


def _instances(item: dict[str, Any], tag: str) -> list[dict[str, Any]]:
    """Return the items at the end of the sequences that begin with ``tag``."""
    found: list[dict[str, Any]] = item.get(tag, {}).get("Value", [])
    for below in ("00081115", "00081112", "0008114A"):
        found = [each for item in found for each in item.get(below, {}).get("Value", [item])]
    return found
