"""The access_token: one fetch for everybody, replaced when refused, kept when its renewal fails."""

import pytest

from rpc_failure import expect, failure
from sandbox_process import CLASSIC_TOKEN, CUSTOM, TEMPLATE, TOKEN, USER
from timing import LIMIT, SCALE, eventually

CLASSIC = {"wechat": {"token_endpoint": "classic"}}
both_endpoints = pytest.mark.parametrize("config, family, path", [
    ({}, "stable", TOKEN), (CLASSIC, "classic", CLASSIC_TOKEN)], ids=["stable", "classic"])


def many(account, count=500):
    """(openid, content), each content once; a few users, as in life."""
    users = [account.user() for _ in range(20)]
    return [(users[i % len(users)], f"第 {i} 条") for i in range(count)]


def arrived_once(account, wanted):
    assert sorted(account.texts()) == sorted(content for _, content in wanted)


@both_endpoints
@pytest.mark.seconds(9)
def test_T01_cold_herd_of_500_callers_makes_one_token_request(start, account, config, family, path):
    # Until the whole herd waits; the service gives a fetch ten seconds.
    account.fault({"delay_before_ms": int(min(2000 * SCALE, 8000))}, path)
    service = start(account, config, wait=False)
    wanted = many(account)
    outcomes = service.many_texts(wanted, timeout=LIMIT)
    assert [o for o in outcomes if isinstance(o, Exception)] == []
    assert account.arrivals(path) == 1
    assert account.arrivals(CUSTOM) == 500
    arrived_once(account, wanted)


@both_endpoints
def test_T02_stolen_token_is_replaced_once_and_each_send_arrives_once(start, account, config, family, path):
    service = start(account, config)
    service.send_text(account.user(), "warm")
    before = account.arrivals(path)
    account.post("tokens/steal", family=family)
    wanted = many(account)
    outcomes = service.many_texts(wanted)
    assert [o for o in outcomes if isinstance(o, Exception)] == []
    assert account.arrivals(path) == before + 1
    assert sorted(account.texts()) == sorted([content for _, content in wanted] + ["warm"])
    # Whoever met the old token was refused once and repeated once.
    sends = account.ledger(CUSTOM)
    refused = [entry for entry in sends if entry["errcode"] == 40001]
    assert refused and len(sends) == 501 + len(refused)
    assert sorted(o.attempts for o in outcomes) == [1] * (500 - len(refused)) + [2] * len(refused)


def test_T02_expired_token_is_replaced_too(start, account):
    service = start(account)
    openid = account.user()
    account.post("tokens/expire")
    assert service.send_text(openid, "x").attempts == 2
    assert service.user_info(openid).subscribed
    assert [entry["errcode"] for entry in account.ledger(CUSTOM)] == [42001, 0]


def test_T02_malformed_token_code_heals_a_read(start, account):
    service = start(account)
    openid = account.user()
    account.post("tokens/revoke")
    assert service.user_info(openid).openid == openid
    assert account.arrivals(USER) == 2


def test_T04_stuck_token_takes_one_forced_refresh_and_no_second_within_30_seconds(start, account):
    service = start(account)
    openid = account.user()
    account.post("tokens/revoke", stuck=True)
    assert service.send_text(openid, "一").attempts == 2
    assert account.tokens()["stable"]["forced_requests"] == 1

    account.post("tokens/revoke", stuck=True)
    for _ in range(5):
        failed = failure(service.send_text, openid, "二")
        expect(failed, "UNAVAILABLE", "ACCESS_TOKEN_REJECTED")
        assert 0 < failed.retry_seconds <= 30 and failed.pushback_ms > 0
    assert account.tokens()["stable"]["forced_requests"] == 1
    # Nor does each refused call ask the normal way again.
    assert account.tokens()["stable"]["normal_requests"] <= 4
    assert account.texts(openid) == ["一"]


@pytest.mark.seconds(15)
def test_T05_failed_renewal_keeps_the_working_token(start, sandbox):
    effects = {"broken": {"http_status": 500}, "busy": {"errcode": -1}, "cut": {"close": "after_read"}}
    # Renewed half-way through such a short life, and not used in its last tenth.
    accounts = {name: sandbox.new_account(token_lifetime_seconds=int(6 * SCALE)) for name in effects}
    openids = {name: account.user() for name, account in accounts.items()}
    service = start(accounts)
    for name, account in accounts.items():
        service.send_text(openids[name], "before", account=name)
        account.fault(effects[name], TOKEN)
    for name, account in accounts.items():
        account.wait(TOKEN, 2)
        service.send_text(openids[name], "after", account=name)
        first, second = account.ledger(CUSTOM)
        assert first["token_sha8"] == second["token_sha8"]
    for name in accounts:
        reason = f"account {name}: token works, its renewal fails"
        eventually(lambda: reason in service.http("/readyz")[1], what=reason)  # noqa: B023
        assert service.metric("hongyan_token_requests_total", account=name, outcome="failed") >= 1
        told = eventually(lambda: service.log(event="no new access_token", account=name))  # noqa: B023
        assert told[0]["old_token_works"] in (True, "true")
    assert service.http("/readyz")[0] == 200


