"""SendBatch: each item answered as soon as WeChat has answered it, a bad one alone, and nothing begun for nobody."""

import grpc
import pytest

from rpc_failure import Failure, expect, failure
from sandbox_process import CUSTOM, SHIPPED, SHIPPED_DATA
from timing import LIMIT, SCALE, eventually


@pytest.fixture
def batch(service, api):
    """batch(notification fields, …) → the stream."""

    def begin(*items, timeout=LIMIT):
        request = api.pb.SendBatchRequest(notifications=[api.pb.Notification(**item) for item in items])
        return service.stub().SendBatch(request, timeout=timeout)

    return begin


@pytest.fixture
def text(api):
    return lambda content="x", **fields: api.pb.Text(content=content, **fields)


def test_answers_stream_as_they_come(batch, text, main, openid):
    slow = main.user()
    main.fault({"delay_after_ms": int(1000 * SCALE)}, openid=slow)
    stream = batch({"openid": slow, "text": text("慢")}, *[{"openid": openid, "text": text(f"{i}")} for i in range(5)])
    indices = [next(stream).index for _ in range(5)]
    assert sorted(indices) == [1, 2, 3, 4, 5]
    assert [answer.index for answer in stream] == [0]
    assert main.texts(slow) == ["慢"]


def test_500_items_complete_and_once_each(batch, text, api, main):
    users = [main.user() for _ in range(10)]
    items = [{"openid": users[i % 10], "text": text(f"第 {i} 条")} for i in range(500)]
    answers = list(batch(*items))
    assert sorted(answer.index for answer in answers) == list(range(500))
    assert all(answer.delivery.state == api.pb.DELIVERY_STATE_ACCEPTED for answer in answers)
    assert len({answer.delivery.id for answer in answers}) == 500
    assert sorted(content for user in users for content in main.texts(user)) == sorted(
        f"第 {i} 条" for i in range(500))


def test_a_bad_item_fails_alone(batch, text, api, main, openid):
    template = api.pb.Template(template_id=SHIPPED, data=SHIPPED_DATA)
    items = [
        {"openid": openid, "text": text("好"), "labels": {"order": "1"}},
        {"openid": "", "text": text()},
        {"openid": openid, "text": text("x" * 2049)},
        {"openid": openid},
        {"text": text()},
        {"openid": "oNobody_at_all", "text": text()},
        {"openid": openid, "template": template, "idempotency_key": "b-" + openid},
        {"openid": openid, "template": api.pb.Template(template_id="nobodys", data={"a": "b"})},
        {"openid": openid, "account": "other", "text": text()},
        {"unionid": "u", "text": text()},
        {"openid": openid, "text": text(), "fallback": template},
    ]
    by_index = {answer.index: answer.delivery for answer in batch(*items)}
    assert sorted(by_index) == list(range(len(items)))
    accepted = {i for i, d in by_index.items() if d.state == api.pb.DELIVERY_STATE_ACCEPTED}
    assert accepted == {0, 6}
    assert by_index[0].labels == {"order": "1"} and by_index[6].idempotency_key == "b-" + openid
    assert by_index[6].msg_id and main.texts(openid)[0] == "好" and len(main.texts(openid)) == 2
    failures = {i: Failure.of_delivery(d) for i, d in by_index.items() if i not in accepted}
    for i, d in by_index.items():
        if i not in accepted:
            assert d.state == api.pb.DELIVERY_STATE_FAILED and d.HasField("finish_time"), d
    for i, field in {1: "openid", 2: "text.content", 5: "openid", 7: "template.template_id", 8: "account"}.items():
        assert failures[i].fields == [f"notifications[{i}].{field}"], failures[i]
        assert failures[i].code.name == "INVALID_ARGUMENT" and failures[i].chinese
    assert failures[3].code.name == failures[4].code.name == "INVALID_ARGUMENT"
    assert failures[5].reason == "INVALID_OPENID" and failures[7].reason == "INVALID_TEMPLATE_ID"
    assert all(failures[i].metadata["account"] == "main" for i in (1, 2, 5, 7, 9)), failures
    assert failures[9].reason == "UNIONID_NOT_FOUND" and failures[10].code.name == "UNIMPLEMENTED"


def test_unknown_outcomes_are_told_per_item(batch, text, api, main):
    lost, fine = main.user(), main.user()
    main.fault({"close": "after_count"}, openid=lost)
    by_index = {a.index: a.delivery for a in batch({"openid": lost, "text": text()}, {"openid": fine, "text": text()})}
    assert by_index[0].state == api.pb.DELIVERY_STATE_UNKNOWN
    assert Failure.of_delivery(by_index[0]).reason == "OUTCOME_UNKNOWN"
    assert by_index[1].state == api.pb.DELIVERY_STATE_ACCEPTED
    assert main.arrivals(CUSTOM, openid=lost) == 1


