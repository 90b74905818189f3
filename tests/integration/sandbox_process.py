"""A running hongyan-sandbox and the words that the tests speak to it."""

import http.client
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.parse

from timing import LIMIT

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("HONGYAN_BIN_DIR", ROOT / "build" / "dev" / "bin")).resolve()
SANDBOX = pathlib.Path(os.environ.get("HONGYAN_SANDBOX", BIN / "hongyan-sandbox")).resolve()

TOKEN = "/cgi-bin/stable_token"
CLASSIC_TOKEN = "/cgi-bin/token"
CUSTOM = "/cgi-bin/message/custom/send"
TYPING = "/cgi-bin/message/custom/typing"
TEMPLATE = "/cgi-bin/message/template/send"
USER = "/cgi-bin/user/info"
USERS = "/cgi-bin/user/info/batchget"
USER_LIST = "/cgi-bin/user/get"
TEMPLATES = "/cgi-bin/template/get_all_private_template"

SHIPPED = "SandboxOrderShippedTemplate0000000000000001"
SHIPPED_DATA = {"thing1": "夏日蜜桃茶", "time2": "2026年3月1日 15:01", "amount3": "¥39.80",
                "character_string4": "1024-77"}
SHIPPED_CONTENT = "商品:{{thing1.DATA}}\n时间:{{time2.DATA}}\n金额:{{amount3.DATA}}\n单号:{{character_string4.DATA}}"

_numbers = itertools.count(1)


class Sandbox:
    def __init__(self, *flags, scheme="http"):
        self.scheme = scheme
        self._process = subprocess.Popen([str(SANDBOX), "--listen", "127.0.0.1:0", *flags],
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        found = re.fullmatch(r"listening sandbox 127\.0\.0\.1:(\d+)\n", line)
        assert found, line + self._process.stderr.read()
        self.port = int(found.group(1))
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        _, errors = self._process.communicate(timeout=LIMIT)
        assert self._process.returncode == 0, errors
        assert "Sanitizer" not in errors and "runtime error:" not in errors, errors

    def request(self, method, path, body=None, timeout=LIMIT + 10):
        if self.scheme == "https":
            import ssl
            context = ssl._create_unverified_context()  # the tests of the certificate are the service's
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
            connection.request(method, path, data)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        assert response.status == 200, (path, response.status, text)
        return json.loads(text) if text.startswith("{") else text

    def get(self, what, **query):
        query = {key: value for key, value in query.items() if value is not None}
        return self.request("GET", f"/sandbox/{what}?" + urllib.parse.urlencode(query))

    def post(self, what, **body):
        return self.request("POST", f"/sandbox/{what}", body)

    def clear_faults(self):
        self.request("DELETE", "/sandbox/faults")

    def violations(self):
        return self.get("counters")["violations"]

    def new_account(self, **settings):
        """An Official Account that no other test has seen; faults and ledgers are kept apart by it."""
        number = next(_numbers)
        return Account(self, f"wxtest{number:012d}", f"secret-of-{number:022d}", **settings)


class Account:
    def __init__(self, sandbox, app_id, secret, **settings):
        self.sandbox, self.app_id, self.secret = sandbox, app_id, secret
        self.callback_token = "callbacktoken" + app_id[-6:]
        self.original_id = "gh_" + app_id[-12:]
        self.change(app_secret=secret, original_id=self.original_id, **settings)
        self.post("templates", template_id=SHIPPED, title="订单发货通知", content=SHIPPED_CONTENT)

    def change(self, **settings):
        self.sandbox.post("accounts", app_id=self.app_id, **settings)

    def calls_back(self, url):
        self.change(callback={"url": url, "token": self.callback_token})

    def post(self, what, **body):
        return self.sandbox.post(what, app_id=self.app_id, **body)

    def user(self, **settings):
        """A new follower who may be written to."""
        openid = settings.pop("openid", None) or f"oTestFollower_{next(_numbers):014d}"
        self.post("users", openid=openid, **settings)
        return openid

    def fault(self, effect, api=CUSTOM, **more):
        return self.post("faults", api=api, effect=effect, **more)["id"]

    def ledger(self, api=None, **filters):
        return self.sandbox.get("ledger", app_id=self.app_id, api=api, **filters)["requests"]

    def arrivals(self, api=None, **filters):
        return self.sandbox.get("ledger", app_id=self.app_id, api=api, limit=0, **filters)["total"]

    def wait(self, api, count=1, **filters):
        """Until so many requests have arrived."""
        found = self.sandbox.get("wait", app_id=self.app_id, api=api, count=count, timeout_ms=int(LIMIT * 1000),
                                 **filters)
        assert found["reached"], found

    def chat(self, openid=None):
        return self.sandbox.get("chat", app_id=self.app_id, openid=openid)["chat"]

    def texts(self, openid=None):
        """What the account has said to this user, as the user sees it."""
        return [line["text"] for line in self.chat(openid) if line["direction"] == "to_user"]

    def tokens(self):
        return self.sandbox.get("tokens", app_id=self.app_id)
