"""The running hongyan-sandbox, an endpoint for its pushes, and the words that the tests speak to both."""

import contextlib
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import queue
import re
import signal
import socket
import subprocess
import threading
import urllib.parse

APP = "wxsandbox00000001"
SECRET = "sandboxsecret0000000000000000001"
ALICE = "oSandbox_AliceDemoFollower01"
BOBBY = "oSandbox_BobbyDemoFollower02"
SHIPPED = "SandboxOrderShippedTemplate0000000000000001"
SHIPPED_DATA = {
    "thing1": {"value": "夏日蜜桃茶"},
    "time2": {"value": "2026年3月1日 15:01"},
    "amount3": {"value": "¥39.80"},
    "character_string4": {"value": "1024-77"},
}
CUSTOM = "/cgi-bin/message/custom/send"
TEMPLATE = "/cgi-bin/message/template/send"
RID = re.compile(r" rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$")


def binary():
    given = os.environ.get("HONGYAN_SANDBOX")
    return given or str(pathlib.Path(os.environ["HONGYAN_BIN_DIR"]) / "hongyan-sandbox")


class Sandbox:
    """The running process and the few words the tests speak to it."""

    def __init__(self, *flags):
        self.process = subprocess.Popen(
            [binary(), "--listen", "127.0.0.1:0", *flags], stdout=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening sandbox 127\.0\.0\.1:(\d+)\n", line)
        assert match, line
        self.port = int(match.group(1))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(10) == 0
        self.process.stdout.close()

    def connect(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, target, body=None, headers=None, connection=None):
        own = connection or self.connect()
        if isinstance(body, (dict, list)):
            body = json.dumps(body, ensure_ascii=False)
        if isinstance(body, str):
            body = body.encode()
        own.request(method, target, body, headers or {})
        answer = own.getresponse()
        data = answer.read()
        if connection is None:
            own.close()
        return answer.status, data

    def json(self, method, target, body=None):
        status, data = self.request(method, target, body)
        assert status == 200, (status, data)
        return json.loads(data)

    def control(self, path, body=None):
        return self.json("GET" if body is None else "POST", "/sandbox/" + path, body)

    def fault(self, effect, api=CUSTOM, **more):
        return self.control("faults", {"api": api, "effect": effect, **more})["id"]

    def classic(self, app=APP, secret=SECRET, grant="client_credential"):
        query = urllib.parse.urlencode({"grant_type": grant, "appid": app, "secret": secret})
        return self.json("GET", "/cgi-bin/token?" + query)

    def stable(self, force=None, app=APP, secret=SECRET):
        body = {"grant_type": "client_credential", "appid": app, "secret": secret}
        if force is not None:
            body["force_refresh"] = force
        return self.json("POST", "/cgi-bin/stable_token", body)

    def token(self, **account):
        return self.stable(**account)["access_token"]

    def path(self, api, token, **query):
        query = {"access_token": token, **query}
        return api + "?" + urllib.parse.urlencode(query)

    def send_text(self, token, content="你好 🚚", openid=ALICE, connection=None):
        body = {"touser": openid, "msgtype": "text", "text": {"content": content}}
        status, data = self.request("POST", self.path(CUSTOM, token), body, connection=connection)
        return json.loads(data)

    def send_template(self, token, data=None, openid=ALICE, **more):
        body = {"touser": openid, "template_id": SHIPPED, "data": data or SHIPPED_DATA, **more}
        return self.json("POST", self.path(TEMPLATE, token), body)

    def user_info(self, token, openid=ALICE):
        return self.json("GET", self.path("/cgi-bin/user/info", token, openid=openid))

    def ledger(self, **query):
        return self.control("ledger?" + urllib.parse.urlencode(query))["requests"]

    def chat(self, **query):
        return self.control("chat?" + urllib.parse.urlencode(query))["chat"]

    def advance(self, seconds):
        self.control("clock", {"advance_ms": int(seconds * 1000)})

    def raw(self, data, read_all=True, timeout=60):
        """Sends bytes, returns all that comes back until the peer closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as sock:
            sock.sendall(data)
            out = b""
            with contextlib.suppress(ConnectionResetError):
                while read_all:
                    piece = sock.recv(65536)
                    if not piece:
                        break
                    out += piece
            return out


class Receiver:
    """An endpoint that is pushed to: keeps what came, answers what it is told."""

    def __init__(self):
        self.requests = queue.Queue()
        self.answer = lambda request: (200, b"success")
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def serve(self):
                length = int(self.headers.get("Content-Length", 0))
                parts = urllib.parse.urlsplit(self.path)
                request = {
                    "method": self.command,
                    "path": parts.path,
                    "query": dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True)),
                    "body": self.rfile.read(length),
                    "content_type": self.headers.get("Content-Type"),
                }
                receiver.requests.put(request)
                status, body = receiver.answer(request)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            do_GET = do_POST = serve

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/wechat/callback/main"

    def next(self):
        return self.requests.get(timeout=60)

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def refused(answer, errcode):
    assert answer.get("errcode") == errcode, answer
    assert RID.search(answer["errmsg"]), answer
    return answer["errmsg"]


def accepted(answer):
    assert answer.get("errcode", 0) == 0, answer
    return answer


def signature(*parts):
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()
