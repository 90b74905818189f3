"""Every code block of README.md and docs/, in both languages, run as it is printed."""

import configparser
import re
import shutil
import subprocess

import pytest

import code_blocks
import pages
import stubs
import test_stubs
from reader import Reader, cannot, file, follow, prints
from sandbox_process import ROOT, Sandbox
from service_process import Service


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


def serves_the_sandbox(reader, code):
    """The configuration of the block before, but for the ports, which are free ones, and WeChat, which is the sandbox."""
    path = reader.clone / "hongyan.yaml"
    listeners = "".join(f"{name}: {{listen: '127.0.0.1:0'}}\n" for name in ("grpc", "callback", "admin"))
    (sandbox,) = re.findall(r"SANDBOX=(\S+)", reader.pasted)
    path.write_text(reader.configurations[1] + f"{listeners}wechat: {{api_urls: ['{sandbox}']}}\n", encoding="utf-8")
    reader.run("export WX_APP_SECRET=s\n" + code, stopped=0,
               until=lambda text: all(f"listening {name} 127.0.0.1:" in text for name in ("grpc", "callback", "admin")))


def is_a_unit(reader, code):
    """The unit of systemd: it is whole, and leaves the time and the files that the service needs by default."""
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str
    unit.read_string(code)
    service = unit["Service"]
    assert int(service["LimitNOFILE"]) >= 2432
    assert int(service["TimeoutStopSec"]) >= 5 + 20 + 10  # shutdown.delay, shutdown.grace, what a stop takes beside them
    assert service["RestartPreventExitStatus"] == "2"
    path = reader.clone / "hongyand.service"
    path.write_text(code.replace("/usr/local/bin/", f"{reader.clone}/build/release/bin/"), encoding="utf-8")
    if shutil.which("systemd-analyze"):
        done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)
        assert done.returncode == 0 and "hongyand.service" not in done.stderr, done.stderr


ALICE, CAROL = "oSandbox_AliceDemoFollower01", "oSandbox_CarolDemoFollower03"
FIRST, CALLED, RULES = "A first message to a real account", "Let WeChat call you", "Replies by rules"

# The pages in the order of a reader who goes on with what the earlier ones left; what becomes of each block, by the heading
# that it stands below (in the English page).
BLOCKS = {
    "README.md": [
        ("Two commands", cannot("the repository's address, and it builds: the demo runs as the test begins")),
        ("Two commands", prints("build/release/bin/hongyand", then="command -v hongyand")),
        (FIRST, checks()),
        (FIRST, prints(stdin="the-secret\n")),
        (FIRST, serves_the_sandbox),
        (FIRST, prints("oSandbox_", CAROL)),
        (FIRST, prints("ACCEPTED")),
    ],
    "docs/api.md": [
        ("Calls by example", prints()),
        ("Calls by example", prints("hongyan.v1.NotifyService", "hongyan.v1.SendTextRequest is a message", "DELIVERY_KIND_TEXT",
                                    "DELIVERY_KIND_TEMPLATE", "order-1024-template", "subscribed", "SERVING")),
    ],
    "docs/stubs.md": [
        ("Python", prints(then="ls gen/hongyan/v1/notify_pb2_grpc.py")),
        ("Python", file("send.py")),
        ("Python", prints("01")),
        *((heading, cannot("test_stubs runs it, where the language's tools are")) for heading, _ in test_stubs.STEPS),
    ],
    "docs/events.md": [
        (CALLED, prints("32 43", then="echo ${#WX_CALLBACK_TOKEN} ${#WX_ENCODING_AES_KEY}")),
        (CALLED, checks(after=1)),
        (CALLED, cannot("nginx, a domain and its certificate")),
        ("Events and followers", prints(CAROL, '"type": "subscribe"', '"language": "zh_CN"', '"fetched": "3"', "帮助")),
        ("Events and followers", file("follow.py")),
        ("Events and followers", prints(f"subscribe {CAROL}", f"text {CAROL}")),
        (RULES, checks(after=2)),
        ("Your own handler", file("bot.py")),
        ("Your own handler", answers_users),
    ],
    "docs/command-line.md": [
        ("The command line", prints(CAROL, "ACCEPTED", ALICE, "subscribe", '"content":"帮助"', stopped=0)),
        ("Batches", prints("2 notifications: 2 accepted")),
    ],
    "docs/configuration.md": [],
    "docs/operations.md": [
        ("systemd", is_a_unit),
        ("Probes", prints("ok\nready\n")),
        ("Metrics", prints("hongyan_sends_total{")),
    ],
    "docs/testing.md": [
        ("The sandbox, for any SDK", prints("listening sandbox 127.0.0.1:", stopped=0)),
        ("The sandbox, for any SDK", prints("夏日蜜桃茶", "您好，这是第一条消息", "POST   /sandbox/templates")),
        ("Building and contributing", cannot("it builds for minutes; the demo of the release does the same")),
    ],
}
TEXTS = ["您好，这是第一条消息", "您的订单已发货", "您的订单已发货", "您的订单已发货", "您好"]
TEMPLATES = ["夏日蜜桃茶", "夏日蜜桃茶", "茶"]


def test_W01_each_block_is_known():
    assert sorted(BLOCKS) == pages.ENGLISH
    for name, steps in BLOCKS.items():
        assert [block.heading for block in code_blocks.blocks(pages.read(name))] == [heading for heading, _ in steps], name


@pytest.mark.parametrize("name", pages.ALL)
def test_W01_links_lead_somewhere(name):
    for link in pages.links(pages.read(name)):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        assert not anchor or anchor in pages.slugs(target.read_text("utf-8")), link


@pytest.mark.parametrize("language", ["english", "chinese"])
def test_W01_every_block_runs_as_printed(language, tmp_path):
    reader = Reader(tmp_path)
    try:
        for name, steps in BLOCKS.items():
            page = name if language == "english" else pages.chinese(name)
            follow(page, reader, code_blocks.blocks(pages.read(page)), steps)
        chat = reader.run('curl -sS --fail "$SANDBOX/sandbox/chat?openid=$OPENID"')
    finally:
        reader.stop()
    # What the reader was told has really arrived, and once.
    for content in set(TEXTS):
        assert chat.count(f'"text":"{content}"') == TEXTS.count(content), (content, chat)
    assert chat.count('"kind":"template"') == len(TEMPLATES) + 1, chat  # and the demo's own
