"""Texts and templates that arrive, and what can be said about them before they leave."""

import hashlib
import json

import pytest

from rpc_failure import expect, failure
from sandbox_process import CUSTOM, SHIPPED, SHIPPED_DATA, TEMPLATE, TEMPLATES, TYPING
from timing import LIMIT, ONE_REPEAT


def test_text_arrives_as_it_was_written(service, main, openid, api):
    content = '中文 🚚 第1行\n"引号" \\反斜杠\\ /斜杠/ <a href="https://example.com/?a=1&b=2">查看</a>'
    delivery = service.send_text(openid, content)
    assert main.texts(openid) == [content]
    assert delivery.state == api.pb.DELIVERY_STATE_ACCEPTED and delivery.kind == api.pb.DELIVERY_KIND_TEXT
    assert delivery.account == "main" and delivery.openid == openid and delivery.attempts == 1
    assert len(delivery.id) == 26 and delivery.msg_id == 0 and not delivery.HasField("error")
    assert delivery.HasField("accept_time") and delivery.HasField("finish_time")
    assert delivery.create_time.ToMilliseconds() <= delivery.accept_time.ToMilliseconds()


def test_golden_body_and_headers_of_a_text(service, main, openid):
    service.send_text(openid, "中文 🚚", kf_account="test1@kftest")
    [entry] = main.ledger(CUSTOM, openid=openid)
    assert entry["method"] == "POST"
    assert entry["body"] == {"touser": openid, "msgtype": "text", "text": {"content": "中文 🚚"},
                             "customservice": {"kf_account": "test1@kftest"}}
    headers = {name.lower(): value for name, value in _pairs(entry["headers"])}
    body = json.dumps(entry["body"], ensure_ascii=False, separators=(",", ":")).encode()
    assert int(headers["content-length"]) == len(body)
    assert headers["content-type"].startswith("application/json")
    for absent in ("expect", "transfer-encoding", "accept-encoding", "cookie", "authorization"):
        assert absent not in headers


def _pairs(headers):
    return headers.items() if isinstance(headers, dict) else [(h["name"], h["value"]) for h in headers]


def test_template_arrives_with_its_msgid(service, main, openid, api):
    delivery = service.send_template(openid, url="https://example.com/o?id=1")
    assert delivery.kind == api.pb.DELIVERY_KIND_TEMPLATE and delivery.state == api.pb.DELIVERY_STATE_ACCEPTED
    [line] = main.chat(openid)
    assert line["msgid"] == delivery.msg_id and line["url"] == "https://example.com/o?id=1"
    assert delivery.msg_id > 2**53
    [entry] = main.ledger(TEMPLATE, openid=openid)
    assert entry["body"]["data"] == {key: {"value": value} for key, value in SHIPPED_DATA.items()}
    assert "client_msg_id" not in entry["body"]
    # A receipt may still come for a template.
    assert delivery.HasField("accept_time") and not delivery.HasField("finish_time")


def test_msgid_beyond_two_to_53_stays_exact(service, main, openid):
    main.fault({"raw_answer": '{"errcode":0,"errmsg":"ok","msgid":9007199254740993}'}, TEMPLATE, openid=openid)
    assert service.send_template(openid).msg_id == 9007199254740993


def test_mini_program_and_its_page_travel(service, main, openid, api):
    request = service.template(openid)
    request.template.mini_program.app_id = "wx0123456789abcdef"
    request.template.mini_program.page_path = "index?foo=bar"
    service.stub().SendTemplate(request, timeout=LIMIT)
    [entry] = main.ledger(TEMPLATE, openid=openid)
    assert entry["body"]["miniprogram"] == {"appid": "wx0123456789abcdef", "pagepath": "index?foo=bar"}


def test_typing_is_shown_and_taken_away(service, main, openid, api):
    for cancel in (False, True):
        request = api.pb.SetTypingRequest(openid=openid, cancel=cancel)
        service.stub().SetTyping(request, timeout=LIMIT)
    assert [e["body"]["command"] for e in main.ledger(TYPING, openid=openid)] == ["Typing", "CancelTyping"]
    assert main.texts(openid) == []


