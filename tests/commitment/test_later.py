"""Answers that come later: the queue, its worker, and what dies on the way."""

import time
from collections.abc import Callable
from http import HTTPStatus
from io import StringIO
from operator import attrgetter
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import ClientError

import commitment.answering
import commitment.handler
from archive.heads import Heads
from archive.items import Item
from archive.queues import Queue
from archive.transactions import Transaction, Transactions
from commitment.settings import settings
from commitment.worker import TryAgain
from dicomweb.commitment.outcomes import CommitmentOutcome
from tests.archive.deployment import instance
from tests.commitment.deployment import (
    TRANSACTION,
    Commitments,
    by_sop,
    by_study,
    committed,
    failed,
)
from tests.store.lambdas import Reply

REQUEST = by_sop(instance(1), instance(2))


def error(code: str, status: HTTPStatus, operation: str = "HeadObject") -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item] # the rest is not asked for
        operation,
    )


SLOW_DOWN = error("SlowDown", HTTPStatus.SERVICE_UNAVAILABLE)


def fails(raised: Exception, only: str = "") -> Callable[..., Any]:
    """Return a look at an object that raises, for the items of ``only`` or for all."""
    look = Heads.outcome

    def outcome(heads: Heads, item: Item) -> CommitmentOutcome:
        if only in item["Resource"]["S"]:
            raise raised
        return look(heads, item)

    return outcome


