"""Every code block of README.md and README.zh-CN.md, run as it is printed against what `scripts/demo --keep` leaves running.

grpcurl is no package of Debian 12: where it isn't on PATH, the stand-in beside this file runs its lines.
"""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest

import code_blocks
import stubs
from sandbox_process import BIN, ROOT, SANDBOX, Sandbox
from service_process import Service
from timing import LIMIT, SCALE, eventually

READMES = ["README.md", "README.zh-CN.md"]


class Reader:
    """Somebody with a clone of the repository, the demo running, and the demo's line pasted into the shell."""

    def __init__(self, folder):
        self.clone = folder / "clone"
        self.clone.mkdir()
        for name in ("protos", "scripts", "hongyan.example.yaml"):
            (self.clone / name).symlink_to(ROOT / name)
        (self.clone / "build" / "release").mkdir(parents=True)
        programs = self.clone / "build" / "release" / "bin"
        programs.mkdir()
        for name, program in (("hongyan", BIN / "hongyan"), ("hongyand", BIN / "hongyand"), ("hongyan-sandbox", SANDBOX)):
            (programs / name).symlink_to(program)
        tools = folder / "tools"
        tools.mkdir()
        (tools / "python3").symlink_to(sys.executable)  # the distribution's, whose packages the page names
        if not shutil.which("grpcurl"):
            (tools / "grpcurl").symlink_to(pathlib.Path(__file__).parent / "grpcurl")
        self.env = {name: value for name, value in os.environ.items()
                    if not name.startswith(("HONGYAN_T", "WX_", "LC_", "LANG"))}
        self.env.update(PATH=f"{tools}:{os.environ['PATH']}", LC_ALL="C.UTF-8", TMPDIR=str(folder))
        self.pasted = ""
        self._demo()

    def _demo(self):
        done = subprocess.run(["scripts/demo", "--keep", "--bin", self.clone / "build/release/bin"], cwd=ROOT, env=self.env,
                              capture_output=True, text=True, timeout=6 * LIMIT)
        assert done.returncode == 0, done.stdout + done.stderr
        (self.pasted,) = re.findall(r"^  (export .*HONGYAN_TARGET=.*)$", done.stdout, re.M)
        (self._stop,) = re.findall(r"^  (kill .*)$", done.stdout, re.M)

    def stop(self):
        subprocess.run(["bash", "-c", self._stop], check=True)

    def run(self, code, stdin="", until=None):
        """All of it, or until `until(what was printed)` is true: then comes Ctrl-C."""
        printed = self.clone.parent / "printed"
        with open(printed, "wb") as out:
            # A worker of pytest may ignore SIGINT, and whoever is started by it would too.
            shell = subprocess.Popen(["bash", "-e", "-u", "-c", f"{self.pasted}\n{code}"], cwd=self.clone, env=self.env,
                                     stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        try:
            shell.stdin.write(stdin.encode())
            shell.stdin.close()
            if until:
                try:
                    eventually(lambda: shell.poll() is not None or until(printed.read_text("utf-8")))
                    assert shell.poll() is None, "it ended before Ctrl-C"
                except AssertionError as error:
                    raise AssertionError(f"{error}\n{printed.read_text('utf-8')}") from None
                os.killpg(shell.pid, signal.SIGINT)
            code = shell.wait(timeout=3 * LIMIT)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
        text = printed.read_text("utf-8")
        assert until or code == 0, f"exit code {code}\n{text}"
        return text


# --- what becomes of each block: functions of (reader, code) -----------------------------------------------------------


def prints(*fragments, stdin="", then=""):
    """It is run, ends with 0 (or at Ctrl-C, where the block says that it ends so), and prints all of these."""
    def run(reader, code):
        if "Ctrl-C" in code:
            reader.run(code, until=lambda text: all(fragment in text for fragment in fragments))
            return
        text = reader.run(code + then, stdin)
        for fragment in fragments:
            assert fragment in text, text
    return run


def cannot(reason):
    """It isn't run, because of this."""
    assert reason
    return None


def file(name):
    """A program that later blocks run."""
    def run(reader, code):
        (reader.clone / name).write_text(code, encoding="utf-8")
    return run


def checks(after=None):
    """Configuration, alone or behind that of an earlier block; --check finds nothing."""
    def run(reader, code):
        path = reader.clone / "hongyan.yaml"
        if after:
            # Its rules, where it has some, make way for those of this block.
            code = reader.configurations[after].partition("    replies:\n")[0] + code
        reader.configurations[len(reader.configurations) + 1] = code
        path.write_text(code, encoding="utf-8")
        secrets = f"export WX_APP_SECRET=s WX_CALLBACK_TOKEN=token1 WX_ENCODING_AES_KEY={'k' * 43}\n"
        text = reader.run(secrets + "hongyand --config hongyan.yaml --check")
        assert "warning" not in text, text
    return run


def answers_users(reader, code):
    """The bot: a service of its own asks it, and a user hears the answer."""
    folder = reader.clone.parent / "service"
    folder.mkdir()
    sandbox = Sandbox()
    account = sandbox.new_account()
    service = Service(stubs.load(folder), folder, {"main": account}, account_config={
        "main": {"callback": {"token": account.callback_token, "mode": "plain"},
                 "handler": {"target": f"unix:{reader.clone}/bot.sock"}}})
    account.calls_back(service.callback_url + "main")
    openid = account.user()

    def heard(printed):
        if not (reader.clone / "bot.sock").exists():
            return False
        push = account.post("message", openid=openid, type="text", content="在吗")["push"]
        return push["status"] == 200 and "收到：在吗" in push["body"]

    try:
        reader.run(code, until=heard)
    finally:
        service.stop()
        sandbox.stop()


ALICE, CAROL = "oSandbox_AliceDemoFollower01", "oSandbox_CarolDemoFollower03"

# In the order of the file, by the heading that a block stands below (in README.md).
BLOCKS = [
    ("Two commands", cannot("the repository's address, and it builds: the demo runs as the test begins")),
    ("Two commands", prints("build/release/bin/hongyand", then="command -v hongyand")),
    ("A first message to a real account", checks()),
    ("A first message to a real account", prints(stdin="the-secret\n")),
    ("A first message to a real account", cannot("it needs a real account, and its ports are fixed")),
    ("A first message to a real account", prints("ACCEPTED")),
    ("A first message to a real account", prints("oSandbox_", CAROL)),
    ("A first message to a real account", prints("32 43", then="echo ${#WX_CALLBACK_TOKEN} ${#WX_ENCODING_AES_KEY}")),
    ("A first message to a real account", checks(after=1)),
    ("A first message to a real account", cannot("nginx, a domain and its certificate")),
    ("The API by example", prints()),
    ("grpcurl", prints("hongyan.v1.NotifyService", "hongyan.v1.SendTextRequest is a message", "DELIVERY_KIND_TEXT",
                       "DELIVERY_KIND_TEMPLATE", "order-1024-template", "subscribed", "SERVING")),
    ("Python", prints(then="ls gen/hongyan/v1/notify_pb2_grpc.py")),
    ("Python", file("send.py")),
    ("Python", prints("01")),
    ("Events and followers", prints(CAROL, '"type": "subscribe"', '"language": "zh_CN"', '"fetched": "3"', "帮助")),
    ("Events and followers", file("follow.py")),
    ("Events and followers", prints(f"subscribe {CAROL}", f"text {CAROL}")),
    ("Replies and your own handler", checks(after=2)),
    ("Replies and your own handler", file("bot.py")),
    ("Replies and your own handler", answers_users),
    ("The `hongyan` command", prints(CAROL, "ACCEPTED", ALICE, "subscribe", '"content":"帮助"')),
    ("The `hongyan` command", prints("2 notifications: 2 accepted")),
    ("The sandbox, for any SDK", prints("listening sandbox 127.0.0.1:")),
    ("The sandbox, for any SDK", prints("夏日蜜桃茶", "您好，这是第一条消息", "POST   /sandbox/templates")),
    ("Building and contributing", cannot("it builds for minutes; the demo of the release does the same")),
]
TEXTS = ["您好，这是第一条消息", "您的订单已发货", "您的订单已发货", "您的订单已发货", "您好"]
TEMPLATES = ["夏日蜜桃茶", "夏日蜜桃茶", "茶"]


def read(name):
    return code_blocks.blocks((ROOT / name).read_text("utf-8"))


def test_C01_each_block_is_known():
    assert [block.heading for block in read("README.md")] == [heading for heading, _ in BLOCKS]


def test_C01_both_languages_have_the_same_code():
    english, chinese = map(read, READMES)
    for one, other in zip(english, chinese):
        where = f"README.md:{one.line} and README.zh-CN.md:{other.line}"
        assert one.language == other.language, where
        assert code_blocks.without_language(one) == code_blocks.without_language(other), where
    assert len(english) == len(chinese)


@pytest.mark.parametrize("name", READMES)
def test_C01_links_lead_somewhere(name):
    text = (ROOT / name).read_text("utf-8")
    for link in code_blocks.links(text):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        assert not path or (ROOT / path).exists(), link
        if anchor:
            assert anchor in code_blocks.slugs((ROOT / path).read_text("utf-8") if path else text), link


@pytest.mark.parametrize("name", READMES)
def test_C01_every_block_runs_as_printed(name, tmp_path):
    reader = Reader(tmp_path)
    reader.configurations = {}
    try:
        for block, (heading, step) in zip(read(name), BLOCKS):
            if step:
                try:
                    step(reader, block.code)
                except AssertionError as error:
                    raise AssertionError(f"{name}:{block.line}, {heading}: {error}\n{block.code}") from None
        chat = reader.run('curl -sS --fail "$SANDBOX/sandbox/chat?openid=$OPENID"')
    finally:
        reader.stop()
    # What the reader was told has really arrived, and once.
    for content in set(TEXTS):
        assert chat.count(f'"text":"{content}"') == TEXTS.count(content), (content, chat)
    assert chat.count('"kind":"template"') == len(TEMPLATES) + 1, chat  # and the demo's own