def test_send_time_is_refused_and_expire_time_of_the_past_is_expired(batch, text, api, main, openid):
    from google.protobuf.timestamp_pb2 import Timestamp
    past, future = Timestamp(seconds=1), Timestamp(seconds=32503680000)
    by_index = {a.index: a.delivery for a in batch({"openid": openid, "text": text(), "send_time": future},
                                                   {"openid": openid, "text": text(), "expire_time": past},
                                                   {"openid": openid, "text": text("y"), "expire_time": future})}
    assert by_index[0].state == api.pb.DELIVERY_STATE_FAILED
    assert Failure.of_delivery(by_index[0]).fields == ["notifications[0].send_time"]
    assert by_index[1].state == api.pb.DELIVERY_STATE_EXPIRED and by_index[1].attempts == 0
    assert by_index[2].state == api.pb.DELIVERY_STATE_ACCEPTED
    assert main.texts(openid) == ["y"]


@pytest.mark.parametrize("count", [0, 10001])
def test_G01_number_of_items(batch, main, count):
    before = main.arrivals(CUSTOM)
    failed = failure(list, batch(*[{}] * count))
    expect(failed, "INVALID_ARGUMENT", "INVALID_REQUEST", "hongyan")
    assert failed.fields == ["notifications"] and main.arrivals(CUSTOM) == before


def test_the_same_key_twice_in_one_batch_is_one_send(batch, text, main, openid):
    item = {"openid": openid, "text": text("一次"), "idempotency_key": "same-" + openid}
    ids = {answer.delivery.id for answer in batch(item, item, item)}
    assert len(ids) == 1 and main.texts(openid) == ["一次"]


def test_G17_client_vanishes_and_nothing_more_is_begun(batch, text, service, main, openid):
    main.fault({"delay_after_ms": int(150 * SCALE)}, openid=openid)
    stream = batch(*[{"openid": openid, "text": text(f"{i}"), "idempotency_key": f"v-{openid}-{i}"}
                     for i in range(400)])
    seen = [next(stream).index for _ in range(10)]
    stream.cancel()
    eventually(lambda: service.metric("hongyan_in_flight") == 0, what="the end of the batch")
    arrived = main.arrivals(CUSTOM, openid=openid)
    assert len(seen) <= arrived < 400
    # What had begun ended as it should, so every arrival is answered by its key without another request.
    texts = main.texts(openid)
    assert len(texts) == arrived
    for content in texts:
        assert service.send_text(openid, content, idempotency_key=f"v-{openid}-{content}").id
    assert main.arrivals(CUSTOM, openid=openid) == arrived


@pytest.mark.seconds(30)
def test_G16_readers_who_never_read_cost_no_memory_and_can_leave(start, sandbox, api):
    """Eight of them, whose answers are 30 MB: with labels, since each answer repeats those of its item."""
    account = sandbox.new_account()
    service = start(account)
    labels = {f"label{i:02d}".ljust(60, "x"): "x" * 64 for i in range(15)}

    def begin(openid):
        request = api.pb.SendBatchRequest(notifications=[
            api.pb.Notification(openid=openid, text=api.pb.Text(content="x"), labels=labels) for _ in range(1900)])
        assert 3_500_000 < request.ByteSize() < 4 << 20
        # Windows that stay as small as HTTP/2 begins with.
        channel = service.new_channel(("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65535))
        return service.stub(channel).SendBatch(request, timeout=LIMIT * 3)

    assert sum(1 for _ in begin(account.user())) == 1900  # warm
    openids = [account.user() for _ in range(8)]
    streams = [begin(openid) for openid in openids]
    for openid in openids:  # each request is parsed, and its first answers wait
        account.wait(CUSTOM, 40, openid=openid)
    before = service.resident_mb()
    # All of it would long have been sent for readers: the warm one had its 1900 in less.
    sent = sandbox.get("wait", app_id=account.app_id, api=CUSTOM, count=9 * 1900, timeout_ms=int(3000 * SCALE))
    assert not sent["reached"] and account.arrivals(CUSTOM) < 1900 + 8 * 1900 // 4
    assert service.resident_mb() - before < 8 * SCALE
    assert service.metric("hongyan_in_flight") == 8
    for stream in streams:
        stream.cancel()
    eventually(lambda: service.metric("hongyan_in_flight") == 0, what="the end of the batches")
    service.send_text(openid, "x")


def test_deadline_of_a_batch_tells_what_was_not_sent(batch, text, api, main, openid):
    main.fault({"delay_after_ms": int(5000 * SCALE)}, openid=openid)
    answers = []
    try:
        for answer in batch(*[{"openid": openid, "text": text(f"{i}")} for i in range(100)], timeout=1 * SCALE):
            answers.append(answer.delivery)
    except grpc.RpcError as late:  # the caller's clock was faster than the last answers
        assert late.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    else:
        assert len(answers) == 100
    arrived = main.arrivals(CUSTOM, openid=openid)
    assert arrived <= 32
    unknown = [delivery for delivery in answers if delivery.state == api.pb.DELIVERY_STATE_UNKNOWN]
    assert len(unknown) <= arrived
    assert all(delivery.state == api.pb.DELIVERY_STATE_FAILED for delivery in answers if delivery not in unknown)