def is_accepted(reply: Reply) -> bool:
    """Tell whether an answer is 202 as the standard has it: no payload, and when to ask again."""
    return (reply.status, reply.body, reply.headers["Retry-After"]) == (202, "", "5")


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that is put off comes again at once."""
    monkeypatch.setattr("commitment.worker.SECONDS_TO_SECOND", 0)


@pytest.fixture
def one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commitment.handler, "MOST_AT_ONCE", 1)


@pytest.mark.usefixtures("one_at_once")
def test_a_large_request_is_answered_by_the_queue(commitments: Commitments) -> None:
    commitments.store(instance(1))

    assert is_accepted(commitments.ask(REQUEST))
    assert is_accepted(commitments.look())
    assert is_accepted(commitments.ask(REQUEST))
    assert commitments.work() == 1

    answer = commitments.look()
    assert answer.status == 200
    assert committed(answer) == ["1.2.1.1"]
    assert failed(answer) == {"1.2.1.2": "0112"}
    assert commitments.ask(REQUEST).body == answer.body


@pytest.mark.usefixtures("one_at_once")
def test_a_message_that_comes_twice_changes_nothing(commitments: Commitments) -> None:
    commitments.ask(REQUEST)
    queue = commitments.variables["COMMITMENT_QUEUE"]
    for transaction in (TRANSACTION, "2.25.9"):
        commitments.sqs.send_message(
            QueueUrl=queue, MessageBody=f'{{"transaction": "{transaction}"}}'
        )
    assert commitments.work() == 3
    assert failed(commitments.look()) == {"1.2.1.1": "0112", "1.2.1.2": "0112"}


@pytest.mark.usefixtures("no_pause")
def test_what_s3_does_not_answer_now_is_asked_again_by_the_queue(
    commitments: Commitments, monkeypatch: pytest.MonkeyPatch
) -> None:
    commitments.store(instance(1), instance(2))
    with monkeypatch.context() as overloaded:
        overloaded.setattr(Heads, "outcome", fails(SLOW_DOWN, "1.2.1.2"))
        assert is_accepted(commitments.ask(REQUEST))
        with pytest.raises(TryAgain):
            commitments.work()
    assert is_accepted(commitments.look())
    assert commitments.work(attempt=2) == 1
    assert committed(commitments.look()) == ["1.2.1.1", "1.2.1.2"]


def test_what_no_attempt_finds_out_is_0213(
    commitments: Commitments, monkeypatch: pytest.MonkeyPatch
) -> None:
    commitments.store(instance(1), instance(2))
    monkeypatch.setattr(Heads, "outcome", fails(SLOW_DOWN, "1.2.1.2"))
    commitments.ask(REQUEST)
    assert commitments.work(attempt=5) == 1
    assert committed(commitments.look()) == ["1.2.1.1"]
    assert failed(commitments.look()) == {"1.2.1.2": "0213"}


@pytest.mark.parametrize(
    ("client", "call"),
    [("_heads._s3", "head_object"), ("_index._dynamodb", "batch_get_item")],
)
def test_a_call_that_is_refused_for_now_is_made_again_by_the_queue(
    commitments: Commitments, monkeypatch: pytest.MonkeyPatch, client: str, call: str
) -> None:
    commitments.store(instance(1), instance(2))

    def refuse(**_: object) -> None:
        raise SLOW_DOWN

    with monkeypatch.context() as overloaded:
        caller = attrgetter(client)(commitment.answering.safekeeping(settings()))
        overloaded.setattr(caller, call, refuse)
        assert is_accepted(commitments.ask(REQUEST))
        assert is_accepted(commitments.ask(by_study(instance(1)), "2.25.2"))
    assert commitments.work() == 2
    assert committed(commitments.look()) == ["1.2.1.1", "1.2.1.2"]
    assert committed(commitments.look("2.25.2")) == ["1.2.1.1"]


def test_what_nobody_foresaw_is_503_and_logged_without_its_words(
    commitments: Commitments, monkeypatch: pytest.MonkeyPatch, log: StringIO
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("Planted^Name")

    monkeypatch.setattr(Transactions, "begin", fail)
    assert commitments.ask(REQUEST).status == 503
    assert '"error":"KeyError"' in log.getvalue()
    assert "Planted" not in log.getvalue()


def test_an_error_that_will_not_pass_is_0110_at_once(
    commitments: Commitments, monkeypatch: pytest.MonkeyPatch, log: StringIO
) -> None:
    commitments.store(instance(1), instance(2))
    denied = error("403", HTTPStatus.FORBIDDEN)
    monkeypatch.setattr(Heads, "outcome", fails(denied, "1.2.1.2"))
    reply = commitments.ask(REQUEST)
    assert committed(reply) == ["1.2.1.1"]
    assert failed(reply) == {"1.2.1.2": "0110"}

    monkeypatch.setattr(Heads, "outcome", fails(KeyError("1.2.1.2"), "1.2.1.2"))
    assert failed(commitments.ask(REQUEST, "2.25.2")) == {"1.2.1.2": "0110"}
    assert '"error":"KeyError"' in log.getvalue()
    assert "1.2.1.2" not in log.getvalue()


def test_dynamodb_that_is_busy_is_503_and_nothing_is_forgotten(
    commitments: Commitments, monkeypatch: pytest.MonkeyPatch
) -> None:
    commitments.store(instance(1), instance(2))

    def busy(*_: object) -> None:
        raise error("ThrottlingException", HTTPStatus.BAD_REQUEST, "UpdateItem")

    with monkeypatch.context() as overloaded:
        overloaded.setattr(Transactions, "finish", busy)
        reply = commitments.ask(REQUEST)
        assert reply.status == 503
        assert reply.headers["Retry-After"]
        assert '"0213: ' in reply.warnings[0]
        overloaded.setattr(Transactions, "find", busy)
        assert commitments.look().status == 503
    # It was let go, so that the next one works it out at once.
    assert committed(commitments.ask(REQUEST)) == ["1.2.1.1", "1.2.1.2"]


class TestIndex:
    def test_an_instance_that_it_does_not_have_yet_is_asked_for_again(
        self, commitments: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[float] = []

        def sleep(seconds: float) -> None:
            asked.append(seconds)
            if len(asked) == 2:
                commitments.store(instance(1))

        monkeypatch.setattr("archive.safekeeping.SECONDS_UNTIL_ASKED_AGAIN", (0.5, 1.0, 2.0))
        monkeypatch.setattr("archive.safekeeping.time.sleep", sleep)
        assert committed(commitments.ask(by_sop(instance(1)))) == ["1.2.1.1"]
        assert asked == [0.5, 1.0]

    def test_what_it_still_has_is_not_what_is_there(
        self, commitments: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commitments.store(instance(1))
        sop_instances = commitment.answering.safekeeping(settings())._sop_instances
        keys = sop_instances.keys("1.2.1.1")
        for key in keys:
            commitments.dynamodb.delete_item(TableName="planted-table-name", Key=key.item())
        monkeypatch.setattr(sop_instances, "keys", lambda _: keys)  # an index that lags
        assert failed(commitments.ask(by_sop(instance(1)))) == {"1.2.1.1": "0112"}

    @pytest.mark.usefixtures("no_pause")
    @pytest.mark.parametrize("code", ["ValidationException", "ResourceNotFoundException"])
    def test_a_table_without_it_is_named(
        self, commitments: Commitments, monkeypatch: pytest.MonkeyPatch, code: str
    ) -> None:
        commitments.store(instance(1), instance(2))
        sop_instances = commitment.answering.safekeeping(settings())._sop_instances

        def missing(**_: object) -> None:
            raise error(code, HTTPStatus.BAD_REQUEST, "Query")

        with monkeypatch.context() as older:
            older.setattr(sop_instances._dynamodb, "query", missing)
            reply = commitments.ask(REQUEST)
            assert reply.status == 503
            assert "Retry-After" not in reply.headers
            assert "found no index BySOPInstanceUID" in reply.warnings[0]
            # By their studies they are found without it.
            by_studies = commitments.ask(by_study(instance(1)), "2.25.2")
            assert committed(by_studies) == ["1.2.1.1"]
            # What waits in the queue ends as well.
            older.setattr(commitment.handler, "MOST_AT_ONCE", 0)
            assert is_accepted(commitments.ask(REQUEST, "2.25.3"))
            with pytest.raises(TryAgain):
                commitments.work()
            commitments.work(attempt=5)
            assert failed(commitments.look("2.25.3")) == {"1.2.1.1": "0110", "1.2.1.2": "0110"}
        assert committed(commitments.ask(REQUEST)) == ["1.2.1.1", "1.2.1.2"]

    def test_another_error_of_a_query_is_not_taken_for_it(
        self, commitments: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sop_instances = commitment.answering.safekeeping(settings())._sop_instances

        def denied(**_: object) -> None:
            raise error("AccessDeniedException", HTTPStatus.BAD_REQUEST, "Query")

        monkeypatch.setattr(sop_instances._dynamodb, "query", denied)
        assert failed(commitments.ask(by_sop(instance(1)))) == {"1.2.1.1": "0110"}


class TestTime:
    def test_what_cannot_be_looked_at_in_time_is_left_to_the_queue(
        self, commitments: Commitments
    ) -> None:
        commitments.store(instance(1), instance(2))
        assert is_accepted(commitments.ask(REQUEST, seconds=6.0))
        assert commitments.work() == 1
        assert committed(commitments.look()) == ["1.2.1.1", "1.2.1.2"]

    def test_the_index_is_not_asked_again_when_there_is_no_time_for_it(
        self, commitments: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("archive.safekeeping.SECONDS_UNTIL_ASKED_AGAIN", (60.0,))
        assert is_accepted(commitments.ask(REQUEST))

    def test_an_answer_of_s3_that_never_ends_is_not_waited_for(
        self, commitments: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commitments.store(instance(1), instance(2))
        let_go, look = Event(), Heads.outcome

        def never_ends(heads: Heads, item: Item) -> CommitmentOutcome:
            if "1.2.1.2" in item["Resource"]["S"]:
                assert let_go.wait(20)
            return look(heads, item)

        monkeypatch.setattr(Heads, "outcome", never_ends)
        assert is_accepted(commitments.ask(REQUEST, seconds=6.5))
        let_go.set()
        commitments.work()
        assert committed(commitments.look()) == ["1.2.1.1", "1.2.1.2"]

    def test_an_answer_of_dynamodb_that_never_ends_is_not_waited_for(
        self, commitments: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        let_go = Event()

        def never_ends(*_: object) -> None:
            assert let_go.wait(20)

        monkeypatch.setattr(Transactions, "find", never_ends)
        reply = commitments.look(seconds=2.2)
        let_go.set()
        assert reply.status == 503
        assert '"0213: ' in reply.warnings[0]


class TestDeath:
    @pytest.fixture
    def dead(self, commitments: Commitments, monkeypatch: pytest.MonkeyPatch) -> Commitments:
        """A function died after it had begun to work out an answer."""
        commitments.store(instance(1), instance(2))

        def dies(*_: object) -> None:
            raise SystemExit

        with monkeypatch.context() as dying:
            dying.setattr(commitment.handler, "answer", dies)
            with pytest.raises(SystemExit):
                commitments.ask(REQUEST)
        return commitments

    def test_until_its_time_is_over_others_wait(
        self, dead: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later = time.time() + 15
        monkeypatch.setattr("commitment.handler.time.time", lambda: later)
        assert is_accepted(dead.look())
        assert is_accepted(dead.ask(REQUEST))
        assert dead.work() == 0

    def test_then_the_same_request_works_it_out(
        self, dead: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later = time.time() + 31
        monkeypatch.setattr("commitment.handler.time.time", lambda: later)
        assert committed(dead.ask(REQUEST)) == ["1.2.1.1", "1.2.1.2"]

    def test_and_so_does_a_look_by_the_queue(
        self, dead: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later = time.time() + 31
        monkeypatch.setattr("commitment.handler.time.time", lambda: later)
        assert is_accepted(dead.look())
        assert is_accepted(dead.look())
        assert dead.work() == 1
        assert committed(dead.look()) == ["1.2.1.1", "1.2.1.2"]

    def test_one_of_those_who_take_over_at_once_does_it(
        self, dead: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later = time.time() + 31
        monkeypatch.setattr("commitment.handler.time.time", lambda: later)
        take_over = Transactions.take_over

        def beaten(table: Transactions, transaction: Transaction, until: int) -> bool:
            assert take_over(table, transaction, until - 1)
            return take_over(table, transaction, until)

        monkeypatch.setattr(Transactions, "take_over", beaten)
        assert is_accepted(dead.ask(REQUEST))
        assert dead.work() == 0

    def test_a_first_answer_of_dynamodb_that_is_lost_loses_no_message(
        self, dead: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later = time.time() + 31
        monkeypatch.setattr("commitment.handler.time.time", lambda: later)
        take_over = Transactions.take_over

        def repeated(table: Transactions, transaction: Transaction, until: int) -> bool:
            assert take_over(table, transaction, until)
            return take_over(table, transaction, until)

        monkeypatch.setattr(Transactions, "take_over", repeated)
        assert is_accepted(dead.look())
        assert dead.work() == 1

    def test_a_look_that_is_beaten_sends_no_message(
        self, dead: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        later = time.time() + 31
        monkeypatch.setattr("commitment.handler.time.time", lambda: later)
        monkeypatch.setattr(Transactions, "take_over", lambda *_: False)
        assert is_accepted(dead.look())
        assert dead.work() == 0


class TestQueue:
    @pytest.mark.usefixtures("one_at_once")
    def test_a_queue_that_does_not_take_a_message_is_503_and_the_next_request_sends_it(
        self, commitments: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise error("RequestThrottled", HTTPStatus.FORBIDDEN, "SendMessage")

        with monkeypatch.context() as broken:
            broken.setattr(Queue, "send", refuse)
            assert commitments.ask(REQUEST).status == 503
        assert is_accepted(commitments.look())
        assert commitments.work() == 1
        assert commitments.look().status == 200

    @pytest.mark.usefixtures("one_at_once")
    def test_a_queue_that_does_not_put_off_a_message_hands_it_out_later(
        self, commitments: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commitments.store(instance(1), instance(2))
        commitments.ask(REQUEST)
        put_off: list[int] = []

        def refuse(_: Queue, __: str, seconds: int) -> None:
            put_off.append(seconds)
            raise error("RequestThrottled", HTTPStatus.FORBIDDEN, "ChangeMessageVisibility")

        monkeypatch.setattr(Queue, "put_off", refuse)
        monkeypatch.setattr(Heads, "outcome", fails(SLOW_DOWN))
        for attempt in (1, 2, 4):
            with pytest.raises(TryAgain):
                commitments.work(attempt=attempt)
        assert put_off == [30, 120, 1800]

    def test_of_two_who_work_it_out_the_first_to_write_decides(
        self, commitments: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        finish = Transactions.finish

        def second(
            table: Transactions, transaction: Transaction, answer: bytes
        ) -> Transaction | None:
            with monkeypatch.context() as first:
                first.setattr(Transactions, "finish", finish)
                commitments.sqs.send_message(
                    QueueUrl=commitments.variables["COMMITMENT_QUEUE"],
                    MessageBody=f'{{"transaction": "{TRANSACTION}"}}',
                )
                commitments.store(instance(1))
                assert commitments.work() == 1
            return finish(table, transaction, answer)

        monkeypatch.setattr(Transactions, "finish", second)
        reply = commitments.ask(by_sop(instance(1)))
        assert committed(reply) == ["1.2.1.1"]
        assert commitments.look().body == reply.body

    def test_a_transaction_that_is_gone_gets_no_answer(
        self, commitments: Commitments, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Transactions, "finish", lambda *_: None)
        assert is_accepted(commitments.ask(REQUEST))
        assert commitments.work() == 0


def test_an_answer_is_only_written_to_its_own_request(commitments: Commitments) -> None:
    table = Transactions(commitments.variables["COMMITMENT_TABLE"])
    commitments.ask(by_sop(instance(1)))
    mine = table.find(TRANSACTION)
    assert mine
    commitments.dynamodb.update_item(
        TableName=commitments.variables["COMMITMENT_TABLE"],
        Key={"TransactionUID": {"S": TRANSACTION}},
        UpdateExpression="SET Digest = :other",
        ExpressionAttributeValues={":other": {"S": "other"}},
    )
    assert table.finish(mine, b"answer") is None
    commitments.dynamodb.delete_item(
        TableName=commitments.variables["COMMITMENT_TABLE"],
        Key={"TransactionUID": {"S": TRANSACTION}},
    )
    assert table.finish(mine, b"answer") is None


def test_settings_that_are_missing_are_answered_503(
    commitments: Commitments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMMITMENT_TABLE")
    settings.cache_clear()
    assert commitments.look().status == 503
