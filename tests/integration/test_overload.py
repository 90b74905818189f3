"""Too much at once is refused early and clearly."""

import time

import grpc
import pytest

import raw_http2
from rpc_failure import Failure, expect, failure
from sandbox_process import CUSTOM
from timing import LIMIT, SCALE, Stopwatch, eventually


@pytest.fixture(scope="module")
def narrow(api, session_sandbox, tmp_path_factory):
    from service_process import Service
    service = Service(api, tmp_path_factory.mktemp("narrow"), {"main": session_sandbox.new_account()},
                      {"grpc": {"max_in_flight": 3, "max_request_bytes": "64KiB"}})
    yield service
    service.stop()


@pytest.fixture
def account(narrow, sandbox):
    return narrow.accounts["main"]


def occupy(narrow, account, milliseconds):
    slow = account.user()
    account.fault({"delay_after_ms": int(milliseconds * SCALE)}, openid=slow)
    calls = [narrow.begin_text(slow, f"{i}") for i in range(3)]
    account.wait(CUSTOM, 3, openid=slow)
    return calls


def nobody_in_flight(narrow):
    eventually(lambda: narrow.metric("hongyan_in_flight") == 0, what="places given back")


def test_max_in_flight_refuses_at_once_and_frees_the_place_afterwards(narrow, account):
    openid = account.user()
    calls = occupy(narrow, account, 1000)
    for _ in range(20):
        stopwatch = Stopwatch()
        failed = failure(narrow.send_text, openid, "x")
        assert stopwatch.seconds() < 0.5 * SCALE
        expect(failed, "RESOURCE_EXHAUSTED", "OVERLOADED", "hongyan")
        assert failed.retry_seconds == 1 and failed.pushback_ms == 1000
    assert not any(call.done() for call in calls)
    # Health, probes and metrics answer under load.
    assert narrow.metric("hongyan_in_flight") == 3
    stub = narrow.api.health_rpc.HealthStub(narrow.channel)
    assert stub.Check(narrow.api.health.HealthCheckRequest(), timeout=LIMIT).status == 1
    for call in calls:
        assert call.result(LIMIT).delivery.id
    nobody_in_flight(narrow)  # the places are given back a little later than the answers are read
    narrow.send_text(openid, "y")
    assert account.texts(openid) == ["y"]
    nobody_in_flight(narrow)


def test_F03_a_place_is_held_until_the_work_ends_not_the_stream(narrow, account, api):
    slow, openid = account.user(), account.user()
    # Not stretched: what has begun for a caller who is gone may go on for five seconds.
    account.fault({"delay_after_ms": 3500}, openid=slow)
    begun = time.monotonic()
    batches = [narrow.stub().SendBatch(api.pb.SendBatchRequest(notifications=[
        api.pb.Notification(openid=slow, text=api.pb.Text(content=f"{i}"), idempotency_key=f"F03-{slow}-{i}")]),
        timeout=LIMIT) for i in range(3)]
    account.wait(CUSTOM, 3, openid=slow)
    for batch in batches:
        batch.cancel()
        assert batch.code() == grpc.StatusCode.CANCELLED  # the streams have ended, as their caller sees it
    assert narrow.metric("hongyan_in_flight") == 3
    refused = 0
    while True:
        try:
            narrow.send_text(openid, "x")
            break
        except grpc.RpcError as error:
            expect(Failure.of_error(error), "RESOURCE_EXHAUSTED", "OVERLOADED", "hongyan")
        refused += 1
        assert time.monotonic() - begun < LIMIT
    # The whole delay has passed, so the answers of WeChat were what ended the work.
    assert time.monotonic() - begun > 3.4 and refused >= 3
    nobody_in_flight(narrow)
    for i in range(3):  # what the key remembers is how the work ended
        assert narrow.send_text(slow, f"{i}", idempotency_key=f"F03-{slow}-{i}").attempts == 1
    assert account.arrivals(CUSTOM, openid=slow) == 3 and account.arrivals(CUSTOM, openid=openid) == 1


def test_F03_a_cancelled_unary_call_gives_its_place_back(narrow, account):
    calls = occupy(narrow, account, 5000)
    for call in calls:
        call.cancel()
    eventually(lambda: narrow.metric("hongyan_in_flight") == 0, limit=4 * SCALE, what="places given back")
    narrow.send_text(account.user(), "y")


