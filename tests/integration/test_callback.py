"""What WeChat calls: verification and pushes, signed by the sandbox, forged by us."""

import hashlib
import os
import re
import socket
import sqlite3
import time

import pytest

from signed_push import ask, message, signed
from timing import LIMIT, SCALE, Stopwatch, eventually

REPLIES = {"main": {"replies": [
    {"on": "subscribe", "text": "谢谢您的关注! 🎉"},
    {"on": "text", "match": "^帮助$", "text": "请回复 1 或 2 <a href=\"https://e.com\">更多</a>"},
    {"on": "text", "match": "价格", "text": "见官网 ]]> 完"},
    {"on": "click", "match": "^MENU_1$", "text": "菜单一"}]}}


@pytest.fixture(scope="module")
def called(api, session_sandbox, tmp_path_factory):
    from service_process import Service
    account = session_sandbox.new_account()
    service = Service(api, tmp_path_factory.mktemp("called"), {"main": account}, account_config=REPLIES)
    account.calls_back(service.callback_url + "main")
    yield service
    service.stop()


@pytest.fixture
def account(called, sandbox):
    return called.accounts["main"]


@pytest.fixture
def user(account):
    return account.user()


# --- verification -----------------------------------------------------------------------------------------------------


def test_verification(called, account):
    answer = account.post("verify")
    assert answer["ok"] and answer["status"] == 200 and answer["body"] == answer["echostr"]


def test_verification_answers_the_exact_bytes_as_plain_text(called, account):
    echostr = "<script>&\"' 中文 +%2B\t"
    status, body, headers = ask(called, "GET", signed(account, echostr=echostr))
    assert status == 200 and body == echostr.encode()
    assert headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("change, status", [
    ({"signature": "0" * 40}, 403), ({"signature": "x"}, 403), ({"signature": ""}, 400), ({"echostr": ""}, 400),
    ({"signature": None}, 400), ({"timestamp": None}, 400), ({"nonce": None}, 400), ({"echostr": None}, 400)], ids=str)
def test_verification_refused(called, account, change, status):
    query = {key: value for key, value in {**signed(account, echostr="42"), **change}.items() if value is not None}
    found, body, _ = ask(called, "GET", query)
    assert found == status and (status != 403 or body == b"")


def test_upper_case_and_other_tokens_signatures_are_forbidden(called, account):
    query = signed(account, echostr="42")
    assert ask(called, "GET", {**query, "signature": query["signature"].upper()})[0] == 403
    other = hashlib.sha1("".join(sorted(["other", query["timestamp"], query["nonce"]])).encode()).hexdigest()
    assert ask(called, "GET", {**query, "signature": other})[0] == 403


@pytest.mark.parametrize("seconds, status", [(-590, 200), (590, 200), (-700, 403), (700, 403)])
def test_timestamp_window_of_ten_minutes(called, account, seconds, status):
    query = signed(account, timestamp=str(int(time.time()) + seconds), echostr="42")
    assert ask(called, "GET", query)[0] == status


def test_without_a_window_old_timestamps_pass(start, sandbox):
    account = sandbox.new_account()
    service = start(account, {"callback": {"timestamp_window": "0s"}})
    assert ask(service, "GET", signed(account, timestamp="1400000000", echostr="42"))[0] == 200


def test_X13_a_re_split_triple_has_the_same_signature_and_is_refused(called, account):
    query = signed(account, echostr="42")
    timestamp, nonce = query["timestamp"], query["nonce"]
    for moved in ({"timestamp": timestamp[:-1], "nonce": timestamp[-1] + nonce},
                  {"timestamp": timestamp + nonce[0], "nonce": nonce[1:]}):
        assert ask(called, "GET", {**query, **moved})[0] == 403


# --- pushes -----------------------------------------------------------------------------------------------------------


def test_follow_is_answered_with_the_configured_reply(called, account):
    stopwatch = Stopwatch()
    answer = account.post("follow", openid="oFollower_new_1")
    assert answer["push"]["status"] == 200 and answer["push"]["reply"] == "text", answer
    assert stopwatch.seconds() < 5
    assert account.texts("oFollower_new_1") == ["谢谢您的关注! 🎉"]


def test_text_that_matches_gets_its_reply_and_others_success(called, account, user):
    account.post("message", openid=user, content="帮助")
    account.post("message", openid=user, content="这个价格?")
    answer = account.post("message", openid=user, content="你好")
    assert answer["push"]["body"] == "success"
    assert account.texts(user) == ["请回复 1 或 2 <a href=\"https://e.com\">更多</a>", "见官网 ]]> 完"]


