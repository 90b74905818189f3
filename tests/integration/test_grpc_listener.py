"""The gRPC port under too many, silent and slow connections, and what the probes say meanwhile."""

import http.client
import os
import resource
import socket
import time

import grpc
import pytest

import raw_http2
from certificates import Authority
from rpc_failure import failure
from timing import LIMIT, SCALE, Stopwatch, eventually

# What the configuration of service_process.py may open at most, as the refusal to start says it.
DESCRIPTORS = 256 + 1024 + 128 + 64 + 64 + 128


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"), "ours")


@pytest.fixture(autouse=True)
def descriptors_of_our_own():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def serve(start, account, authority):
    """serve(secure, …): a service, plain or with TLS, and how to open channels to it."""
    def begin(secure=False, limits=None, **more):
        config = {"grpc": limits or {}}
        credentials = None
        if secure:
            certificate, key = authority.issue("server")
            config["grpc"]["tls"] = {"cert_file": str(certificate), "key_file": str(key)}
            credentials = grpc.ssl_channel_credentials(authority.ca.read_bytes())
        service = start(account, config, wait=False, **more)
        service.open = lambda: service.new_channel(credentials=credentials)
        eventually(lambda: service.http("/readyz")[0] == 200, what="ready")
        return service
    return begin


def greet(service, timeout=LIMIT):
    """One call on a connection of its own."""
    channel = service.open()
    stub = service.api.health_rpc.HealthStub(channel)
    status = stub.Check(service.api.health.HealthCheckRequest(), timeout=timeout).status
    channel.close()
    return status


def refused(service, reason):
    return service.metric("hongyan_grpc_connections_refused_total", reason=reason)


@pytest.mark.seconds(12)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_A03_F02_H09_P12_more_idle_connections_than_descriptors_hold_nobody_up(serve, account, secure):
    service = serve(secure, launcher=["prlimit", f"--nofile={DESCRIPTORS}"])
    idle = [raw_http2.connect(service.grpc_address) for _ in range(1400)]
    for _ in range(3):
        idle += [raw_http2.connect(service.grpc_address) for _ in range(200)]
        assert greet(service) == 1
        assert service.http("/wechat/callback/main", address=service.callback_address)[0] == 400
        assert service.http("/livez") == (200, "ok\n")
        assert service.http("/readyz") == (200, "ready\n")
        assert service.metric("hongyan_grpc_connections") <= 1024
        assert len(os.listdir(f"/proc/{service.process.pid}/fd")) <= DESCRIPTORS - 128
    assert refused(service, "silent") > 0 and refused(service, "no_descriptor") == 0
    # And the callback port full too.
    idle += [raw_http2.connect(service.callback_address) for _ in range(400)]
    assert greet(service) == 1
    assert service.http("/livez") == (200, "ok\n")
    assert service.http("/readyz") == (200, "ready\n")
    for each in idle:
        each.close()
    assert greet(service) == 1  # the first one already
    assert service.http("/readyz") == (200, "ready\n")


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_A03_G12_silent_and_half_connections_end(serve, secure):
    service = serve(secure)
    begin = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" if secure else raw_http2.PREFACE
    stopwatch = Stopwatch()
    left = []
    for said in (b"", begin[:10], begin[:10] + b"x" * 30, begin + b"\0" * 14):
        left.append(raw_http2.connect(service.grpc_address))
        left[-1].sendall(said)
    for each in left:
        while not raw_http2.is_closed(each):
            each.recv(4096)  # its SETTINGS
        each.close()
    assert stopwatch.seconds() < 15 * SCALE
    # Without a whole ClientHello, or a whole preface with SETTINGS; what can't become one is gRPC's to refuse.
    assert refused(service, "silent") == (4 if secure else 2)
    assert greet(service) == 1


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_A03_who_sends_half_an_opening_makes_room_for_the_next(serve, secure):
    service = serve(secure, limits={"max_connections": 4})
    half = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100 if secure else raw_http2.PREFACE + b"\0\0\x06\x04"
    for _ in range(3):
        there = [raw_http2.connect(service.grpc_address) for _ in range(4)]
        for each in there:
            each.sendall(half)
        assert greet(service) == 1  # at the first attempt or, with backoff, at the next
        for each in there:
            each.close()
    assert refused(service, "silent") >= 3 and refused(service, "over_limit") == 0


def open_and_listen(service, source=""):
    """A connection that has spoken: whether the service answered it, or closed it."""
    client = raw_http2.Client(service.grpc_address, source=source)
    try:
        client.wait_for(raw_http2.SETTINGS)
    except ConnectionError:
        client.socket.close()
        return None
    return client