@pytest.mark.seconds(10)
def test_T05_renewed_ahead_of_its_end_without_a_caller_waiting(start, account):
    life = int(4 * SCALE)
    account.change(token_lifetime_seconds=life, token_overlap_seconds=1)
    service = start(account)
    account.wait(TOKEN, 2)
    service.send_text(account.user(), "x")
    assert [entry["errcode"] for entry in account.ledger(CUSTOM)] == [0]


@pytest.mark.seconds(12)
def test_T06_without_a_token_calls_fail_and_recover_by_themselves(start, account):
    account.fault({"http_status": 502}, TOKEN)
    service = start(account)
    openid = account.user()
    failed = failure(service.send_text, openid, "x")
    expect(failed, "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")
    assert failed.metadata["account"] == "main" and failed.metadata["api"] == TOKEN
    assert failed.retry_seconds > 0 and failed.pushback_ms > 0
    status, body = service.http("/readyz")
    assert status == 200 and "account main" in body and "HTTP 502" in body

    account.sandbox.clear_faults()
    before = account.arrivals(TOKEN)
    account.wait(TOKEN, before + 1)
    service.send_text(openid, "y")
    assert account.texts(openid) == ["y"]
    assert service.http("/readyz") == (200, "ready\n")


@pytest.mark.seconds(32)
def test_T06_token_refused_while_no_new_one_can_be_had_is_told_as_it_is(start, account):
    service = start(account)
    openid = account.user()
    fault = account.fault({"http_status": 502}, TOKEN)
    account.post("tokens/revoke")
    # The first one who meets it already hears the cause, and that is not what WeChat said of the old token.
    failed = failure(service.send_text, openid, "x")
    expect(failed, "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")
    assert failed.metadata["api"] == TOKEN and "HTTP 502" in failed.message and failed.retry_seconds > 0
    status, body = service.http("/readyz")
    assert status == 200 and "account main: no token, retrying: " in body and "HTTP 502" in body
    assert "token works" not in body
    # The dead one is not tried again.
    for _ in range(3):
        expect(failure(service.send_text, openid, "x"), "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")
    assert account.arrivals(CUSTOM) == 1

    # Without any caller: now WeChat answers, and refuses for another reason.
    account.change(ip_whitelisted=False)
    before = account.arrivals(TOKEN)
    account.sandbox.request("DELETE", f"/sandbox/faults/{fault}")
    account.wait(TOKEN, before + 1)
    eventually(lambda: "127.0.0.1" in service.http("/readyz")[1], what="the address in /readyz")
    body = service.http("/readyz")[1]
    assert "account main: no token, retrying: " in body and "token works" not in body
    failed = failure(service.send_text, openid, "x")
    expect(failed, "FAILED_PRECONDITION", "ACCOUNT_CONFIG")
    assert failed.metadata["errcode"] == "40164" and failed.metadata["address"] == "127.0.0.1"
    assert failed.metadata["api"] == TOKEN
    assert account.arrivals(CUSTOM) == 1


@pytest.mark.seconds(12)
def test_T06_refused_token_is_replaced_in_the_background_once_wechat_is_well(start, account):
    service = start(account)
    openid = account.user()
    account.fault({"http_status": 502}, TOKEN)
    account.post("tokens/revoke")
    expect(failure(service.send_text, openid, "x"), "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")
    account.sandbox.clear_faults()
    eventually(lambda: service.http("/readyz") == (200, "ready\n"), what="a token that nobody asked for")
    assert service.send_text(openid, "y").attempts == 1
    assert account.texts(openid) == ["y"]


def test_T07_first_caller_whose_token_is_refused_hears_what_is_wrong_with_the_account(start, account):
    service = start(account)
    openid = account.user()
    account.change(ip_whitelisted=False)
    account.post("tokens/revoke")
    failed = failure(service.send_text, openid, "x")
    expect(failed, "FAILED_PRECONDITION", "ACCOUNT_CONFIG")
    assert failed.metadata["errcode"] == "40164" and failed.metadata["address"] == "127.0.0.1"
    status, body = service.http("/readyz")
    assert status == 200 and "account main: no token, retrying: " in body and "token works" not in body