# --- validate_only ----------------------------------------------------------------------------------------------------


def test_validate_only_sends_nothing(service, main, openid, api):
    text = service.send_text(openid, "x", validate_only=True)
    template = service.send_template(openid, validate_only=True)
    assert text.id == "" and template.id == ""
    assert text.account == "main" and template.openid == openid
    assert main.arrivals(openid=openid) == 0 and main.texts(openid) == []
    assert main.arrivals(TEMPLATES) >= 1


@pytest.mark.parametrize("change, field", [
    ({"thing1": "超" * 21}, "template.data.thing1"),
    ({"amount3": "many"}, "template.data.amount3"),
    ({"thing1": ""}, "template.data.thing1"),
    ({"other9": "x"}, "template.data.other9"),
])
def test_validate_only_checks_values_against_the_accounts_own_template(service, main, openid, change, field):
    failed = failure(service.send_template, openid, data={**SHIPPED_DATA, **change}, validate_only=True)
    expect(failed, "INVALID_ARGUMENT", "INVALID_TEMPLATE_VALUE", "hongyan")
    assert failed.fields == [field]
    assert main.arrivals(TEMPLATE, openid=openid) == 0


def test_validate_only_names_missing_keywords_and_unknown_templates(service, main, openid):
    failed = failure(service.send_template, openid, data={"thing1": "x"}, validate_only=True)
    assert sorted(failed.fields) == ["template.data." + key for key in ("amount3", "character_string4", "time2")]
    failed = failure(service.send_template, openid, template_id="nobodys", validate_only=True)
    expect(failed, "INVALID_ARGUMENT", "INVALID_TEMPLATE_ID", "hongyan")
    assert failed.fields == ["template.template_id"]


def test_validate_only_says_that_a_check_could_not_be_made(start, account):
    account.fault({"http_status": 500}, TEMPLATES)
    service = start(account)
    failed = failure(service.send_template, account.user(), validate_only=True, timeout=ONE_REPEAT)
    expect(failed, "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")


# --- idempotency ------------------------------------------------------------------------------------------------------


def test_A15_forgotten_keys_have_a_metric_from_the_start(service):
    lines = [line for line in service.metrics().splitlines() if line.startswith("hongyan_idempotency_keys_forgotten_total")]
    assert [line.split()[-1] for line in lines] == ["0"]


def test_G02_same_key_twice_is_one_send(service, main, openid):
    first = service.send_text(openid, "一次", idempotency_key="k-" + openid)
    again = service.send_text(openid, "一次", idempotency_key="k-" + openid)
    assert first == again and first.id
    assert main.arrivals(CUSTOM, openid=openid) == 1 and main.texts(openid) == ["一次"]


def test_G02_twins_in_flight_share_one_send(service, main, openid):
    main.fault({"delay_after_ms": 300}, openid=openid)
    twins = [service.begin_text(openid, "双", idempotency_key="twin-" + openid) for _ in range(20)]
    ids = {call.result(LIMIT).delivery.id for call in twins}
    assert len(ids) == 1 and main.arrivals(CUSTOM, openid=openid) == 1


def test_G03_same_key_for_another_request_is_refused(service, main, openid):
    service.send_text(openid, "甲", idempotency_key="r-" + openid)
    failed = failure(service.send_text, openid, "乙", idempotency_key="r-" + openid)
    expect(failed, "INVALID_ARGUMENT", "IDEMPOTENCY_KEY_REUSED", "hongyan")
    failed = failure(service.send_template, openid, idempotency_key="r-" + openid)
    expect(failed, "INVALID_ARGUMENT", "IDEMPOTENCY_KEY_REUSED", "hongyan")
    assert main.texts(openid) == ["甲"]


