"""A18: peers that hold connections and let us wait for their requests keep nobody out."""

import concurrent.futures
import http.client
import selectors
import socket
import ssl
import threading

from certificates import Authority
from signed_push import message, post, signed, target
from timing import LIMIT, eventually

SLOW_HEAD = b"POST /wechat/callback/main HTTP/1.1\r\nHos"


class Dawdlers:
    """Holds `count` connections, each with the beginning of a request, and opens another one for each that is closed,
    until it is left."""

    def __init__(self, address, count, begin=SLOW_HEAD, source="127.0.0.1", tls=None):
        host, port = address.rsplit(":", 1)
        self._peer, self._source, self._tls, self._begin = (host, int(port)), source, tls, begin
        self._count, self._leaving = count, threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.opened = 0

    def __enter__(self):
        self._thread.start()
        eventually(lambda: self.opened >= self._count, what="dawdlers")
        return self

    def __exit__(self, *_):
        self._leaving.set()
        self._thread.join()

    def _open(self):
        sock = socket.create_connection(self._peer, timeout=LIMIT, source_address=(self._source, 0))
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_hostname="localhost")
        sock.sendall(self._begin)
        return sock

    def _work(self):
        with selectors.DefaultSelector() as sockets:
            while not self._leaving.wait(0.01):
                for key, _ in sockets.select(0):
                    sockets.unregister(key.fileobj)
                    key.fileobj.close()
                for _ in range(self._count - len(sockets.get_map())):
                    try:
                        sockets.register(self._open(), selectors.EVENT_READ)
                        self.opened += 1
                    except OSError:
                        pass  # it was closed at once
            for key in list(sockets.get_map().values()):
                key.fileobj.close()


def test_A18_slow_heads_keep_no_push_out(start, sandbox):
    account = sandbox.new_account()
    service = start(account, {"callback": {"max_connections": 64}})
    with Dawdlers(service.callback_address, 64):
        for number in range(300):
            assert post(service, signed(account, nonce=f"{number}"), message(msg_id=number))[0] == 200, number
    assert service.metric("hongyan_callbacks_total", account="main", outcome="ok", type="text") == 300
    assert service.metric("hongyan_callbacks_total", outcome="evicted") > 0


def test_A18_with_tls_one_address_has_a_quarter_of_the_places(start, sandbox, tmp_path):
    account = sandbox.new_account()
    authority = Authority(tmp_path, "callback")
    cert, key = authority.issue("callback")
    service = start(account, {"callback": {"max_connections": 64,
                                           "tls": {"cert_file": str(cert), "key_file": str(key)}}})
    host, port = service.callback_address.rsplit(":", 1)
    context = ssl.create_default_context(cafile=str(authority.ca))

    def push(number):
        connection = http.client.HTTPSConnection(host, int(port), timeout=LIMIT, context=context)
        try:
            connection.request("POST", target(signed(account, nonce=f"{number}")), message(msg_id=number))
            return connection.getresponse().status
        finally:
            connection.close()

    def held():
        return sum(local.endswith(f":{int(port):04X}") and remote.startswith("0200007F:") and state == "01"
                   for local, remote, state in service.sockets())

    with Dawdlers(service.callback_address, 24, source="127.0.0.2", tls=context):
        for number in range(100):
            assert push(number) == 200
            eventually(lambda: held() <= 16, what="a quarter")  # the kernel takes them before the service looks
        eventually(lambda: held() > 0, what="the dawdlers' return")


def test_A18_probes_get_in(start, account):
    service = start(account)
    for begin in (b"", b"GET /livez HTTP/1.1\r\nHos", b"GET /livez HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n"):
        with Dawdlers(service.admin_address, 64, begin=begin):
            for path in 5 * ("/livez", "/healthz", "/readyz", "/metrics"):
                assert service.http(path)[0] == 200


def test_A18_a_push_that_is_being_worked_on_stays(start, sandbox, handler):
    account = sandbox.new_account()
    service = start(account, {"callback": {"max_connections": 4}}, account_config={"main": {"handler": {
        "target": handler.address, "timeout": "4s"}}})
    account.calls_back(service.callback_url + "main")
    handler.says_when_released("你好")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pushed = pool.submit(account.post, "message", openid=account.user(), content="x")
        handler.next_call()
        with Dawdlers(service.callback_address, 8):
            handler.release.set()
            assert pushed.result(LIMIT)["push"]["status"] == 200


def test_http_1_0_without_a_host_is_answered_on_the_admin_listener(service):
    host, port = service.admin_address.rsplit(":", 1)
    for path in ("/livez", "/healthz", "/readyz"):
        with socket.create_connection((host, int(port)), timeout=LIMIT) as sock:
            sock.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            assert sock.makefile("rb").readline().startswith(b"HTTP/1.1 200 ")