def test_T04_forced_refresh_whose_answer_is_lost_is_made_good_by_a_normal_fetch(start, account):
    service = start(account)
    openid = account.user()
    account.post("tokens/revoke", stuck=True)
    # The normal fetch repeats the stuck token; the forced one after it is processed, and its answer lost.
    account.fault({"close": "after_count"}, TOKEN, after=1, times=1)
    assert service.send_text(openid, "x").attempts == 2
    assert account.tokens()["stable"]["forced_requests"] == 1
    assert [entry["answer"] for entry in account.ledger(TOKEN)][1:] == ["sent", "none", "sent"]
    assert account.texts(openid) == ["x"] and service.http("/readyz") == (200, "ready\n")


@pytest.mark.parametrize("trouble, errcode", [
    ({"ip_whitelisted": False}, 40164), ({"secret_frozen": True}, 40243), ("secret", 40125), ("app_id", 40013)],
    ids=["40164", "40243", "40125", "40013"])
def test_T07_bad_account_is_remembered_and_disturbs_no_other(start, sandbox, trouble, errcode):
    bad, good = sandbox.new_account(), sandbox.new_account()
    openid, other = bad.user(), good.user()
    app_id = bad.app_id
    if trouble == "secret":
        bad.secret = "wrong" + bad.secret
    elif trouble == "app_id":
        bad.app_id = "wxnobody00000000"
    else:
        bad.change(**trouble)
    service = start({"bad": bad, "good": good})
    bad.app_id = app_id

    for _ in range(5):
        failed = failure(service.send_text, openid, "x", account="bad")
        expect(failed, "FAILED_PRECONDITION", "ACCOUNT_CONFIG")
        assert failed.metadata["errcode"] == str(errcode) and failed.metadata["account"] == "bad"
        assert failed.metadata["rid"] and failed.metadata["rid"] in failed.metadata["errmsg"]
        assert failed.metadata.get("address") == ("127.0.0.1" if errcode == 40164 else None)
        service.send_text(other, "好", account="good")
    asked = sum(entry["errcode"] == errcode for entry in sandbox.get("ledger", api=TOKEN)["requests"])
    assert good.texts(other) == ["好"] * 5
    if errcode != 40013:  # the sandbox can't tell whose app_id an unknown one was meant to be
        assert bad.arrivals(TOKEN) == 1
    assert asked >= 1
    if errcode == 40164:
        assert "127.0.0.1" in failed.message
        [line] = eventually(lambda: service.log(event="no new access_token"))
        assert line["address"] == "127.0.0.1"
    status, body = service.http("/readyz")
    assert status == 200 and "account bad: no token" in body and "account good" not in body


def test_T08_token_refused_for_ever_costs_two_requests_a_call_and_few_tokens(start, account):
    service = start(account)
    openid = account.user()
    account.fault({"errcode": 40001}, CUSTOM)
    before = account.arrivals(TOKEN)
    for i in range(20):
        failed = failure(service.send_text, openid, "x")
        expect(failed, "UNAVAILABLE", "ACCESS_TOKEN_REJECTED")
        assert failed.metadata["api"] == CUSTOM and failed.retry_seconds > 0
        assert account.arrivals(CUSTOM) <= 2 * (i + 1)
    # Its own platform still hands out the same token, so one forced refresh, and none after it.
    assert account.tokens()["stable"]["forced_requests"] <= 1
    assert account.arrivals(TOKEN) - before <= 12
    account.sandbox.clear_faults()
    assert service.send_text(openid, "y").attempts == 1


def test_T08_classic_mode_is_bounded_too(start, account):
    service = start(account, CLASSIC)
    account.fault({"errcode": 40001}, CUSTOM)
    openid = account.user()
    for i in range(20):
        expect(failure(service.send_text, openid, "x"), "UNAVAILABLE", "ACCESS_TOKEN_REJECTED")
        assert account.arrivals(CUSTOM) <= 2 * (i + 1)
    assert account.arrivals(CLASSIC_TOKEN) <= 13


@pytest.mark.parametrize("settings", [
    {"token_lifetime_seconds": 300}, {"token_length": 512}, {"token_length": 512, "token_needs_escaping": True}],
    ids=["expires_in 300", "512", "512 escaped"])
@both_endpoints
def test_T10_odd_tokens_work(start, account, settings, config, family, path):
    account.change(**settings)
    service = start(account, config)
    openid = account.user()
    service.send_text(openid, "x")
    service.send_template(openid)
    assert service.user_info(openid).openid == openid
    assert account.arrivals(CUSTOM) == account.arrivals(TEMPLATE) == account.arrivals(USER) == 1
    assert account.arrivals(path) == 1