@pytest.mark.seconds(10)
def test_batches_take_a_place_too(narrow, account, api):
    calls = occupy(narrow, account, 2000)
    batch = narrow.stub().SendBatch(api.pb.SendBatchRequest(notifications=[
        api.pb.Notification(openid="o", text=api.pb.Text(content="x"))]), timeout=LIMIT)
    expect(failure(list, batch), "RESOURCE_EXHAUSTED", "OVERLOADED", "hongyan")
    for call in calls:
        call.result(LIMIT)
    nobody_in_flight(narrow)


def test_G16_answers_that_nobody_reads_keep_their_places(narrow, account):
    openid = account.user()
    path = "/hongyan.v1.NotifyService/GetUserInfo"
    request = narrow.api.pb.GetUserInfoRequest(openid=openid).SerializeToString()
    labels = {"grpc_method": "GetUserInfo"}
    answered, refused = (narrow.metric("grpc_server_handled_total", grpc_code=code, **labels)
                         for code in ("OK", "ResourceExhausted"))
    nobody_in_flight(narrow)
    # With windows of nothing no answer can leave.
    with raw_http2.Client(narrow.grpc_address, {raw_http2.INITIAL_WINDOW_SIZE: 0}) as client:
        unread = [client.request(path, request) for _ in range(3)]
        eventually(lambda: narrow.metric("grpc_server_handled_total", grpc_code="OK", **labels) == answered + 3,
                   what="the answers made")
        for _ in range(5):  # a refusal is a head alone, which needs no window
            stream = client.request(path, request)
            while client.wait_for(raw_http2.HEADERS)[2] != stream:
                pass
        assert narrow.metric("grpc_server_handled_total", grpc_code="ResourceExhausted", **labels) == refused + 5
        assert narrow.metric("hongyan_in_flight") == 3
        for stream in unread:
            client.send(raw_http2.WINDOW_UPDATE, (1 << 20).to_bytes(4, "big"), stream=stream)
            kind, _, of, message = client.wait_for(raw_http2.DATA)
            assert of == stream and openid.encode() in message
        nobody_in_flight(narrow)
        client.request(path, request)
        eventually(lambda: narrow.metric("hongyan_in_flight") == 1, what="a place taken")
    nobody_in_flight(narrow)  # whoever hangs up reads no more


@pytest.mark.parametrize("algorithm", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_G08_compressed_requests_are_unimplemented(narrow, account, algorithm):
    openid = account.user()
    before = narrow.resident_mb()
    for _ in range(20):
        with pytest.raises(grpc.RpcError) as caught:
            narrow.stub().SendText(narrow.text(openid, "x" * 30_000_000), compression=algorithm, timeout=LIMIT)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert narrow.resident_mb() - before < 20 * SCALE
    assert account.arrivals(CUSTOM, openid=openid) == 0


def test_G09_message_above_max_request_bytes(narrow, account):
    openid = account.user()
    with pytest.raises(grpc.RpcError) as caught:
        narrow.send_text(openid, "x" * (64 * 1024 + 1))
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    # Just below it is our own check's turn.
    failed = failure(narrow.send_text, openid, "x" * (63 * 1024))
    expect(failed, "INVALID_ARGUMENT", "INVALID_REQUEST", "hongyan")


def test_metadata_has_a_limit(narrow, account):
    openid = account.user()
    stub = narrow.stub(narrow.new_channel())  # the connection may end with it
    with pytest.raises(grpc.RpcError) as caught:
        stub.SendText(narrow.text(openid, "x"), metadata=(("x-big", "y" * 20000),), timeout=LIMIT)
    assert caught.value.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)
    narrow.send_text(openid, "y")
    assert account.texts(openid) == ["y"]


def test_seventeenth_batch_is_refused(start, sandbox, api):
    account = sandbox.new_account()
    service = start(account)
    slow, quick = account.user(), account.user()
    account.fault({"delay_after_ms": int(1500 * SCALE)}, openid=slow)
    request = api.pb.SendBatchRequest(notifications=[
        api.pb.Notification(openid=slow, text=api.pb.Text(content="x"))])
    batches = [service.stub().SendBatch(request, timeout=LIMIT) for _ in range(16)]
    account.wait(CUSTOM, 16, openid=slow)
    failed = failure(list, service.stub().SendBatch(request, timeout=LIMIT))
    expect(failed, "RESOURCE_EXHAUSTED", "OVERLOADED", "hongyan")
    failed = failure(service.users_info, [quick])
    expect(failed, "RESOURCE_EXHAUSTED", "OVERLOADED", "hongyan")
    service.send_text(quick, "x")
    assert [len(list(batch)) for batch in batches] == [1] * 16
    assert len(service.users_info([quick])) == 1
