"""What WeChat, or the way to it, can do wrong with a send, and that nothing is ever sent twice blindly.

The sandbox counts what arrives and keeps the chat as the user sees it.
"""

import datetime
import email.utils

import pytest

from rpc_failure import expect, failure
from sandbox_process import CUSTOM, TEMPLATE, TYPING
from timing import LIMIT, ONE_REPEAT, SCALE, eventually


def unknown(failed, code="UNKNOWN"):
    expect(failed, code, "OUTCOME_UNKNOWN", "hongyan")
    assert failed.pushback_ms == -1 and failed.retry_seconds is None
    return failed


# --- answers that say no ----------------------------------------------------------------------------------------------


def test_U01_busy_twice_then_ok(service, main, openid):
    main.fault({"errcode": -1}, openid=openid, times=2)
    assert service.send_text(openid, "x").attempts == 3
    assert main.texts(openid) == ["x"]
    first, second, third = (entry["time_ms"] for entry in main.ledger(CUSTOM, openid=openid))
    assert second - first >= 1000 and third - second >= 2000


def test_U01_busy_until_the_deadline(service, main, openid):
    main.fault({"errcode": -1}, openid=openid)
    failed = failure(service.send_text, openid, "x", timeout=ONE_REPEAT)
    expect(failed, "UNAVAILABLE", "WECHAT_BUSY")
    assert failed.metadata["errcode"] == "-1" and failed.metadata["rid"] and failed.metadata["api"] == CUSTOM
    assert failed.retry_seconds >= 1 and failed.pushback_ms == failed.retry_seconds * 1000
    assert main.arrivals(CUSTOM, openid=openid) == 2 and main.texts(openid) == []


def test_U02_busy_answers_of_one_account_leave_the_other_alone(start, sandbox):
    """Only unary sends so far: the rate that -1 halves is that of the queue."""
    busy, calm = sandbox.new_account(), sandbox.new_account()
    openid, other = busy.user(), calm.user()
    service = start({"busy": busy, "calm": calm})
    busy.fault({"errcode": -1})
    for _ in range(5):
        failed = failure(service.send_text, openid, "x", account="busy", timeout=ONE_REPEAT)
        expect(failed, "UNAVAILABLE", "WECHAT_BUSY")
        assert service.send_text(other, "好", account="calm").attempts == 1
    assert calm.texts(other) == ["好"] * 5 and busy.texts(openid) == []


def test_U16_unknown_errcode(service, main, openid):
    main.fault({"errcode": 99999, "errmsg": "odd"}, openid=openid)
    failed = failure(service.send_text, openid, "x")
    expect(failed, "UNKNOWN", "WECHAT_ERROR")
    [entry] = main.ledger(CUSTOM, openid=openid)
    assert failed.metadata == {"account": "main", "api": CUSTOM, "errcode": "99999",
                               "errmsg": "odd rid: " + entry["rid"], "rid": entry["rid"]}
    assert failed.pushback_ms is None and main.arrivals(CUSTOM, openid=openid) == 1
    assert service.metric("hongyan_wechat_requests_total", account="main", api=CUSTOM, errcode="99999") == 1


def test_U17_quota_closes_that_api_only(start, account):
    service = start(account)
    openid = account.user()
    account.post("quota", api=CUSTOM, daily_limit=0)
    for _ in range(6):
        failed = failure(service.send_text, openid, "x")
        expect(failed, "RESOURCE_EXHAUSTED", "QUOTA_EXHAUSTED")
        [violation] = failed.detail("QuotaFailure").violations
        assert CUSTOM in violation.subject and "main" in violation.subject and violation.description
    assert account.arrivals(CUSTOM) == 3
    assert service.send_template(openid).msg_id
    assert service.user_info(openid).openid == openid


def test_U18_throttled(service, main, openid):
    main.fault({"errcode": 45011}, openid=openid)
    failed = failure(service.send_text, openid, "x")
    expect(failed, "RESOURCE_EXHAUSTED", "THROTTLED")
    assert failed.retry_seconds >= 60 and failed.pushback_ms >= 60000
    assert main.arrivals(CUSTOM, openid=openid) == 1


