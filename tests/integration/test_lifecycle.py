"""Start, probes, metrics, drain and end of the process."""

import concurrent.futures
import json
import os
import re
import signal
import socket
import subprocess
import time

import grpc
import pytest

from rpc_failure import expect, failure
from sandbox_process import BIN, CUSTOM, TOKEN
from timing import LIMIT, SCALE, Stopwatch, eventually


# --- probes and metrics -----------------------------------------------------------------------------------------------


def test_probes(service):
    assert service.http("/livez") == (200, "ok\n")
    assert service.http("/readyz") == (200, "ready\n")
    assert service.http("/nothing")[0] == 404
    assert service.http("/metrics", "POST")[0] == 405


def test_metrics_begin_at_zero(start, account):
    text = start(account).metrics()
    for outcome in ("accepted", "failed", "unknown", "expired"):
        assert f'hongyan_sends_total{{account="main",kind="template",outcome="{outcome}"}} 0\n' in text
    assert 'hongyan_callbacks_total{account="main",outcome="ok",type="template_receipt"} 0\n' in text
    assert 'hongyan_callback_seconds_count{account="main"} 0\n' in text


def test_readyz_is_200_with_a_dead_wechat_and_says_why(start, account):
    service = start(account, {"wechat": {"api_urls": ["http://127.0.0.1:1"]}})
    status, body = service.http("/readyz")
    assert status == 200 and body.startswith("ready\n") and "account main: no token" in body


def test_readyz_is_503_while_starting_and_200_once_there_is_a_token(start, account):
    # Not stretched: after three seconds without an answer it would serve all the same.
    account.fault({"delay_before_ms": 2500}, TOKEN, times=1)
    service = start(account, wait=False)
    status, body = service.http("/readyz")
    assert status == 503
    assert body == "not ready\nstarting\naccount main: no token yet, the first is being fetched\n"
    assert service.http("/livez") == (200, "ok\n")
    eventually(lambda: service.http("/readyz") == (200, "ready\n"), what="a token")
    assert account.arrivals(TOKEN) == 1


def test_health_is_not_serving_until_there_is_a_token(start, account):
    account.fault({"delay_before_ms": 2500}, TOKEN, times=1)  # not stretched either
    service = start(account, wait=False)
    watch = service.watch_health()
    assert next(watch).status == 2  # NOT_SERVING
    assert next(watch).status == 1
    watch.cancel()
    assert account.arrivals(TOKEN) == 1


METRICS = ["grpc_server_handled_total", "grpc_server_handling_seconds_bucket", "hongyan_sends_total",
           "hongyan_wechat_requests_total", "hongyan_wechat_request_seconds_bucket", "hongyan_token_requests_total",
           "hongyan_token_expiry_timestamp_seconds", "hongyan_callbacks_total", "hongyan_callback_seconds_bucket",
           "hongyan_in_flight", "hongyan_build_info", "process_resident_memory_bytes", "process_open_fds",
           "process_cpu_seconds_total", "process_start_time_seconds"]


def test_metrics_have_their_names_and_closed_labels(start, account):
    service = start(account)
    account.calls_back(service.callback_url + "main")
    openid = account.user()
    service.send_text(openid, "私密内容")
    service.send_template(openid)
    failure(service.send_text, "oNobody_canary", "x")
    failure(service.send_text, openid, "x", account="canary_account")
    account.fault({"close": "after_read"}, openid=openid, times=1)
    failure(service.send_text, openid, "x")
    account.post("message", openid=openid, content="帮助")
    account.post("event", openid=openid, event="canary_event")
    assert service.http("/canary_path", address=service.callback_address)[0] == 404

    text = service.metrics()
    for name in METRICS:
        assert re.search(rf"^{name}[ {{]", text, re.M), name
    for secret in (openid, "canary", "私密内容", "rid", "invalid openid"):
        assert secret not in text
    labels = {key for series in re.findall(r"\{(.*)\}", text) for key in re.findall(r'(\w+)="', series)}
    assert labels <= {"account", "address", "api", "code", "errcode", "grpc_code", "grpc_method", "grpc_service", "kind", "le",
                      "outcome", "reason", "revision", "type", "version"}
    value = service.metric
    assert value("grpc_server_handled_total", grpc_service="hongyan.v1.NotifyService", grpc_method="SendText",
                 grpc_code="OK") == 1
    assert value("grpc_server_handled_total", grpc_method="SendText", grpc_code="InvalidArgument") == 2
    assert value("grpc_server_handled_total", grpc_method="SendText", grpc_code="Unknown") == 1
    assert value("hongyan_wechat_requests_total", account="main", api=CUSTOM, errcode="0") == 1
    assert value("hongyan_wechat_requests_total", account="main", api=CUSTOM, errcode="40003") == 1
    assert value("hongyan_wechat_requests_total", account="main", api=CUSTOM, errcode="none") == 1
    assert value("hongyan_token_requests_total", account="main") == 1
    assert abs(value("hongyan_token_expiry_timestamp_seconds", account="main") - time.time() - 7200) < 60
    assert value("hongyan_callbacks_total", account="main", type="text", outcome="ok") == 1
    assert value("hongyan_callbacks_total", account="main", type="unknown", outcome="ok") == 1
    assert value("hongyan_callbacks_total", account="unknown") == 1
    assert value("hongyan_build_info") == 1 and value("hongyan_in_flight") == 0


