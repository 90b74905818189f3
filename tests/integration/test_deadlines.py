"""The caller's deadline and cancellation reach the request to WeChat; without a deadline the service has its own."""

import queue
import time

import pytest

from rpc_failure import Failure, expect, failure
from sandbox_process import CUSTOM, TEMPLATE, TOKEN, USER
from timing import LIMIT, ONE_REPEAT, SCALE, Stopwatch, eventually


def within(milliseconds):
    """The deadline as the service reads it, while the client itself would wait for ever: no race between two clocks."""
    return (("grpc-timeout", f"{int(milliseconds)}m"),)


def told(main, reason, call):
    """(openid, how the call for him failed), with this reason. It leaves 20 ms ahead of the deadline; on a machine that
    is too busy for that, gRPC's own end of the call wins now and then and gives none, or the time is over before the
    request leaves. Then it is another follower's turn."""
    for _ in range(10):
        openid = main.user()
        failed = failure(call, openid)
        if failed.reason == reason:
            break
        assert failed.code.name == "DEADLINE_EXCEEDED" and failed.reason in (None, "DEADLINE_TOO_SHORT"), failed
    return openid, failed


def test_U04_callers_deadline_after_the_message_left(service, main):
    def send(openid):
        main.fault({"delay_after_ms": int(8000 * SCALE)}, openid=openid)
        stopwatch = Stopwatch()
        try:
            service.send_text(openid, "慢", timeout=None, metadata=within(400 * SCALE))
        finally:
            assert stopwatch.seconds() < 1.5 * SCALE

    openid, failed = told(main, "OUTCOME_UNKNOWN", send)
    expect(failed, "DEADLINE_EXCEEDED", "OUTCOME_UNKNOWN", "hongyan")
    assert failed.pushback_ms == -1 and failed.retry_seconds is None
    assert main.arrivals(CUSTOM, openid=openid) == 1 and main.texts(openid) == ["慢"]


def test_U04_details_come_back_before_the_callers_own_clock_gives_up(service, main):
    def send(openid):
        main.fault({"delay_after_ms": int(8000 * SCALE)}, openid=openid)
        service.send_text(openid, "慢", timeout=1 * SCALE)

    _, failed = told(main, "OUTCOME_UNKNOWN", send)
    expect(failed, "DEADLINE_EXCEEDED", "OUTCOME_UNKNOWN", "hongyan")


def test_U04_template_with_key_is_unknown_too_when_the_deadline_ends_its_repeats(service, main, openid):
    main.fault({"http_status": 502, "count": True}, TEMPLATE, openid=openid)
    failed = failure(service.send_template, openid, idempotency_key="d-" + openid, timeout=ONE_REPEAT)
    assert failed.reason == "OUTCOME_UNKNOWN" and failed.pushback_ms == -1
    assert main.arrivals(TEMPLATE, openid=openid) == 2 and len(main.chat(openid)) == 1


def test_deadline_of_a_read(service, main):
    def read(openid):
        main.fault({"delay_before_ms": int(8000 * SCALE)}, USER, openid=openid)
        service.user_info(openid, timeout=None, metadata=within(400 * SCALE))

    _, failed = told(main, "WECHAT_UNREACHABLE", read)
    assert failed.code.name in ("DEADLINE_EXCEEDED", "UNAVAILABLE") and failed.reason == "WECHAT_UNREACHABLE"


@pytest.mark.parametrize("milliseconds", [1, 10, 45])
def test_G05_too_little_time_left_and_nothing_is_sent(service, main, milliseconds):
    before = main.arrivals(CUSTOM)
    openid, failed = told(main, "DEADLINE_TOO_SHORT", lambda openid: service.send_text(
        openid, "x", timeout=None, metadata=within(milliseconds)))
    assert failed.code.name == "DEADLINE_EXCEEDED"
    # With so little time each call may end before the service could say why.
    assert failed.reason == "DEADLINE_TOO_SHORT" or failed.reason is None and milliseconds < 20 * SCALE, failed
    service.user_info(openid)
    assert main.arrivals(CUSTOM) == before


def test_G05_deadline_passes_while_the_token_is_fetched(start, account):
    # The service itself gives a fetch ten seconds.
    account.fault({"delay_before_ms": int(min(3000 * SCALE, 9000))}, TOKEN)
    # The fetch begins with the service. Where a busy machine takes so long to call that the silence is worth telling, or
    # gRPC's own end of the call wins, another service is asked.
    for _ in range(10):
        service = start(account, wait=False)
        openid = account.user()
        failed = failure(service.send_text, openid, "x", timeout=None, metadata=within(200))
        if failed.reason == "DEADLINE_TOO_SHORT":
            break
        assert failed.reason in (None, "WECHAT_UNREACHABLE"), failed
        service.stop()
    expect(failed, "DEADLINE_EXCEEDED", "DEADLINE_TOO_SHORT", "hongyan")
    fetched = account.arrivals(TOKEN)
    service.send_text(openid, "y")
    assert account.texts(openid) == ["y"] and account.arrivals(TOKEN) == fetched