def test_T10_token_of_4096_characters_is_unintelligible(start, account):
    account.change(token_length=4096)
    service = start(account)
    failed = failure(service.send_text, account.user(), "x")
    expect(failed, "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")
    assert account.arrivals(CUSTOM) == 0


@pytest.mark.parametrize("expires_in", ["0", "-5", "1e400", "null", "18446744073709551616", '"soon"', "7200.5"])
def test_U14_senseless_expires_in_is_no_token(start, account, expires_in):
    account.fault({"raw_answer": f'{{"access_token":"92_{"t" * 100}","expires_in":{expires_in}}}'}, TOKEN)
    service = start(account)
    failed = failure(service.user_info, account.user())
    expect(failed, "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")
    assert account.arrivals(USER) == 0


def test_U14_expires_in_as_a_string_is_taken(start, account):
    account.fault({"raw_answer": '{"access_token":"92_never_issued_xxxxx","expires_in":"7200"}'}, TOKEN, times=1)
    service = start(account)
    openid = account.user()
    # It was used, refused by the sandbox that never issued it, and replaced.
    assert service.user_info(openid).openid == openid
    requests = account.sandbox.get("ledger", api=USER, openid=openid)["requests"]
    assert [entry["errcode"] for entry in requests] == [40001, 0]


def test_a_caller_who_cancels_leaves_the_shared_fetch_alone(start, account):
    account.fault({"delay_before_ms": int(min(2000 * SCALE, 8000))}, TOKEN)
    service = start(account, wait=False)
    openid = account.user()
    first = service.begin_text(openid, "gone")
    account.wait(TOKEN)
    second = service.begin_text(openid, "here")
    eventually(lambda: service.metric("hongyan_in_flight") == 2, what="both wait")
    first.cancel()
    assert second.result(LIMIT).delivery.id
    assert account.texts(openid) == ["here"] and account.arrivals(TOKEN) == 1


@pytest.mark.parametrize("effect, code, reason", [
    ({"errcode": 99999}, "UNKNOWN", "WECHAT_ERROR"), ({"errcode": 40066}, "INTERNAL", "WECHAT_ERROR"),
    ({"http_status": 404}, "INTERNAL", "WECHAT_ERROR"), ({"raw_answer": "{}"}, "UNAVAILABLE", "WECHAT_UNREACHABLE")],
    ids=["99999", "40066", "404", "no token"])
@pytest.mark.seconds(8)
def test_A16_answer_without_a_token_is_asked_for_less_and_less(start, account, effect, code, reason):
    account.fault(effect, TOKEN)
    service = start(account)
    openid = account.user()
    failed = failure(service.send_text, openid, "x")
    assert failed.code.name == code and failed.reason == reason and failed.metadata["api"] == TOKEN, failed
    # The second request comes 5 s after the first, the third would come 15 s after that.
    account.wait(TOKEN, 2)
    first, second = account.ledger(TOKEN)[:2]
    assert second["time_ms"] - first["time_ms"] >= 4900
    eventually(lambda: len(service.log(event="no new access_token")) >= 2, what="two lines")
    assert [line["retry_in_seconds"] for line in service.log(event="no new access_token")][:2] == [5, 15]
    # Callers meanwhile cost no request.
    for _ in range(20):
        assert failure(service.send_text, openid, "x").reason == reason
    assert account.arrivals(TOKEN) <= 3 and account.arrivals(CUSTOM) == 0


def test_A16_silent_token_endpoint_is_told_to_callers_as_such(start, account):
    account.fault({"delay_before_ms": 3600_000}, TOKEN)
    service = start(account, wait=False)
    # The deadline as the service reads it, while the client itself would wait for ever.
    failed = failure(service.send_text, account.user(), "x", timeout=None, metadata=(("grpc-timeout", "2000m"),))
    expect(failed, "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")
    assert failed.metadata["api"] == TOKEN and failed.retry_seconds >= 1
    assert account.arrivals(CUSTOM) == 0


def test_former_token_that_wechat_quotes_is_blotted_out(start, account):
    """The platform's words are the only place where a caller could meet a token."""
    former = "92_former_" + "t" * 40
    account.fault({"raw_answer": f'{{"access_token":"{former}","expires_in":7200}}'}, TOKEN, times=1)
    service = start(account)
    openid = account.user()
    # Refused, for the sandbox never issued it, and replaced.
    service.send_text(openid, "x")
    account.fault({"errcode": 43004, "errmsg": f"was {former} before"}, openid=openid)
    failed = failure(service.send_text, openid, "y")
    assert "was (access_token) before" in failed.metadata["errmsg"] and former not in failed.everything()
    assert former not in service.stderr
