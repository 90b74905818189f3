"""What callers are told: rules checked here, and WeChat's refusals, each with all the details that apply."""

import grpc
import pytest

from rpc_failure import expect, failure
from sandbox_process import CUSTOM, SHIPPED_DATA, TEMPLATE
from timing import LIMIT, ONE_REPEAT

TOO_LONG = {**SHIPPED_DATA, "thing1": "超" * 21}


# --- rules of ours: nothing leaves ------------------------------------------------------------------------------------


@pytest.mark.parametrize("change, field", [
    ({"openid": ""}, "openid"),
    ({"openid": "a b"}, "openid"),
    ({"openid": "a\n"}, "openid"),
    ({"openid": "a\0"}, "openid"),
    ({"openid": "o" * 129}, "openid"),
    ({"openid": "中"}, "openid"),
    ({"content": ""}, "content"),
    ({"content": "x" * 2049}, "content"),
    ({"content": "中" * 683}, "content"),
    ({"content": "a\x1b[31m"}, "content"),
    ({"content": "a\0b"}, "content"),
    ({"kf_account": "a b"}, "kf_account"),
    ({"idempotency_key": "k" * 256}, "idempotency_key"),
    ({"idempotency_key": "a\nb"}, "idempotency_key"),
    ({"idempotency_key": "a\u0085b"}, "idempotency_key"),
    ({"account": "nobody"}, "account"),
], ids=lambda value: repr(value)[:40])
def test_G01_bad_text(service, main, openid, change, field):
    before = main.arrivals(CUSTOM)
    failed = failure(service.send_text, **{"openid": openid, "content": "x", **change})
    # A finer reason where there is one: the openid is there, and is none.
    expect(failed, "INVALID_ARGUMENT", "INVALID_OPENID" if change.get("openid") else "INVALID_REQUEST", "hongyan")
    assert failed.fields == [field] and failed.message.startswith(field + ": ")
    assert failed.pushback_ms is None and failed.retry_seconds is None
    assert main.arrivals(CUSTOM) == before


@pytest.mark.parametrize("change, field", [
    ({"template_id": ""}, "template.template_id"),
    ({"template_id": "a b"}, "template.template_id"),
    ({"data": {}}, "template.data"),
    ({"data": {f"thing{i}": "x" for i in range(51)}}, "template.data"),
    ({"data": {"thing 1": "x"}}, "template.data"),
    ({"data": {"": "x"}}, "template.data"),
    ({"data": {"thing1": "x" * 1_000_000}}, "template.data"),
    ({"data": {"thing1": "a\x07"}}, "template.data.thing1"),
    ({"url": "ftp://x"}, "template.url"),
    ({"url": "https://x/a b"}, "template.url"),
    ({"url": "https://x/" + "a" * 2048}, "template.url"),
], ids=lambda value: repr(value)[:40])
def test_G01_bad_template(service, main, openid, change, field):
    before = main.arrivals(TEMPLATE)
    failed = failure(service.send_template, **{"openid": openid, **change})
    assert failed.code.name == "INVALID_ARGUMENT" and failed.domain == "hongyan", failed
    assert failed.fields in ([field], [field.removeprefix("template.")]), failed
    assert main.arrivals(TEMPLATE) == before


def test_G01_content_of_exactly_2048_bytes_is_taken(service, main, openid):
    content = "中" * 682 + "ab"
    service.send_text(openid, content)
    assert main.texts(openid) == [content]


def test_G01_invalid_utf8_is_refused_as_internal(service, main, openid):
    raw = service.channel.unary_unary("/hongyan.v1.NotifyService/SendText")
    with pytest.raises(grpc.RpcError) as caught:
        raw(b"\x12" + bytes([len(openid)]) + openid.encode() + b"\x22\x02\xff\xfe", timeout=LIMIT)
    assert caught.value.code() == grpc.StatusCode.INTERNAL
    assert all(key != "grpc-status-details-bin" for key, _ in caught.value.trailing_metadata())
    assert main.arrivals(CUSTOM, openid=openid) == 0


