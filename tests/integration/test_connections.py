"""The connections to WeChat: reuse, their sudden end, other addresses, and who must never be spoken to."""

import socket

import pytest

from forwarder import BAD_GATEWAY, HANG, RESET
from rpc_failure import expect, failure
from sandbox_process import CUSTOM, TEMPLATE
from timing import SCALE, Stopwatch, eventually


@pytest.fixture
def closed_port():
    """A port that nobody listens at, and that nobody else gets meanwhile."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
@pytest.mark.seconds(11)
def test_U07_keep_alive_connection_closed_under_the_request_is_never_a_second_arrival(start, account, reset):
    service = start(account)
    openid = account.user()
    account.fault({"close_on_reuse": True, "reset": reset}, CUSTOM)
    outcomes = []
    stopwatch = Stopwatch()
    for i in range(1000):
        try:
            service.send_text(openid, f"{i}")
            outcomes.append("ok")
        except Exception as error:
            assert error.code().name == "UNKNOWN", error
            outcomes.append("unknown")
    # Each end costs one connection, and no waiting.
    assert stopwatch.seconds() < 60 * SCALE
    assert account.arrivals(CUSTOM) == 1000
    assert outcomes.count("unknown") >= 400, "connections were not reused"
    assert account.texts(openid) == [str(i) for i, outcome in enumerate(outcomes) if outcome == "ok"]


def test_U07_template_with_key_is_sent_again_with_its_id(start, account):
    service = start(account)
    openid = account.user()
    service.send_template(openid)
    account.fault({"close_on_reuse": True}, TEMPLATE)
    delivery = service.send_template(openid, idempotency_key="k")
    assert delivery.attempts == 2
    assert [e["client_msg_id"] for e in account.ledger(TEMPLATE)] == ["", delivery.id, delivery.id]
    assert len(account.chat(openid)) == 2


def test_U08_connection_closed_while_idle_harms_nobody(start_sandbox, start):
    sandbox = start_sandbox()
    account = sandbox.new_account()
    account.fault({"idle_close_ms": 100}, "*")
    service = start(account)
    openid = account.user()
    for i in range(3):
        # Until only the connection that asks is left: nor is the first one to meet the end of the token's.
        eventually(lambda: sandbox.get("counters")["connections"]["open"] <= 1, what="idle connections closed")
        assert service.send_text(openid, f"{i}").attempts == 1
    assert account.texts(openid) == ["0", "1", "2"]


def test_A09_U08_connection_reset_while_idle_harms_nobody(start, account, forwarder):
    service = start(account, {"wechat": {"api_urls": [forwarder.url]}})
    openid = account.user()
    for i in range(30):
        forwarder.reset_connections()
        # The reset has come, and is the first that libcurl's next write meets.
        eventually(lambda: service.connections_to(forwarder.port) == 0, what="connections reset")
        assert service.send_text(openid, f"{i}").attempts == 1
    assert account.texts(openid) == [f"{i}" for i in range(30)]
    assert account.arrivals(CUSTOM) == 30


def test_A09_U08_address_whose_connection_was_reset_while_idle_is_not_blamed(start, account, forwarder, start_sandbox):
    second = start_sandbox()
    service = start(account, {"wechat": {"api_urls": [forwarder.url, second.url]}})
    openid = account.user()
    for i in range(10):
        forwarder.reset_connections()
        eventually(lambda: service.connections_to(forwarder.port) == 0, what="connections reset")
        service.send_text(openid, f"{i}")
    assert second.get("counters")["requests"] == 0
    assert service.metric("hongyan_wechat_addresses_passed_over") == 0


@pytest.mark.parametrize("mode", [HANG, RESET, BAD_GATEWAY])
def test_A10_address_that_gives_no_answer_costs_one_text(start, account, forwarder, mode):
    service = start(account, {"wechat": {"api_urls": [forwarder.url, account.sandbox.url],
                                         "timeout": f"{int(1000 * SCALE)}ms"}})
    openid = account.user()
    service.send_text(openid, "before")
    assert forwarder.requests >= 1
    forwarder.become(mode)
    expect(failure(service.send_text, openid, "lost"), "UNKNOWN", "OUTCOME_UNKNOWN", "hongyan")
    asked = forwarder.requests
    for i in range(20):
        assert service.send_text(openid, f"{i}").attempts == 1
    assert account.texts(openid) == ["before"] + [f"{i}" for i in range(20)]
    assert forwarder.requests == asked, "a text was spent on finding out"
    assert service.metric("hongyan_wechat_addresses_passed_over") == 1
    [line] = service.log(event="address passed over until it answers again")
    assert line["address"] == forwarder.url and line["problem"]


def test_connections_are_reused(service, main, openid):
    for i in range(20):
        service.send_text(openid, f"{i}")
    assert len({entry["connection"] for entry in main.ledger(CUSTOM, openid=openid)}) <= 2


def test_U12_redirects_are_not_followed(service, main, openid, stranger):
    main.fault({"location": stranger.url + "/cgi-bin/message/custom/send"}, openid=openid)
    failed = failure(service.send_text, openid, "x")
    expect(failed, "INTERNAL", "WECHAT_ERROR")
    assert main.arrivals(CUSTOM, openid=openid) == 1
    service.user_info(openid)
    assert stranger.heard == []


def test_N03_refused_first_address_fails_over_at_once(start, account, closed_port):
    service = start(account, {"wechat": {"api_urls": [f"http://127.0.0.1:{closed_port}", account.sandbox.url]}})
    openid = account.user()
    delivery = service.send_text(openid, "x")
    assert delivery.attempts == 1 and account.texts(openid) == ["x"]


def test_N03_nobody_there_is_unavailable_and_nothing_sent(start, account, closed_port):
    service = start(account, {"wechat": {"api_urls": [f"http://127.0.0.1:{closed_port}"]}})
    failed = failure(service.send_text, account.user(), "x")
    expect(failed, "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")
    assert "nothing was sent" in failed.message and failed.retry_seconds > 0
    assert account.arrivals() == 0


def test_N03_sandbox_gone_with_a_token_in_hand(start_sandbox, start):
    sandbox = start_sandbox()
    account = sandbox.new_account()
    service = start(account)
    openid = account.user()
    service.send_text(openid, "x")
    sandbox.stop()
    sandbox.stop = lambda: None
    failed = failure(service.send_text, openid, "y")
    # Its connection may have looked alive still; then it can't know.
    assert (failed.code.name, failed.reason) in [("UNAVAILABLE", "WECHAT_UNREACHABLE"), ("UNKNOWN", "OUTCOME_UNKNOWN")]
    expect(failure(service.send_text, openid, "z"), "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")


def test_no_failover_once_the_request_was_written(start_sandbox, start, account):
    second = start_sandbox()
    openid = account.user()
    for i, effect in enumerate([{"close": "after_read"}, {"close": "after_read", "reset": True}, {"http_status": 502}]):
        # One of its own, for the next call would begin with the second address.
        service = start(account, {"wechat": {"api_urls": [account.sandbox.url, second.url]}})
        account.fault(effect, openid=openid, times=1)
        expect(failure(service.send_text, openid, "x"), "UNKNOWN", "OUTCOME_UNKNOWN", "hongyan")
        assert account.arrivals(CUSTOM) == i + 1
    assert second.get("counters")["requests"] == 0


def test_N09_proxies_of_the_environment_are_ignored(start, account, stranger):
    proxies = {name: stranger.url for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
                                               "all_proxy")}
    proxies.update({"no_proxy": "", "NO_PROXY": ""})
    service = start(account, env=proxies)
    openid = account.user()
    service.send_text(openid, "x")
    assert account.texts(openid) == ["x"] and stranger.heard == []