@pytest.mark.parametrize("errcode, reason", [
    (43004, "NOT_SUBSCRIBED"), (43101, "RECIPIENT_REFUSED"), (43019, "RECIPIENT_BLOCKED"),
    (48002, "RECIPIENT_REFUSED"), (45015, "RESPONSE_WINDOW_CLOSED"), (45047, "RESPONSE_ALLOWANCE_USED")])
def test_U21_recipient_out_of_reach(service, main, openid, errcode, reason):
    main.fault({"errcode": errcode}, openid=openid)
    main.fault({"errcode": errcode}, TEMPLATE, openid=openid)
    only_texts = errcode in (45015, 45047)
    for send in (service.send_text,) if only_texts else (service.send_text, service.send_template):
        failed = failure(send, openid)
        expect(failed, "FAILED_PRECONDITION", reason)
        assert failed.metadata["errcode"] == str(errcode) and failed.pushback_ms is None
    assert main.arrivals(CUSTOM, openid=openid) == 1 and main.arrivals(TEMPLATE, openid=openid) <= 1


def test_U21_as_the_platform_does_it(service, main):
    gone, blocked = main.user(subscribed=False), main.user(blacklisted=True)
    expect(failure(service.send_template, gone), "FAILED_PRECONDITION", "NOT_SUBSCRIBED")
    failed = failure(service.send_template, blocked)
    assert failed.code.name == "FAILED_PRECONDITION" and failed.reason == "RECIPIENT_BLOCKED", failed


# --- answers that say nothing ------------------------------------------------------------------------------------------

NO_ANSWER = [
    pytest.param({"http_status": 500}, id="U03-500"),
    pytest.param({"http_status": 502}, id="U03-502"),
    pytest.param({"http_status": 503, "count": True}, id="U03-503-counted"),
    pytest.param({"close": "after_count"}, id="U04-closed-after-counting"),
    pytest.param({"truncate": 7}, id="U05-truncated"),
    pytest.param({"close": "after_headers"}, id="U05-only-a-header"),
    pytest.param({"close": "after_read", "reset": True}, id="U06-reset"),
    pytest.param({"close": "after_read"}, id="U06-fin"),
    pytest.param({"endless": True}, id="U10-endless"),
    pytest.param({"header_lines": 10000}, id="U10-header-lines"),
    pytest.param({"gzip_bomb": True}, id="U13-gzip-bomb"),
    pytest.param({"raw_answer": '{"errcode":0.0,"errmsg":"ok"}'}, id="U14-errcode-0.0"),
    pytest.param({"raw_answer": '{"errcode":null}'}, id="U14-errcode-null"),
    pytest.param({"raw_answer": '{"errcode":[0]}'}, id="U14-errcode-array"),
    pytest.param({"raw_answer": '{"errcode":1099511627776}'}, id="U14-errcode-2-to-40"),
    pytest.param({"raw_answer": "[" * 100000}, id="U14-depth"),
    pytest.param({"raw_answer": "[]"}, id="U14-array"),
    pytest.param({"raw_answer": ""}, id="U14-empty"),
    pytest.param({"raw_answer": "<html>login</html>"}, id="U14-html"),
    pytest.param({"raw_answer": "{}"}, id="A01-empty-object"),
    pytest.param({"raw_answer": '{"code":503,"message":"x"}'}, id="A01-code"),
    pytest.param({"raw_answer": '{"ret":-1}'}, id="A01-ret"),
    pytest.param({"raw_answer": '{"errCode":45015}'}, id="A01-errCode"),
    pytest.param({"raw_answer": '{"errmsg":"ok"}'}, id="A01-errmsg-alone"),
    pytest.param({"http_status": 499, "count": True}, id="A14-499"),
]


@pytest.mark.parametrize("effect", NO_ANSWER)
def test_text_without_answer_is_unknown_and_not_sent_again(service, main, openid, effect, api):
    main.fault(effect, openid=openid)
    failed = unknown(failure(service.send_text, openid, "一条"))
    assert failed.metadata == {"account": "main", "api": CUSTOM}
    assert main.arrivals(CUSTOM, openid=openid) == 1 and len(main.texts(openid)) <= 1


@pytest.mark.parametrize("effect", NO_ANSWER)
def test_template_without_key_is_not_sent_again_either(service, main, openid, effect):
    main.fault(effect, TEMPLATE, openid=openid)
    unknown(failure(service.send_template, openid))
    assert main.arrivals(TEMPLATE, openid=openid) == 1