def test_no_recipient_and_unset_message(service, api):
    failed = failure(service.stub().SendText, api.pb.SendTextRequest(content="x"), timeout=LIMIT)
    expect(failed, "INVALID_ARGUMENT", "INVALID_REQUEST", "hongyan")
    assert failed.fields == ["openid"]
    failed = failure(service.stub().SendTemplate, api.pb.SendTemplateRequest(openid="o"), timeout=LIMIT)
    assert failed.code.name == "INVALID_ARGUMENT" and failed.fields[0].startswith("template"), failed
    failed = failure(service.stub().SetTyping, api.pb.SetTypingRequest(), timeout=LIMIT)
    assert failed.fields == ["openid"]
    failed = failure(service.user_info, "")
    assert failed.fields == ["openid"]


def test_account_must_be_named_when_there_are_two(start, sandbox):
    service = start({"shop": sandbox.new_account(), "school": sandbox.new_account()})
    for account in ("", "main"):
        for call in (service.send_text, service.send_template, service.user_info):
            failed = failure(call, "oX", account=account)
            expect(failed, "INVALID_ARGUMENT", "INVALID_REQUEST", "hongyan")
            assert failed.fields == ["account"] and "shop" in failed.message and "school" in failed.message
    for name, account in service.accounts.items():
        openid = account.user()
        assert service.send_text(openid, name, account=name).account == name
        assert account.texts(openid) == [name]


# --- what this version doesn't do -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method, request_of", [
    ("SendMessage", lambda pb: pb.SendMessageRequest(openid="o", image=pb.Image(media_id="m"))),
    ("SendSubscription", lambda pb: pb.SendSubscriptionRequest(openid="o", template_id="t")),
    ("Enqueue", lambda pb: pb.EnqueueRequest(notifications=[pb.Notification(openid="o")])),
    ("SendText", lambda pb: pb.SendTextRequest(openid="o", content="x", fallback=pb.Template(template_id="t"))),
])
def test_what_is_not_there_yet_says_so(service, main, api, method, request_of):
    before = main.arrivals()
    failed = failure(getattr(service.stub(), method), request_of(api.pb), timeout=LIMIT)
    expect(failed, "UNIMPLEMENTED", "NOT_IMPLEMENTED", "hongyan")
    assert "this version" in failed.message
    assert main.arrivals() == before


def test_an_unknown_method_is_unimplemented(service):
    with pytest.raises(grpc.RpcError) as caught:
        service.channel.unary_unary("/hongyan.v1.NotifyService/SendFax")(b"", timeout=LIMIT)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


# --- WeChat's refusals ------------------------------------------------------------------------------------------------


def test_U22_openid_of_nobody(service, main):
    for call, api_path in ((service.send_text, CUSTOM), (service.send_template, TEMPLATE)):
        failed = failure(call, "oNobody_here_000000000000000")
        expect(failed, "INVALID_ARGUMENT", "INVALID_OPENID")
        [entry] = main.ledger(api_path, openid="oNobody_here_000000000000000")
        assert failed.fields == ["openid"]
        assert failed.metadata["errcode"] == "40003" and failed.metadata["api"] == api_path
        assert failed.metadata["account"] == "main" and failed.metadata["rid"] == entry["rid"]
        assert failed.metadata["errmsg"].endswith("rid: " + entry["rid"])


def test_U22_template_of_nobody(service, main, openid):
    failed = failure(service.send_template, openid, template_id="nobodys")
    expect(failed, "INVALID_ARGUMENT", "INVALID_TEMPLATE_ID")
    assert failed.fields == ["template.template_id"] and failed.metadata["errcode"] == "40037"


def test_U22_47003_names_the_field(service, main, openid):
    failed = failure(service.send_template, openid, data=TOO_LONG)
    expect(failed, "INVALID_ARGUMENT", "INVALID_TEMPLATE_VALUE")
    assert failed.fields == ["template.data.thing1"] and failed.metadata["errcode"] == "47003"
    assert "template.data.thing1" in failed.message
    assert main.arrivals(TEMPLATE, openid=openid) == 1


