"""The caller's deadline and cancellation reach the request to WeChat; without a deadline the service has its own."""

import time

import pytest

from rpc_failure import Failure, expect, failure
from sandbox_process import CUSTOM, TEMPLATE, TOKEN, USER
from timing import SCALE, eventually


def within(milliseconds):
    """The deadline as the service reads it, while the client itself would wait for ever: no race between two clocks."""
    return (("grpc-timeout", f"{int(milliseconds)}m"),)


@pytest.fixture(scope="module", autouse=True)
def endless_calls(module_service, session_sandbox):
    """G06: calls without a usable deadline, begun now and looked at last: they take the service's 30 s."""
    account = session_sandbox.new_account()
    calls = {}
    service = module_service
    folder = service.folder / "patient"
    folder.mkdir()
    patient = type(service)(service.api, folder, {"main": account}, {"wechat": {"timeout": "60s"}})
    begun = time.monotonic()
    for timeout in (None, "banana", "99999999H"):
        openid = account.user()
        account.fault({"delay_after_ms": 55000}, openid=openid)
        metadata = (("grpc-timeout", timeout),) if timeout else None
        calls[openid] = patient.begin_text(openid, "没有期限", timeout=None, metadata=metadata)
    account.wait(CUSTOM, len(calls))
    yield begun, account, calls
    patient.stop()


def test_U04_callers_deadline_after_the_message_left(service, main, openid):
    main.fault({"delay_after_ms": 5000}, openid=openid)
    begun = time.monotonic()
    failed = failure(service.send_text, openid, "慢", timeout=None, metadata=within(400))
    assert time.monotonic() - begun < 1.5 * SCALE
    expect(failed, "DEADLINE_EXCEEDED", "OUTCOME_UNKNOWN", "hongyan")
    assert failed.pushback_ms == -1 and failed.retry_seconds is None
    assert main.arrivals(CUSTOM, openid=openid) == 1 and main.texts(openid) == ["慢"]


def test_U04_details_come_back_before_the_callers_own_clock_gives_up(service, main, openid):
    main.fault({"delay_after_ms": int(8000 * SCALE)}, openid=openid, times=0)
    # The answer leaves 20 ms ahead; on a machine that is too busy for that the caller's clock wins now and then.
    for _ in range(10):
        failed = failure(service.send_text, openid, "慢", timeout=1)
        assert failed.code.name == "DEADLINE_EXCEEDED"
        if failed.reason:
            break
    expect(failed, "DEADLINE_EXCEEDED", "OUTCOME_UNKNOWN", "hongyan")


def test_U04_template_with_key_is_unknown_too_when_the_deadline_ends_its_repeats(service, main, openid):
    main.fault({"http_status": 502, "count": True}, TEMPLATE, openid=openid)
    failed = failure(service.send_template, openid, idempotency_key="d-" + openid, timeout=1.8)
    assert failed.reason == "OUTCOME_UNKNOWN" and failed.pushback_ms == -1
    assert main.arrivals(TEMPLATE, openid=openid) == 2 and len(main.chat(openid)) == 1


def test_deadline_of_a_read(service, main, openid):
    main.fault({"delay_before_ms": 5000}, USER, openid=openid)
    failed = failure(service.stub().GetUserInfo, service.api.pb.GetUserInfoRequest(openid=openid),
                     metadata=within(300))
    assert failed.code.name in ("DEADLINE_EXCEEDED", "UNAVAILABLE") and failed.reason == "WECHAT_UNREACHABLE"


@pytest.mark.parametrize("milliseconds", [1, 10, 45])
def test_G05_too_little_time_left_and_nothing_is_sent(service, main, openid, milliseconds):
    failed = failure(service.send_text, openid, "x", timeout=None, metadata=within(milliseconds))
    assert failed.code.name == "DEADLINE_EXCEEDED"
    # With one millisecond the call may end before the service could say why.
    assert failed.reason in ({"DEADLINE_TOO_SHORT", None} if milliseconds < 20 else {"DEADLINE_TOO_SHORT"}), failed
    service.user_info(openid)
    assert main.arrivals(CUSTOM, openid=openid) == 0


def test_G05_deadline_passes_while_the_token_is_fetched(start, account):
    account.fault({"delay_before_ms": int(1500 * SCALE)}, TOKEN)
    service = start(account, wait=False)
    openid = account.user()
    failed = failure(service.send_text, openid, "x", timeout=None, metadata=within(400))
    expect(failed, "DEADLINE_EXCEEDED", "DEADLINE_TOO_SHORT", "hongyan")
    service.send_text(openid, "y")
    assert account.texts(openid) == ["y"] and account.arrivals(TOKEN) == 1


def test_G07_cancel_while_waiting_for_the_answer_ends_the_request(start, account):
    service = start(account)
    openid = account.user()
    account.fault({"delay_after_ms": int(8000 * SCALE)}, openid=openid)
    call = service.begin_text(openid, "取消")
    account.wait(CUSTOM, openid=openid)
    assert service.metric("hongyan_in_flight") == 1 and service.connections_to(account.sandbox.port) == 1
    begun = time.monotonic()
    call.cancel()
    eventually(lambda: service.metric("hongyan_in_flight") == 0, what="the place given back")
    # The request's connection is closed, long before the answer or any time-out.
    eventually(lambda: service.connections_to(account.sandbox.port) == 0, what="the connection closed")
    assert time.monotonic() - begun < 2 * SCALE
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
    assert service.metric("grpc_server_handled_total", grpc_method="SendText", grpc_code="Canceled") \
        + service.metric("grpc_server_handled_total", grpc_method="SendText", grpc_code="Cancelled") == 1


def test_G07_cancel_in_the_pause_before_a_repeat(service, main, openid):
    main.fault({"errcode": -1}, openid=openid, times=1)
    call = service.begin_text(openid, "x")
    main.wait(CUSTOM, openid=openid)
    call.cancel()
    eventually(lambda: service.metric("hongyan_in_flight") == 0, what="the place given back")
    assert main.arrivals(CUSTOM, openid=openid) == 1 and main.texts(openid) == []


def test_G07_idempotency_key_of_a_cancelled_send_remembers_that_it_may_have_gone_out(service, main, openid):
    main.fault({"delay_after_ms": int(2000 * SCALE)}, openid=openid)
    call = service.begin_text(openid, "一次", idempotency_key="c-" + openid)
    main.wait(CUSTOM, openid=openid)
    call.cancel()
    eventually(lambda: service.metric("hongyan_in_flight") == 0, what="the place given back")
    failed = failure(service.send_text, openid, "一次", idempotency_key="c-" + openid)
    assert failed.reason == "OUTCOME_UNKNOWN" and main.arrivals(CUSTOM, openid=openid) == 1


def test_G06_without_a_usable_deadline_the_service_ends_the_call_after_30_seconds(endless_calls):
    begun, account, calls = endless_calls
    for openid, call in calls.items():
        failed = Failure.of_error(call.exception(timeout=50))
        expect(failed, "UNKNOWN", "OUTCOME_UNKNOWN", "hongyan")
        assert account.arrivals(CUSTOM, openid=openid) == 1
    assert 29 <= time.monotonic() - begun <= 30 + 10 * SCALE