@pytest.mark.parametrize("effect", NO_ANSWER)
def test_template_with_key_is_sent_again_with_the_same_client_msg_id(service, main, openid, effect):
    main.fault(effect, TEMPLATE, openid=openid, times=1)
    delivery = service.send_template(openid, idempotency_key="again-" + openid)
    assert delivery.attempts == 2 and delivery.msg_id
    entries = main.ledger(TEMPLATE, openid=openid)
    assert [entry["client_msg_id"] for entry in entries] == [delivery.id] * 2
    [line] = main.chat(openid)
    assert line["msgid"] == delivery.msg_id


def test_U10_U13_memory_stays_flat(service, main, openid):
    service.send_text(openid, "warm")
    before = service.resident_mb()
    for effect in ({"endless": True}, {"gzip_bomb": True}, {"header_lines": 10000}) * 5:
        main.fault(effect, openid=openid, times=1)
        unknown(failure(service.send_text, openid, "x"))
    assert service.resident_mb() - before < 40 * SCALE


def test_U14_errcode_as_a_numeric_string(service, main, openid, api):
    main.fault({"raw_answer": '{"errcode":"0","errmsg":"ok"}'}, openid=openid, times=1)
    assert service.send_text(openid, "x").state == api.pb.DELIVERY_STATE_ACCEPTED
    main.fault({"raw_answer": '{"errcode":"43004","errmsg":"no"}'}, openid=openid, times=1)
    assert failure(service.send_text, openid, "x").reason == "NOT_SUBSCRIBED"


@pytest.mark.parametrize("msgid, wanted", [
    ("9223372036854775807", 2**63 - 1), ('"3717005636572528651"', 3717005636572528651), ("-1", 0),
    ("9223372036854775808", 0), ("1.5", 0), ('"x"', 0), ("[1]", 0)])
def test_A01_U14_msgid(service, main, openid, api, msgid, wanted):
    main.fault({"raw_answer": f'{{"errcode":0,"errmsg":"ok","msgid":{msgid}}}'}, TEMPLATE, openid=openid)
    delivery = service.send_template(openid)
    assert delivery.state == api.pb.DELIVERY_STATE_ACCEPTED and delivery.msg_id == wanted
    if not wanted:  # one warning for all of them
        [line] = eventually(lambda: service.log(event="odd field in an answer of WeChat, taken as absent"))
        assert line["field"] == "msgid" and line["api"] == TEMPLATE and line["account"] == "main"


def test_A01_send_without_errcode_is_remembered_as_unknown(service, main, openid):
    for send, path in ((service.send_text, CUSTOM), (service.send_template, TEMPLATE)):
        key = f"a01-{openid}-{path}"
        main.fault({"raw_answer": "{}"}, path, openid=openid)
        timeout = {} if path == CUSTOM else {"timeout": ONE_REPEAT}
        unknown(failure(send, openid, idempotency_key=key, **timeout), "UNKNOWN")
        arrived = main.arrivals(path, openid=openid)
        main.sandbox.clear_faults()
        unknown(failure(send, openid, idempotency_key=key))
        assert main.arrivals(path, openid=openid) == arrived
    assert service.metric("hongyan_wechat_requests_total", account="main", api=CUSTOM, errcode="none") >= 1


@pytest.mark.parametrize("answer", ["{}", '{"code":503,"message":"x"}', '{"ret":-1}', '{"errCode":45015}'])
def test_A01_typing_without_errcode_is_unreachable(service, main, openid, api, answer):
    main.fault({"raw_answer": answer}, TYPING, openid=openid)
    failed = failure(service.stub().SetTyping, api.pb.SetTypingRequest(openid=openid), timeout=LIMIT)
    expect(failed, "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")
    assert failed.metadata == {"account": "main", "api": TYPING} and main.arrivals(TYPING, openid=openid) == 1


# --- what a front says instead of WeChat -------------------------------------------------------------------------------


@pytest.mark.parametrize("header, at_least, at_most", [
    ("7", 7, 7), (None, 60, 60), ("99999999999", 86400, 86400), ("soon", 60, 60), ("date", 300, 600)])