@pytest.mark.seconds(15)
def test_A03_who_speaks_keeps_the_place_and_the_newest_goes(serve):
    service = serve(limits={"max_connections": 4})
    there = [open_and_listen(service) for _ in range(4)]
    assert all(there)
    probes = service.metric("hongyan_grpc_self_probes_total", outcome="answered")
    for _ in range(3):
        assert open_and_listen(service) is None
    assert refused(service, "over_limit") == 3
    assert service.metric("hongyan_grpc_connections") == 4
    # Our own probe gets in all the same.
    eventually(lambda: service.metric("hongyan_grpc_self_probes_total", outcome="answered") > probes, what="a probe")
    assert service.metric("hongyan_grpc_self_probes_total", outcome="failed") == 0
    # Nobody else gets in, so this is no place to send anybody to.
    turned_away = service.metric("hongyan_grpc_connections_refused_total", reason="over_limit")
    eventually(lambda: open_and_listen(service) is None and service.http("/readyz")[0] == 503, limit=2 * LIMIT, what="not ready")
    assert "grpc.max_connections" in service.http("/readyz")[1] and service.http("/livez")[0] == 200
    assert refused(service, "over_limit") > turned_away
    eventually(lambda: service.http("/readyz") == (200, "ready\n"), limit=2 * LIMIT, what="ready again")
    turned_away = refused(service, "over_limit")
    # One leaves, one gets in, at once.
    for client in there:
        client.socket.close()
        assert open_and_listen(service)
    assert refused(service, "over_limit") == turned_away


def test_A03_one_address_has_a_limit_of_its_own(serve):
    service = serve(limits={"max_connections": 8, "max_connections_per_address": 2})
    there = [open_and_listen(service) for _ in range(2)]
    assert all(there)
    assert open_and_listen(service) is None
    assert refused(service, "over_address_limit") == 1
    others = [open_and_listen(service, source="127.0.0.2") for _ in range(2)]
    assert all(others)
    assert open_and_listen(service, source="127.0.0.2") is None
    there[0].socket.close()
    assert open_and_listen(service, source="127.0.0.2") is None
    assert open_and_listen(service)
    # Whoever is silent makes room for the next of the same address.
    others[0].socket.close()
    silent = raw_http2.connect(service.grpc_address, source="127.0.0.2")
    assert open_and_listen(service, source="127.0.0.2")
    assert raw_http2.is_closed(silent)


@pytest.mark.seconds(45)
def test_A03_P12_without_descriptors_the_probes_say_so_and_it_recovers(serve):
    service = serve()
    # Over connections that are there already, for nobody can open another meanwhile. Each bears a hundred requests and one 503.
    host, port = service.admin_address.split(":")
    connections = {path: http.client.HTTPConnection(host, int(port), timeout=LIMIT) for path in ("/readyz", "/livez")}

    def probe(path):
        connections[path].request("GET", path)
        response = connections[path].getresponse()
        return response.status, response.read().decode()

    def becomes(path, status, limit=LIMIT):
        end = time.monotonic() + limit
        while True:
            found, body = probe(path)
            if found == status:
                return body
            assert time.monotonic() < end, (path, status)
            time.sleep(limit / 80)

    assert probe("/readyz") == (200, "ready\n") and probe("/livez") == (200, "ok\n")
    soft, hard = resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (3, hard))
    body = becomes("/readyz", 503)
    assert "gRPC port" in body and "Too many open files" in body
    assert probe("/livez") == (200, "ok\n")
    waiting = [raw_http2.connect(service.grpc_address) for _ in range(50)]
    assert "gRPC port" in becomes("/livez", 503, 2 * LIMIT)
    resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
    for each in waiting:
        each.close()
    assert greet(service) == 1
    eventually(lambda: service.http("/readyz") == (200, "ready\n"), what="ready again")
    assert service.http("/livez") == (200, "ok\n")


@pytest.mark.seconds(20)
def test_G13_pings_without_calls_are_borne_for_ten_seconds_apart_and_no_flood(serve):
    service = serve()
    with raw_http2.Client(service.grpc_address) as client:
        client.wait_for(raw_http2.SETTINGS)
        for number in range(5):  # closer than a client may be set to, since they bunch up on their way
            client.send(raw_http2.PING, b"%8d" % number)
            assert client.wait_for(raw_http2.PING)[3] == b"%8d" % number
            if number < 4:
                time.sleep(5.5)
        with pytest.raises((AssertionError, ConnectionError)):
            for number in range(100):
                client.send(raw_http2.PING, b"%8d" % number)
                client.wait_for(raw_http2.PING)


def test_start_on_all_addresses_of_ipv6_takes_ipv4_too(start, account, authority):
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    certificate, key = authority.issue("server")
    service = start(account, {"grpc": {"listen": "[::]:0", "tls": {
        "cert_file": str(certificate), "key_file": str(key), "client_ca_file": str(authority.ca)}}})
    eventually(lambda: service.http("/readyz")[0] == 200, what="ready")
    port = service.grpc_address.rpartition(":")[2]
    cert, key = authority.issue("client")
    credentials = grpc.ssl_channel_credentials(authority.ca.read_bytes(), key.read_bytes(), cert.read_bytes())
    for host in ("127.0.0.1", "localhost"):
        service.grpc_address = f"{host}:{port}"
        service.open = lambda: service.new_channel(credentials=credentials)
        assert greet(service) == 1
    failed = failure(lambda: service.api.health_rpc.HealthStub(service.new_channel(
        credentials=grpc.ssl_channel_credentials(authority.ca.read_bytes()))).Check(
            service.api.health.HealthCheckRequest(), timeout=LIMIT))
    assert failed.code == grpc.StatusCode.UNAVAILABLE