def test_G03_validate_only_says_that_a_key_is_used_already(service, main, openid):
    key = "v-" + openid
    sent = service.send_text(openid, "甲", idempotency_key=key)
    for content in ("乙", "丙"):
        failed = failure(service.send_text, openid, content, idempotency_key=key, validate_only=True)
        expect(failed, "INVALID_ARGUMENT", "IDEMPOTENCY_KEY_REUSED", "hongyan")
        assert failed.fields == ["idempotency_key"]
    failed = failure(service.send_template, openid, idempotency_key=key, validate_only=True)
    expect(failed, "INVALID_ARGUMENT", "IDEMPOTENCY_KEY_REUSED", "hongyan")
    # The same request again is none of these, and asking uses no key up.
    assert service.send_text(openid, "甲", idempotency_key=key, validate_only=True).openid == openid
    assert service.send_text(openid, "甲", idempotency_key=key) == sent
    assert not service.send_text(openid, "丁", idempotency_key=key + "2", validate_only=True).id
    assert service.send_text(openid, "戊", idempotency_key=key + "2").id
    assert main.texts(openid) == ["甲", "戊"]


def test_G03_the_same_key_of_two_accounts_is_two_keys(start, sandbox):
    accounts = {"one": sandbox.new_account(), "two": sandbox.new_account()}
    service = start(accounts)
    for name, account in accounts.items():
        openid = account.user()
        assert service.send_text(openid, name, account=name, idempotency_key="same").openid == openid
        assert account.texts(openid) == [name]


def test_G04_same_key_after_an_unknown_outcome_answers_unknown_again(service, main, openid):
    main.fault({"close": "after_count"}, openid=openid, times=1)
    first = failure(service.send_text, openid, "?", idempotency_key="u-" + openid)
    again = failure(service.send_text, openid, "?", idempotency_key="u-" + openid)
    expect(first, "UNKNOWN", "OUTCOME_UNKNOWN", "hongyan")
    expect(again, "UNKNOWN", "OUTCOME_UNKNOWN", "hongyan")
    assert main.arrivals(CUSTOM, openid=openid) == 1 and main.texts(openid) == ["?"]


@pytest.mark.parametrize("errcode, code", [(45011, "RESOURCE_EXHAUSTED"), (48001, "PERMISSION_DENIED"),
                                           (40164, "FAILED_PRECONDITION")])
def test_what_a_retry_may_mend_does_not_use_the_key_up(service, main, openid, errcode, code):
    main.fault({"errcode": errcode}, openid=openid, times=1)
    key = hashlib.sha256(openid.encode()).hexdigest()
    assert failure(service.send_text, openid, "x", idempotency_key=key).code.name == code
    assert service.send_text(openid, "x", idempotency_key=key).attempts == 1
    assert main.texts(openid) == ["x"]


@pytest.mark.parametrize("errcode", [40003, 45002, 45015, 43004, 87014])
def test_what_WeChat_refuses_uses_the_key_up(service, main, openid, errcode):
    main.fault({"errcode": errcode}, openid=openid, times=1)
    key = hashlib.sha256(openid.encode()).hexdigest()
    first = failure(service.send_text, openid, "x", idempotency_key=key)
    again = failure(service.send_text, openid, "x", idempotency_key=key)
    assert first.reason == again.reason and first.metadata["errcode"] == again.metadata["errcode"] == str(errcode)
    assert main.arrivals(CUSTOM, openid=openid) == 1
    # Another message under it is another matter than the same one again.
    expect(failure(service.send_text, openid, "y", idempotency_key=key), "INVALID_ARGUMENT", "IDEMPOTENCY_KEY_REUSED", "hongyan")


def test_what_Hongyan_refuses_does_not_use_the_key_up(service, main, openid):
    key = hashlib.sha256(openid.encode()).hexdigest()
    assert failure(service.send_text, openid, "", idempotency_key=key).code.name == "INVALID_ARGUMENT"
    assert service.send_text(openid, "x", idempotency_key=key).attempts == 1


def test_the_templates_key_becomes_its_client_msg_id(service, main, openid):
    delivery = service.send_template(openid, idempotency_key="t-" + openid)
    [entry] = main.ledger(TEMPLATE, openid=openid)
    assert entry["client_msg_id"] == delivery.id
    assert entry["body"]["template_id"] == SHIPPED