def test_A14_429_is_throttled_with_the_pause_that_it_asks_for(service, main, openid, header, at_least, at_most):
    effect = {"http_status": 429}
    if header == "date":
        header = email.utils.format_datetime(
            datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=10), usegmt=True)
    if header is not None:
        effect["retry_after"] = header
    main.fault(effect, openid=openid)
    failed = failure(service.send_text, openid, "x")
    expect(failed, "RESOURCE_EXHAUSTED", "THROTTLED")
    assert at_least <= failed.retry_seconds <= at_most and failed.pushback_ms == failed.retry_seconds * 1000
    assert failed.metadata == {"account": "main", "api": CUSTOM}
    assert main.arrivals(CUSTOM, openid=openid) == 1


def test_A14_408_took_nothing(service, main, openid):
    main.fault({"http_status": 408}, openid=openid, times=1)
    key = "a14-" + openid
    failed = failure(service.send_text, openid, "x", idempotency_key=key)
    expect(failed, "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")
    assert failed.retry_seconds >= 1 and "408" in failed.message
    # So the same key sends it.
    assert service.send_text(openid, "x", idempotency_key=key).id
    assert main.texts(openid) == ["x"]


@pytest.mark.parametrize("effect", [
    {"connection_close": True}, {"http10": True}, {"chunked": True}, {"content_type": "text/plain"}, {"bom": True},
    {"raw_answer": ' \n{"errcode":0,"errmsg":"ok","new":{"a":[1,2]}} \n'}],
    ids=str)
def test_U09_odd_forms_of_a_good_answer(service, main, openid, effect, api):
    main.fault(effect, "*", openid=openid)
    for _ in range(3):
        assert service.send_text(openid, "x").state == api.pb.DELIVERY_STATE_ACCEPTED
    assert main.arrivals(CUSTOM, openid=openid) == 3


def test_412_or_404_of_a_front_is_a_definite_no(service, main, openid):
    for status in (404, 412):
        main.fault({"http_status": status}, openid=openid, times=1)
        failed = failure(service.send_text, openid, "x")
        expect(failed, "INTERNAL", "WECHAT_ERROR")
        assert str(status) in failed.message


# --- time-outs ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def hasty(start, account):
    """A service that gives WeChat little time."""
    return start(account, {"wechat": {"timeout": f"{int(700 * SCALE)}ms"}})


def test_U04_services_time_out_after_delivery_is_unknown_and_one_message(hasty, account):
    openid = account.user()
    account.fault({"delay_after_ms": int(4000 * SCALE)}, openid=openid)
    unknown(failure(hasty.send_text, openid, "慢"))
    assert account.texts(openid) == ["慢"] and account.arrivals(CUSTOM) == 1


@pytest.mark.seconds(10)
def test_U11_slow_drip_ends_by_the_total_time_and_others_are_unaffected(start, account):
    service = start(account, {"wechat": {"timeout": f"{int(2000 * SCALE)}ms"}})  # ten sends have to fit in
    slow, quick = account.user(), account.user()
    account.fault({"drip_ms": 200}, openid=slow)
    call = service.begin_text(slow, "滴")
    account.wait(CUSTOM, openid=slow)
    for _ in range(10):
        service.send_text(quick, "x")
    assert not call.done()
    assert call.exception(LIMIT).code().name == "UNKNOWN"
    assert account.texts(slow) == ["滴"]


def test_U04_template_with_key_goes_again_after_a_time_out(hasty, account):
    openid = account.user()
    account.fault({"delay_after_ms": int(4000 * SCALE)}, TEMPLATE, openid=openid, times=1)
    assert hasty.send_template(openid, idempotency_key="k").attempts == 2
    assert len(account.chat(openid)) == 1


def test_typing_without_answer_is_unknown_too(service, main, openid, api):
    main.fault({"close": "after_read"}, TYPING, openid=openid)
    unknown(failure(service.stub().SetTyping, api.pb.SetTypingRequest(openid=openid), timeout=LIMIT))
    assert main.arrivals(TYPING, openid=openid) == 1


def test_U23_no_fault_ever_made_it_an_impolite_client(service, main, openid, sandbox):
    service.send_text(openid, "x")
    assert not any(sandbox.violations().values()), sandbox.violations()
