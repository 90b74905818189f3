"""What a soak does to the service meanwhile. Each attack lasts so many seconds, undoes what it has done, and is bounded in
connections."""

import contextlib
import resource
import socket
import struct
import time

from sandbox_process import CUSTOM

STRANGER = "127.0.0.9"  # the address from which strangers come
DAY = 86400


def upstream(stage, rng, seconds):
    """WeChat's answers are reset, cut, late, empty, busy."""
    effects = [
        {"close": "before_read", "reset": True}, {"close": "after_read", "reset": True},
        {"close": "after_count", "reset": True}, {"close": "after_headers"}, {"truncate": 10}, {"http_status": 502},
        {"http_status": 502, "count": True}, {"delay_after_ms": 4000}, {"raw_answer": "{}"}, {"errcode": -1},
        {"http_status": 429}, {"errcode": 40001}, {"idle_close_ms": 50, "reset": True},
    ]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stage.account.fault(rng.choice(effects), times=rng.randint(1, 20))
        time.sleep(0.5)
    stage.sandbox.clear_faults()


def silent_nameserver(stage, rng, seconds):
    """Look-ups get no answer, while every request needs a new connection. For longer than answers are remembered."""
    seconds = max(seconds, 75) if seconds > 5 else seconds
    stage.account.fault({"connection_close": True}, api="*", times=0)
    stage.faults.set(names_silent=1)
    time.sleep(seconds)
    stage.faults.set(names_silent=0)
    stage.sandbox.clear_faults()


def _connections(address, count, first_bytes):
    """As many as can be had in five seconds."""
    host, port = address.rsplit(":", 1)
    opened, end = [], time.monotonic() + 5
    while len(opened) < count and time.monotonic() < end:
        connection = socket.socket()
        connection.settimeout(0.5)
        try:
            connection.bind((STRANGER, 0))
            connection.connect((host, int(port)))
            connection.sendall(first_bytes)
            opened.append(connection)
        except OSError:
            connection.close()
    return opened


def _reset(connection):
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def idle_connections(stage, rng, seconds):
    """More connections than are allowed, on every listener, that say nothing or little."""
    own, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = max(50, min(1600, (own - 400) // 2))
    service = stage.service
    end = time.monotonic() + seconds
    held = _connections(service.grpc_address, count, b"")
    slow_head = b"POST /wechat/callback/main?a=1 HTTP/1.1\r\nHost: a\r\n"
    held += _connections(service.callback_address, count // 2, slow_head)
    held += _connections(service.admin_address, 200, b"GET /livez HTTP/1.1\r\n")
    time.sleep(max(0.0, end - time.monotonic()))
    for connection in held:
        if rng.random() < 0.5:
            _reset(connection)
        else:
            connection.close()


def client_resets(stage, rng, seconds):
    """Connections that begin something on every listener and are reset at once."""
    service = stage.service
    beginnings = [
        (service.grpc_address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9)),
        (service.grpc_address, b"GET / HTTP/1.1\r\n\r\n"),
        (service.grpc_address, rng.randbytes(200)),
        (service.callback_address, b"POST /wechat/callback/main?a=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\nab"),
        (service.callback_address, rng.randbytes(200)),
        (service.admin_address, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"),
    ]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        address, first_bytes = rng.choice(beginnings)
        for connection in _connections(address, 5, first_bytes):
            _reset(connection)
        time.sleep(0.02)


def slow_flushes(stage, rng, seconds):
    """Each flush of the disk takes long."""
    stage.faults.set(flush_ms=rng.choice([300, 1000, 1500, 2500]))
    time.sleep(seconds)
    stage.faults.set(flush_ms=0)


def full_disk(stage, rng, seconds):
    """Nothing more can be written to the database."""
    stage.faults.set(disk_full=1)
    time.sleep(seconds)
    stage.faults.set(disk_full=0)


def clock_leaps(stage, rng, seconds):
    """The wall clock leaps forwards and backwards, and is right again in the end."""
    for leap in (31 * DAY, 0, -2 * 3600, 2 * 3600, -3 * DAY, 0):
        stage.faults.set(clock_seconds=leap)
        time.sleep(seconds / 6)


def kills(stage, rng, seconds):
    """It is killed, sometimes while its disk is slow, and started again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stage.faults.set(flush_ms=rng.choice([0, 0, 500]))
        time.sleep(rng.uniform(0.5, 3))
        stage.faults.set(flush_ms=0)
        stage.kill()


def restart(stage, rng, seconds):
    """It is asked to end, and started again."""
    stage.restart()


# These end the process, the others must not.
DEADLY = (kills, restart)
OTHERS = (upstream, silent_nameserver, idle_connections, client_resets, slow_flushes, full_disk, clock_leaps)