def test_S19_odd_requests_make_no_new_series(start, account):
    service = start(account)
    openid = account.user()

    def odd(i):
        failure(service.send_text, openid, "x", account=f"odd{i}")
        service.http(f"/odd/{i}", address=service.callback_address)
        with pytest.raises(grpc.RpcError):
            service.channel.unary_unary(f"/odd.v1.Service{i}/Method{i}")(b"", timeout=LIMIT)
        return len(service.metrics().splitlines())

    # The end of the first health watch has series of its own, and may be counted late.
    eventually(lambda: service.metric("grpc_server_handled_total", grpc_method="Watch") == 1, what="all series")
    first = odd(0)
    for i in range(1, 100):
        last = odd(i)
    assert last == first


# --- drain ------------------------------------------------------------------------------------------------------------


def test_drain_says_so_at_once_and_still_serves_during_the_delay(start, account):
    service = start(account, {"shutdown": {"delay": f"{int(1500 * SCALE)}ms"}})
    openid = account.user()
    watch = service.watch_health()
    named = service.watch_health("hongyan.v1.NotifyService")
    assert next(watch).status == next(named).status == 1
    stopwatch = Stopwatch()
    service.process.send_signal(signal.SIGTERM)
    assert next(watch).status == 2 and next(named).status == 2
    assert stopwatch.seconds() < 1 * SCALE
    status, body = service.http("/readyz")
    assert status == 503 and "draining" in body
    assert service.http("/livez")[0] == 200
    service.send_text(openid, "still here")
    account.calls_back(service.callback_url + "main")
    assert account.post("verify")["ok"]
    service.ended()
    assert stopwatch.elapsed() >= 1.5 * SCALE
    assert account.texts(openid) == ["still here"]


def test_P03_calls_in_flight_finish_and_new_ones_are_refused(start, account, api):
    service = start(account)
    slow = account.user()
    account.fault({"delay_after_ms": int(1200 * SCALE)}, openid=slow)
    texts = [service.begin_text(slow, f"{i}") for i in range(20)]
    batch = service.stub().SendBatch(api.pb.SendBatchRequest(notifications=[
        api.pb.Notification(openid=slow, text=api.pb.Text(content=f"b{i}")) for i in range(5)]), timeout=LIMIT)
    account.wait(CUSTOM, 25, openid=slow)
    service.process.send_signal(signal.SIGTERM)

    def refused():
        with socket.socket() as sock:
            host, port = service.grpc_address.rsplit(":", 1)
            return sock.connect_ex((host, int(port))) != 0

    eventually(refused, what="the listener closed")
    assert {call.result(LIMIT).delivery.state for call in texts} == {api.pb.DELIVERY_STATE_ACCEPTED}
    assert sorted(answer.index for answer in batch) == list(range(5))
    service.ended()
    assert len(account.texts(slow)) == 25


@pytest.mark.parametrize("milliseconds", [500, 0])
def test_P03_grace_ends_what_does_not_finish(start, account, milliseconds):
    service = start(account, {"shutdown": {"grace": f"{int(milliseconds * SCALE)}ms"}})
    slow = account.user()
    account.fault({"delay_after_ms": int(4500 * SCALE)}, openid=slow)
    call = service.begin_text(slow, "x")
    account.wait(CUSTOM, openid=slow)
    stopwatch = Stopwatch()
    service.process.send_signal(signal.SIGTERM)
    failed = failure(call.result, LIMIT)
    expect(failed, "UNKNOWN", "OUTCOME_UNKNOWN", "hongyan")
    assert failed.pushback_ms == -1
    service.ended()
    assert stopwatch.seconds() < 3.5 * SCALE


@pytest.mark.seconds(13)
def test_P03_what_ends_within_the_grace_is_answered(start, account):
    service = start(account, {"shutdown": {"grace": f"{int(3000 * SCALE)}ms"}})
    slow = account.user()
    account.fault({"delay_after_ms": int(2600 * SCALE)}, openid=slow)
    call = service.begin_text(slow, "x")
    account.wait(CUSTOM, openid=slow)
    service.process.send_signal(signal.SIGTERM)
    assert call.result(LIMIT).delivery.attempts == 1
    service.ended()
    assert account.texts(slow) == ["x"]


