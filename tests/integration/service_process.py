"""A running hongyand: its configuration file, its listeners, its gRPC channels, and its end."""

import http.client
import json
import os
import re
import signal
import subprocess
import threading

import grpc

from sandbox_process import BIN, SHIPPED, SHIPPED_DATA
from timing import LIMIT, SCALE, eventually

REPORTS = ("Sanitizer:", "runtime error:", "WARNING: ThreadSanitizer")
METHOD = "/hongyan.v1.NotifyService/"


def to_yaml(value, indent=0):
    """Block YAML, as a person writes it; strings quoted."""
    pad = "  " * indent
    if isinstance(value, dict):
        return "".join(f"{pad}{key}:" + _inline_or_block(item, indent) for key, item in value.items())
    return "".join(f"{pad}-" + _inline_or_block(item, indent) for item in value)


def _inline_or_block(item, indent):
    if isinstance(item, (dict, list)) and item:
        return "\n" + to_yaml(item, indent + 1)
    if isinstance(item, str):
        return " " + json.dumps(item, ensure_ascii=False) + "\n"
    return f" {json.dumps(item)}\n"


def merged(base, changes):
    result = dict(base)
    for key, value in changes.items():
        result[key] = merged(base[key], value) if isinstance(value, dict) and key in base else value
    return result


def without(*capabilities):
    """The start of a command that runs another without these, where root has them; others don't."""
    dropped = ",".join(f"-{name}" for name in capabilities)
    return ["setpriv", "--bounding-set", dropped, "--inh-caps", dropped] if os.geteuid() == 0 else []


def descriptor_links(pid):
    """What each descriptor of a process leads to."""
    links = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{pid}/fd/{number}"))
        except FileNotFoundError:
            continue  # closed meanwhile
    return links