def test_G07_cancel_while_waiting_for_the_answer_ends_the_request(start, account):
    service = start(account)
    openid = account.user()
    account.fault({"delay_after_ms": int(8000 * SCALE)}, openid=openid)
    call = service.begin_text(openid, "取消")
    account.wait(CUSTOM, openid=openid)
    assert service.metric("hongyan_in_flight") == 1 and service.connections_to(account.sandbox.port) == 1
    stopwatch = Stopwatch()
    call.cancel()
    eventually(lambda: service.metric("hongyan_in_flight") == 0, what="the place given back")
    # The request's connection is closed, long before the answer or any time-out.
    eventually(lambda: service.connections_to(account.sandbox.port) == 0, what="the connection closed")
    assert stopwatch.seconds() < 2 * SCALE
    assert account.arrivals(CUSTOM) == 1 and account.texts(openid) == ["取消"]
    assert service.metric("hongyan_sends_total", kind="text", outcome="unknown") == 1


def test_G07_cancel_before_anything_is_written_sends_nothing(start, account):
    account.fault({"delay_before_ms": int(1000 * SCALE)}, TOKEN)
    service = start(account, wait=False)
    openid = account.user()
    call = service.begin_text(openid, "gone")
    account.wait(TOKEN)
    eventually(lambda: service.metric("hongyan_in_flight") == 1, what="the call in flight")
    call.cancel()
    eventually(lambda: service.metric("hongyan_in_flight") == 0, what="the place given back")
    service.send_text(openid, "here")
    assert account.texts(openid) == ["here"] and account.arrivals(CUSTOM) == 1
    assert service.metric("grpc_server_handled_total", grpc_method="SendText", grpc_code="Canceled") == 1


def test_G07_cancel_in_the_pause_before_a_repeat(service, main, openid):
    main.fault({"errcode": -1}, openid=openid)
    call = service.begin_text(openid, "x")
    main.wait(CUSTOM, openid=openid)
    call.cancel()
    eventually(lambda: service.metric("hongyan_in_flight") == 0, what="the place given back")
    # In the first pause or, on a machine that is too busy for that, in the second or third; there is no fourth.
    assert main.arrivals(CUSTOM, openid=openid) < 4 and main.texts(openid) == []


def test_G07_idempotency_key_of_a_cancelled_send_remembers_that_it_may_have_gone_out(service, main, openid):
    main.fault({"delay_after_ms": int(2000 * SCALE)}, openid=openid)
    call = service.begin_text(openid, "一次", idempotency_key="c-" + openid)
    main.wait(CUSTOM, openid=openid)
    call.cancel()
    eventually(lambda: service.metric("hongyan_in_flight") == 0, what="the place given back")
    failed = failure(service.send_text, openid, "一次", idempotency_key="c-" + openid)
    assert failed.reason == "OUTCOME_UNKNOWN" and main.arrivals(CUSTOM, openid=openid) == 1


@pytest.mark.seconds(40)
def test_G06_without_a_usable_deadline_the_service_ends_the_call_after_30_seconds(start, account):
    service = start(account, {"wechat": {"timeout": "60s"}})
    account.fault({"delay_after_ms": 55000}, times=0)
    begun, ended, waited = time.monotonic(), queue.Queue(), queue.Queue()
    calls = []
    for timeout in (None, "banana", "99999999H"):
        metadata = (("grpc-timeout", timeout),) if timeout else None
        calls.append(service.begin_text(account.user(), "没有期限", timeout=None, metadata=metadata))
        calls[-1].add_done_callback(lambda _: ended.put(time.monotonic() - begun))
    patient = service.begin_text(account.user(), "不急", timeout=3600)
    patient.add_done_callback(lambda _: waited.put(time.monotonic() - begun))
    for call in calls:
        failed = Failure.of_error(call.exception(timeout=30 + LIMIT))
        expect(failed, "UNKNOWN", "OUTCOME_UNKNOWN", "hongyan")
        assert "Timeout was reached" in failed.message  # not: the other side was tired of it
        assert 29 <= ended.get(timeout=LIMIT) < 50, "before WeChat answers"
    assert account.arrivals(CUSTOM) == 4
    # One whose caller has more time goes on.
    try:
        assert waited.get(timeout=max(0, begun + 30 + 2 * SCALE - time.monotonic())) > 50
    except queue.Empty:
        patient.cancel()