def test_P03_traffic_that_goes_on_is_told_what_became_of_it(start, account):
    # Calls begin at every moment of the stop, also between our last look and gRPC's.
    service = start(account, {"shutdown": {"grace": f"{int(20000 * SCALE)}ms"}})
    account.fault({"delay_after_ms": 400}, times=0)
    users = [account.user() for _ in range(8)]
    begun, stopping = [], False

    def go_on(openid):
        while not stopping or len(begun) < 100:
            call = service.begin_text(openid, "x", timeout=LIMIT)
            begun.append(call)
            if call.exception(LIMIT) is not None:
                return

    with concurrent.futures.ThreadPoolExecutor(len(users)) as pool:
        turns = [pool.submit(go_on, openid) for openid in users]
        account.wait(CUSTOM, 20)
        service.process.send_signal(signal.SIGTERM)
        stopping = True
        for turn in turns:
            turn.result(LIMIT)
    service.ended()
    accepted = 0
    for call in begun:
        error = call.exception()
        accepted += error is None
        # Either it was answered, or it never came in: gRPC refuses those itself, in the one way or the other.
        assert error is None or error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED), error
    assert accepted == account.arrivals(CUSTOM) and accepted >= 20


def test_P03_peers_without_calls_hold_nothing_up(start, account):
    service = start(account, {"shutdown": {"grace": "60s"}})
    address = ("127.0.0.1", int(service.grpc_address.rpartition(":")[2]))
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    with socket.create_connection(address), socket.create_connection(address) as speaks:
        speaks.sendall(preface)
        assert speaks.recv(9)[3] == 4  # its SETTINGS: the connection stands
        service.send_text(account.user(), "x")  # on a channel that nobody looks at any more
        stopwatch = Stopwatch()
        service.process.send_signal(signal.SIGTERM)
        service.ended()
        assert stopwatch.seconds() < 5 * SCALE


def test_P03_grace_ends_a_batch_too(start, account, api):
    service = start(account, {"shutdown": {"grace": "1s"}})
    slow = account.user()
    account.fault({"delay_after_ms": int(4500 * SCALE)}, openid=slow)
    batch = service.stub().SendBatch(api.pb.SendBatchRequest(notifications=[
        api.pb.Notification(openid=slow, text=api.pb.Text(content=f"{i}")) for i in range(100)]), timeout=LIMIT)
    account.wait(CUSTOM, 32, openid=slow)
    stopwatch = Stopwatch()
    service.process.send_signal(signal.SIGTERM)
    failed = failure(list, batch)
    expect(failed, "UNKNOWN", "OUTCOME_UNKNOWN", "hongyan")
    assert failed.pushback_ms == -1
    service.ended()
    assert stopwatch.seconds() < 3.5 * SCALE
    assert account.arrivals(CUSTOM, openid=slow) == 32


def test_P04_sigterm_while_the_first_token_is_being_fetched(start, account):
    account.fault({"delay_before_ms": int(8000 * SCALE)}, TOKEN)
    service = start(account, wait=False)
    account.wait(TOKEN)
    stopwatch = Stopwatch()
    service.stop()
    assert stopwatch.seconds() < min(5 * SCALE, 8)  # after ten seconds the fetch ends by itself


def test_P07_sighup_and_sigpipe_harm_nobody(start, account):
    service = start(account)
    for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGHUP):
        service.process.send_signal(number)
    service.send_text(account.user(), "x")


def test_P13_closed_standard_error_harms_nobody(start, account, api, tmp_path):
    service = start(account)
    # A second process of the same configuration, whose standard error nobody reads.
    read, write = os.pipe()
    os.close(read)
    with open(tmp_path / "out", "wb") as out:
        process = subprocess.Popen([str(BIN / "hongyand"), "--config", str(service.config_file)], stdout=out,
                                   stderr=write, env=service.env, cwd=tmp_path)
    os.close(write)
    try:
        eventually(lambda: "listening admin" in (tmp_path / "out").read_text(), what="listeners")
        address = re.search(r"listening grpc (\S+)", (tmp_path / "out").read_text()).group(1)
        with grpc.insecure_channel(address) as channel:
            stub = api.rpc.NotifyServiceStub(channel)
            openid = account.user()
            for i in range(20):
                stub.SendText(service.text(openid, f"{i}"), timeout=LIMIT, wait_for_ready=True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 0
    finally:
        process.kill()
        process.wait()


def test_log_is_json_and_text_on_demand(start, account):
    service = start(account, {"log": {"format": "text"}})
    service.send_text(account.user(), "x")
    service.stop()
    lines = service.stderr.splitlines()
    assert any("serving" in line for line in lines)
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[0])