def test_events_match_by_their_key(called, account, user):
    account.post("event", openid=user, event="CLICK", event_key="MENU_1")
    answer = account.post("event", openid=user, event="CLICK", event_key="MENU_2")
    assert answer["push"]["body"] == "success"
    assert account.texts(user) == ["菜单一"]
    assert account.post("unfollow", openid=user)["push"]["body"] == "success"


def test_WeChats_repeats_are_answered_alike_and_counted_once(called, account, user):
    before = called.metric("hongyan_callbacks_total", outcome="repeated")
    answer = account.post("message", openid=user, content="帮助", repeat=2)
    assert [push["status"] for push in answer["pushes"]] == [200] * 3
    assert {push["reply"] for push in answer["pushes"]} == {"text"}
    assert called.metric("hongyan_callbacks_total", outcome="repeated") == before + 2


def test_X13_a_captured_signature_carries_no_other_body(called, account):
    query = signed(account, nonce="777")
    assert ask(called, "POST", query, message(content="one"))[:2] == (200, b"success")
    assert ask(called, "POST", query, message(content="one"))[:2] == (200, b"success")
    assert ask(called, "POST", query, message(content="two"))[:2] == (403, b"")
    assert called.metric("hongyan_callbacks_total", outcome="replay") >= 1


def test_forged_pushes_are_refused_before_they_are_read(called, account, user):
    answer = account.post("message", openid=user, content="帮助", signature="0" * 40)
    assert answer["push"]["status"] == 403 and answer["push"]["body"] == ""
    status, body, _ = ask(called, "POST", {**signed(account), "signature": "f" * 40}, b"not xml at all")
    assert (status, body) == (403, b"")


def test_encrypted_pushes_are_refused_in_plain_mode(called, account):
    body = b"<xml><ToUserName>gh</ToUserName><Encrypt><![CDATA[AAAA]]></Encrypt></xml>"
    assert ask(called, "POST", signed(account, nonce="e1"), body)[0] == 403
    assert ask(called, "POST", signed(account, nonce="e2", encrypt_type="aes", msg_signature="0" * 40), body)[0] == 403


BAD = message(openid="oBadBody")
BAD_JSON = b'{"ToUserName":"gh","FromUserName":"oBadBody","CreateTime":1700000000,"MsgType":"text","MsgId":1,"Content":"x"'
BODIES = {
    "X01 empty": b"", "X01 wrong root": BAD.replace(b"xml>", b"html>"), "X01 two roots": BAD + b"<xml/>",
    "X01 twice": BAD + BAD, "X01 junk after": BAD + b"junk", "X01 junk before": b"junk" + BAD,
    "X01 truncated": BAD[:len(BAD) // 2], "X01 utf-16": BAD.decode().encode("utf-16"),
    "X01 utf-16 without a mark": BAD.decode().encode("utf-16-le"), "X02": BAD[:-3],
    "X03 depth": b"<xml>" * 101 + b"</xml>" * 101,
    "X03 deep field": BAD[:-6] + b"<a>" * 101 + b"</a>" * 101 + b"</xml>",
    "X04 doctype": b"<!DOCTYPE xml>" + BAD,
    "X04 entity": b'<!DOCTYPE x [<!ENTITY a "b">]>' + message("oBadBody", "&a;"),
    "X05 attribute": message("oBadBody", extra="<A b='c'/>"),
    "X07 twice": message("oBadBody", extra="<FromUserName>oBadBodyToo</FromUserName>"),
    "neither": b"key=value", "broken json": BAD_JSON, "json and more": BAD_JSON + b"}}",
}


def everything_stored(service):
    """All rows of all tables, by SQLite's own reader, as text."""
    with sqlite3.connect(f"file:{service.folder / 'hongyan.db'}?mode=ro", uri=True) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: repr(database.execute(f'SELECT * FROM "{name}"').fetchall()) for name in tables}


def test_X01_bodies_that_are_no_push_are_answered_with_400_and_leave_nothing(called, account):
    before = everything_stored(called)["events"]
    for name, body in BODIES.items():
        nonce = hashlib.sha1(name.encode()).hexdigest()[:16]
        status, answer, _ = ask(called, "POST", signed(account, nonce=nonce), body)
        assert status == 400 and b"oBadBody" not in answer, name
    stored = everything_stored(called)
    assert stored["events"] == before and "events" in stored and "subscribers" in stored
    assert not [table for table, rows in stored.items() if "oBadBody" in rows]
    # The reader does find what is stored.
    assert ask(called, "POST", signed(account, nonce="goodbody"), message(openid="oGoodBody", msg_id=77))[0] == 200
    stored = everything_stored(called)
    assert stored["events"] != before and "oGoodBody" in stored["events"]