class Service:
    """`accounts`: {name: sandbox_process.Account}. `config` overrides what stands below, key by key. `launcher` is what
    the command line begins with; the process must stay the one that was started."""

    def __init__(self, api, folder, accounts, config=None, account_config=None, wait=True, env=None, launcher=()):
        self.api, self.folder, self.accounts = api, folder, accounts
        self.launcher = list(map(str, launcher))
        self.env = {**os.environ, **(env or {})}
        listed = []
        for name, account in accounts.items():
            self.env[f"SECRET_OF_{name.upper()}"] = account.secret
            self.env[f"CALLBACK_TOKEN_OF_{name.upper()}"] = account.callback_token
            listed.append({"name": name, "app_id": account.app_id, "app_secret": f"${{SECRET_OF_{name.upper()}}}",
                           "callback": {"token": f"${{CALLBACK_TOKEN_OF_{name.upper()}}}", "mode": "plain"},
                           **(account_config or {}).get(name, {})})
        self.config = merged({
            "grpc": {"listen": "127.0.0.1:0"},
            "callback": {"listen": "127.0.0.1:0", "max_connections": 256},
            "admin": {"listen": "127.0.0.1:0"},
            "log": {"level": "debug"},
            "wechat": {"api_urls": [next(iter(accounts.values())).sandbox.url], "timeout": f"{int(5000 * SCALE)}ms"},
            "shutdown": {"delay": "0s", "grace": f"{int(10000 * SCALE)}ms"},
            "accounts": listed,
        }, config or {})
        self.config_file = folder / "hongyan.yaml"
        self.config_file.write_text(to_yaml(self.config), encoding="utf-8")
        self.out_file, self.err_file = folder / "stdout", folder / "stderr"
        self.channels = []
        self.process = None
        self.start(wait)

    def start(self, wait=True):
        with open(self.out_file, "wb") as out, open(self.err_file, "wb") as err:
            self.process = subprocess.Popen(
                [*self.launcher, str(BIN / "hongyand"), "--config", str(self.config_file)], stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, env=self.env, cwd=self.folder)
        # It prints its addresses to a file, which sends no event.
        eventually(lambda: self.process.poll() is not None or "listening admin" in self.stdout, what="listeners")
        assert self.process.poll() is None, self.stderr
        found = dict(re.findall(r"^listening (\w+) (\S+)$", self.stdout, re.M))
        self.grpc_address, self.admin_address = found["grpc"], found["admin"]
        self.callback_address = found["callback"]
        self.callback_url = f"http://{self.callback_address}/wechat/callback/"
        self.channel = None if "tls" in self.config["grpc"] else self.new_channel()
        if wait and self.channel is not None:
            self.wait_until_serving()

    def new_channel(self, *options, credentials=None):
        own = (("grpc.use_local_subchannel_pool", 1), *options)
        channel = (grpc.insecure_channel(self.grpc_address, own) if credentials is None
                   else grpc.secure_channel(self.grpc_address, credentials, own))
        self.channels.append(channel)
        return channel

    def wait_until_serving(self):
        watch = self.watch_health()
        try:
            for answer in watch:
                if answer.status == self.api.health.HealthCheckResponse.SERVING:
                    return
        finally:
            watch.cancel()

    def watch_health(self, service="", timeout=LIMIT):
        stub = self.api.health_rpc.HealthStub(self.channel)
        return stub.Watch(self.api.health.HealthCheckRequest(service=service), timeout=timeout, wait_for_ready=True)

    # --- the end -----------------------------------------------------------------------------------------------------

    def stop(self, code=0):
        for channel in self.channels:
            channel.close()
        self.channels.clear()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.ended(code)

    def ended(self, code=0):
        """Waits for the end, which must be this one, and without complaints of a sanitizer."""
        try:
            found = self.process.wait(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("didn't end: " + self.stderr[-4000:]) from None
        assert found == code, (found, self.stderr[-6000:])
        for report in REPORTS:
            assert report not in self.stderr, self.stderr

    # --- what can be seen of it --------------------------------------------------------------------------------------

    @property
    def stdout(self):
        return self.out_file.read_text(encoding="utf-8")

    @property
    def stderr(self):
        return self.err_file.read_text(encoding="utf-8", errors="backslashreplace")

    def log(self, **wanted):
        """Log lines as objects, those that have these fields. A thread of the service's own writes them a little later
        than they are said, and what it is writing right now has no end yet."""
        text = self.stderr
        lines = [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]
        return [line for line in lines if all(line.get(key) == value for key, value in wanted.items())]

    def http(self, path, method="GET", body=None, headers=None, address=None, timeout=LIMIT):
        connection = http.client.HTTPConnection(address or self.admin_address, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def metrics(self):
        status, text = self.http("/metrics")
        assert status == 200
        return text

    def metric(self, name, **labels):
        """The sum of the series with these labels."""
        total = 0.0
        for series, text, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", self.metrics(), re.M):
            own = dict(re.findall(r'(\w+)="([^"]*)"', text))
            if series == name and all(own.get(key) == str(wanted) for key, wanted in labels.items()):
                total += float(value)
        return total

    def sockets(self):
        """Its TCP sockets, as /proc/net/tcp and tcp6 have them: (local address, remote address, state)."""
        inodes = set(descriptor_links(self.process.pid))
        rows = []
        for table in ("tcp", "tcp6"):
            with open(f"/proc/net/{table}", encoding="ascii") as lines:
                rows += [line.split() for line in lines.readlines()[1:]]
        return [(row[1], row[2], row[3]) for row in rows if f"socket:[{row[9]}]" in inodes]

    def connections_to(self, port):
        """How many of its sockets are connected to this port of 127.0.0.1."""
        return sum(remote == f"0100007F:{port:04X}" and state == "01" for _, remote, state in self.sockets())

    def listening_ports(self):
        return {int(local.rsplit(":", 1)[1], 16) for local, _, state in self.sockets() if state == "0A"}

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) / 1024

    # --- calls -------------------------------------------------------------------------------------------------------

    def stub(self, channel=None):
        return self.api.rpc.NotifyServiceStub(channel or self.channel)

    def text(self, openid="", content="你好", **fields):
        return self.api.pb.SendTextRequest(openid=openid, content=content, **fields)

    def template(self, openid="", data=None, template_id=SHIPPED, url="", **fields):
        template = self.api.pb.Template(template_id=template_id, data=SHIPPED_DATA if data is None else data, url=url)
        return self.api.pb.SendTemplateRequest(openid=openid, template=template, **fields)

    def send_text(self, openid="", content="你好", timeout=LIMIT, metadata=None, **fields):
        return self.stub().SendText(self.text(openid, content, **fields), timeout=timeout, metadata=metadata).delivery

    def begin_text(self, openid="", content="你好", timeout=LIMIT, metadata=None, **fields):
        return self.stub().SendText.future(self.text(openid, content, **fields), timeout=timeout, metadata=metadata)

    def send_template(self, openid="", timeout=LIMIT, **fields):
        return self.stub().SendTemplate(self.template(openid, **fields), timeout=timeout).delivery

    def user_info(self, openid="", timeout=LIMIT, metadata=None, **fields):
        request = self.api.pb.GetUserInfoRequest(openid=openid, **fields)
        return self.stub().GetUserInfo(request, timeout=timeout, metadata=metadata).user

    def users_info(self, openids=(), timeout=LIMIT, **fields):
        request = self.api.pb.BatchGetUserInfoRequest(openids=openids, **fields)
        return self.stub().BatchGetUserInfo(request, timeout=timeout).users

    def many_texts(self, wanted, timeout=LIMIT):
        """[(openid, content)] → outcomes, all on their way at once; one connection carries 128."""
        stubs = [self.stub(self.new_channel()) for _ in range(0, len(wanted), 100)]
        done = threading.Semaphore(0)
        calls = []
        for i, (openid, content) in enumerate(wanted):
            call = stubs[i // 100].SendText.future(self.text(openid, content), timeout=timeout)
            call.add_done_callback(lambda _: done.release())
            calls.append(call)
        for _ in calls:
            assert done.acquire(timeout=timeout + 5)
        return [call.exception() or call.result().delivery for call in calls]