@pytest.mark.parametrize("errcode, field", [(40165, "page_path"), (40166, "app_id")])
def test_A13_U22_mini_program_that_wechat_refuses_is_named(service, main, openid, api, errcode, field):
    main.fault({"errcode": errcode}, TEMPLATE, openid=openid)
    request = service.template(openid)
    request.template.mini_program.app_id, request.template.mini_program.page_path = "wx1234567890abcdef", "pages/no"
    failed = failure(service.stub().SendTemplate, request, timeout=LIMIT)
    expect(failed, "INVALID_ARGUMENT", "INVALID_REQUEST")
    assert failed.fields == [f"template.mini_program.{field}"] and failed.metadata["errcode"] == str(errcode)
    assert main.arrivals(TEMPLATE, openid=openid) == 1


@pytest.mark.parametrize("errcode, code, reason", [
    (-1, "UNAVAILABLE", "WECHAT_BUSY"), (40001, "UNAVAILABLE", "ACCESS_TOKEN_REJECTED"),
    (45009, "RESOURCE_EXHAUSTED", "QUOTA_EXHAUSTED"), (45011, "RESOURCE_EXHAUSTED", "THROTTLED"),
    (43004, "FAILED_PRECONDITION", "NOT_SUBSCRIBED"), (45015, "FAILED_PRECONDITION", "RESPONSE_WINDOW_CLOSED"),
    (45047, "FAILED_PRECONDITION", "RESPONSE_ALLOWANCE_USED"), (40164, "FAILED_PRECONDITION", "ACCOUNT_CONFIG"),
    (48001, "PERMISSION_DENIED", "API_UNAUTHORIZED"), (87014, "PERMISSION_DENIED", "CONTENT_POLICY"),
    (45002, "INVALID_ARGUMENT", "INVALID_REQUEST"), (99999, "UNKNOWN", "WECHAT_ERROR")])
def test_classes_of_errcodes(start, account, errcode, code, reason):
    service = start(account)
    openid = account.user()
    account.fault({"errcode": errcode}, CUSTOM)
    failed = failure(service.send_text, openid, "x", timeout=ONE_REPEAT if errcode == -1 else LIMIT)
    expect(failed, code, reason)
    if errcode != 40001:  # its last word is the token's own refusal
        assert failed.metadata["errcode"] == str(errcode)
        assert failed.metadata["errmsg"] and failed.metadata["rid"]
    assert failed.metadata["account"] == "main" and failed.metadata["api"] == CUSTOM
    assert (failed.retry_seconds is not None) == (failed.pushback_ms is not None)
    assert (failed.detail("QuotaFailure") is not None) == (errcode == 45009)


def test_40164_of_a_send_tells_the_address(service, main, openid):
    main.fault({"errcode": 40164, "errmsg": "invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist"},
               openid=openid)
    failed = failure(service.send_text, openid)
    assert failed.metadata["address"] == "203.0.113.9" and "203.0.113.9" in failed.message


def test_details_have_the_enum_of_the_protos(api):
    names = [name.removeprefix("ERROR_REASON_") for name in api.errors.ErrorReason.keys()]
    for name in ("OUTCOME_UNKNOWN", "DEADLINE_TOO_SHORT", "OVERLOADED", "INVALID_TEMPLATE_VALUE"):
        assert name in names


def test_hostile_errmsg_stays_one_bounded_line(service, main, openid):
    main.fault({"errcode": 43004, "errmsg": "x\x1b]0;y\x07\r\n" + "长" * 5000}, openid=openid)
    failed = failure(service.send_text, openid)
    assert len(failed.message.encode()) <= 1024 and failed.message.isprintable()
    assert len(failed.metadata["errmsg"].encode()) <= 1024 and failed.metadata["errmsg"].isprintable()