def test_X04_bodies_that_name_files_and_hosts_open_neither(start, account, stranger, tmp_path):
    """strace, which shows what the process really asks of the system, and not only that the answer is 400."""
    trace, canary = tmp_path / "trace", tmp_path / "canary"
    canary.write_text("<a>canary</a>")
    calls = "open,openat,openat2,creat,connect,sendto,sendmsg,sendmmsg,execve,execveat"
    # -D: the service stays our child, and the tracer is its sibling. Leaks can't be looked for under one.
    service = start(account, launcher=["strace", "-D", "-f", "-ttt", "-e", f"trace={calls}", "-o", trace],
                    env={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"})
    begin, end, body = "<?xml version='1.0'?>", "<xml><FromUserName>o</FromUserName></xml>", "<xml>&e;</xml>"
    include = "<x:include xmlns:x='http://www.w3.org/2001/XInclude' href='{}' parse='text'/>"
    bodies = []
    for target in (f"file://{canary}", str(canary), stranger.url + "/evil.dtd", stranger.url[5:] + "/evil.dtd"):
        bodies += [
            f"<!DOCTYPE xml SYSTEM '{target}'>{end}", f"{begin}<!DOCTYPE xml PUBLIC 'x' '{target}'>{end}",
            f"<!DOCTYPE xml [<!ENTITY e SYSTEM '{target}'>]>{body}",
            f"<!DOCTYPE xml [<!ENTITY % p SYSTEM '{target}'> %p;]>{end}",
            f"<!DOCTYPE xml [<!ENTITY % p SYSTEM '{target}'><!ENTITY e '%p;'>]>{body}",
            f"<xml>{include.format(target)}</xml>", f"<?xml-stylesheet href='{target}'?>{end}",
            f"<xml xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:noNamespaceSchemaLocation='{target}'/>"]
    laughs = "".join(f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefgh", "bcdefghi"))
    bodies.append(f"<!DOCTYPE xml [<!ENTITY a 'ha'>{laughs}]><xml>&i;</xml>")
    begun = time.time()
    for i, text in enumerate(bodies):
        status, answer, _ = ask(service, "POST", signed(account, nonce=f"xxe{i}"), text.encode())
        assert status == 400 and b"canary" not in answer, text
    ended = time.time()
    status, _ = service.http("/metrics")  # reads files of /proc: the trace still runs
    assert status == 200
    service.stop()

    traced = [(float(time_), line) for time_, line in re.findall(r"^\d+ +(\d+\.\d+) (.*)$", trace.read_text(), re.M)]
    assert any(f"htons({account.sandbox.port})" in line for _, line in traced), "connects are not traced"
    assert any("/proc/self/" in line for at, line in traced if at > ended), "opened files are not traced"
    # It probes its own listener, whoever logs first reads the time zone, each new thread counts the processors, Abseil
    # asks for their frequency when it first needs it, and the thread sanitizer looks at the process and its libraries.
    ours = re.compile(rf"connect\(.*htons\({service.grpc_address.rsplit(':', 1)[1]}\)|"
                      r'(openat\(AT_FDCWD, |open\()"'
                      r'(/etc/localtime"|/sys/devices/system/cpu/|/proc/self/|/lib/|/usr/lib/|linux-vdso)')
    opened = [line for at, line in traced if begun <= at <= ended and not ours.match(line)
              and re.match(r"(open|creat|connect|exec)", line)]
    assert opened == []
    hosts = [f"htons({stranger.url.rsplit(':', 1)[1]})", canary.name]
    assert not [line for _, line in traced if any(host in line for host in hosts)]
    assert stranger.heard == []


def test_X01_a_byte_order_mark_is_accepted(called, account):
    assert ask(called, "POST", signed(account, nonce="bom1"), b"\xef\xbb\xbf" + message())[:2] == (200, b"success")


def test_X08_unknown_types_and_odd_values_are_taken(called, account, user):
    answer = account.post("push", openid=user, body="<xml><ToUserName>gh</ToUserName><FromUserName>o</FromUserName>"
                          "<CreateTime>abc</CreateTime><MsgType>hologram</MsgType><MsgId>x</MsgId></xml>")
    assert answer["push"]["status"] == 200 and answer["push"]["body"] == "success", answer


def test_json_pushes_are_answered_in_json(called, account):
    body = ('{"ToUserName":"gh_x","FromUserName":"oJ","CreateTime":1700000000,"MsgType":"text","Content":"帮助",'
            '"MsgId":1}').encode()
    status, answer, headers = ask(called, "POST", signed(account, nonce="json1"), body)
    assert status == 200 and headers["Content-Type"].startswith("application/json")
    assert "请回复".encode() in answer


# --- HTTP -------------------------------------------------------------------------------------------------------------


def test_other_methods_and_paths(called, account):
    query = signed(account, echostr="42")
    for method in ("HEAD", "PUT", "DELETE", "OPTIONS"):
        status, _, headers = ask(called, method, query)
        assert status == 405 and "GET" in headers["Allow"] and "POST" in headers["Allow"], method
    for path in ("/", "/wechat/callback/", "/wechat/callback/main/", "/wechat/callback/MAIN", "/metrics", "/readyz",
                 "//wechat/callback/main", "/wechat/callback/%6dain"):
        assert ask(called, "GET", query, path=path)[0] == 404, path


def test_sizes(called, account):
    assert ask(called, "POST", signed(account, nonce="s1"), b"x" * (64 * 1024 + 1))[0] == 413
    assert ask(called, "GET", {**signed(account, echostr="42"), "pad": "x" * 20000})[0] in (414, 431)
    assert ask(called, "GET", signed(account, echostr="x" * 1025))[0] == 400


@pytest.mark.parametrize("begun", [b"", b"GET /wechat/callback/main?signature=x HTTP/1.1\r\nHost: x\r\nX-Slow: "],
                         ids=["nothing", "half a header"])
def test_H01_a_header_that_takes_five_seconds_is_408(called, begun):
    """By the real program's real limits: a test elsewhere shortens them."""
    host, port = called.callback_address.rsplit(":", 1)
    stopwatch = Stopwatch()
    with socket.create_connection((host, int(port)), timeout=LIMIT) as peer:
        peer.sendall(begun)
        answer = b""
        while chunk := peer.recv(4096):
            answer += chunk
        assert stopwatch.elapsed() > 4.5 and stopwatch.seconds() < 8 * SCALE
    # Who has said nothing hears nothing.
    assert answer.startswith(b"HTTP/1.1 408 ") and b"\r\nConnection: close\r\n" in answer if begun else answer == b""
    assert called.http("/livez")[0] == 200


def test_a_path_of_ones_own_and_two_accounts(start, sandbox):
    one, two = sandbox.new_account(), sandbox.new_account()
    service = start({"one": one, "two": two}, account_config={
        "one": {"callback": {"path": "/mp/serverCheck", "token": one.callback_token, "mode": "plain"}}})
    assert ask(service, "GET", signed(one, echostr="1"), path="/mp/serverCheck")[0] == 200
    assert ask(service, "GET", signed(one, echostr="1"), path="/wechat/callback/one")[0] == 404
    assert ask(service, "GET", signed(two, echostr="2"), path="/wechat/callback/two")[0] == 200
    assert ask(service, "GET", signed(one, echostr="1"), path="/wechat/callback/two")[0] == 403


def test_W04_a_wrong_url_in_the_console_is_warned_about(start, sandbox):
    account = sandbox.new_account()
    called = start(account)
    account.calls_back(called.callback_url.replace("/wechat/", "/wx/") + "main")
    assert not account.post("verify")["ok"]
    # What isn't signed is none of WeChat's.
    assert called.http("/scanner", address=called.callback_address)[0] == 404

    def warned():
        return called.log(level="warn", event="callback to a path that no account has")
    warning, = eventually(warned, what="a warning")
    assert warning["path"] == "/wx/callback/main" and warning["account"] == "main"
    assert warning["expected_path"] == "/wechat/callback/main" and "callback.path" in warning["remedy"]
    assert called.metric("hongyan_callbacks_total", outcome="not_found") == 2
    called.stop()
    assert len(warned()) == 1 and "signature" not in called.stderr and account.callback_token not in called.stderr


def test_C02_wrong_clock_is_told_once(start, sandbox):
    account = sandbox.new_account()
    called = start(account)
    old = str(int(time.time()) - 3600)
    for nonce in ("c1", "c2", "c3"):
        assert ask(called, "POST", signed(account, old, nonce), message())[:2] == (403, b"")
    assert 3590 < called.metric("hongyan_callback_clock_skew_seconds") < 3700
    assert ask(called, "POST", signed(account, nonce="c4"), message(msg_id=99))[0] == 200
    assert abs(called.metric("hongyan_callback_clock_skew_seconds")) < 60
    called.stop()
    told = [line for line in called.log(level="warn") if "check the clock" in line["event"]]
    assert len(told) == 1 and 3590 < told[0]["skew_seconds"] < 3700
