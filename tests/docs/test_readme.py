"""Every code block of README.md and README.zh-CN.md, run as it is printed."""

import re

import pytest

import code_blocks
import stubs
from reader import Reader, cannot, file, follow, prints
from sandbox_process import ROOT, Sandbox
from service_process import Service

READMES = ["README.md", "README.zh-CN.md"]


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


ALICE, CAROL = "oSandbox_AliceDemoFollower01", "oSandbox_CarolDemoFollower03"

# In the order of the file, by the heading that a block stands below (in README.md).
BLOCKS = [
    ("Two commands", cannot("the repository's address, and it builds: the demo runs as the test begins")),
    ("Two commands", prints("build/release/bin/hongyand", then="command -v hongyand")),
    ("A first message to a real account", checks()),
    ("A first message to a real account", prints(stdin="the-secret\n")),
    ("A first message to a real account", serves_the_sandbox),
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
    ("The `hongyan` command", prints(CAROL, "ACCEPTED", ALICE, "subscribe", '"content":"帮助"', stopped=0)),
    ("The `hongyan` command", prints("2 notifications: 2 accepted")),
    ("The sandbox, for any SDK", prints("listening sandbox 127.0.0.1:", stopped=0)),
    ("The sandbox, for any SDK", prints("夏日蜜桃茶", "您好，这是第一条消息", "POST   /sandbox/templates")),
    ("Building and contributing", cannot("it builds for minutes; the demo of the release does the same")),
]
TEXTS = ["您好，这是第一条消息", "您的订单已发货", "您的订单已发货", "您的订单已发货", "您好"]
TEMPLATES = ["夏日蜜桃茶", "夏日蜜桃茶", "茶"]


def read(name):
    return code_blocks.blocks((ROOT / name).read_text("utf-8"))


def test_W01_each_block_is_known():
    assert [block.heading for block in read("README.md")] == [heading for heading, _ in BLOCKS]


def test_W01_both_languages_have_the_same_code():
    code_blocks.compare(ROOT, *READMES)


@pytest.mark.parametrize("name", [*READMES, "docs/stubs.md", "docs/stubs.zh-CN.md"])
def test_W01_links_lead_somewhere(name):
    text = (ROOT / name).read_text("utf-8")
    for link in code_blocks.links(text):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        assert not anchor or anchor in code_blocks.slugs(target.read_text("utf-8")), link


@pytest.mark.parametrize("name", READMES)
def test_W01_every_block_runs_as_printed(name, tmp_path):
    reader = Reader(tmp_path)
    try:
        follow(name, reader, read(name), BLOCKS)
        chat = reader.run('curl -sS --fail "$SANDBOX/sandbox/chat?openid=$OPENID"')
    finally:
        reader.stop()
    # What the reader was told has really arrived, and once.
    for content in set(TEXTS):
        assert chat.count(f'"text":"{content}"') == TEXTS.count(content), (content, chat)
    assert chat.count('"kind":"template"') == len(TEMPLATES) + 1, chat  # and the demo's own
