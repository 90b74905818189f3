"""The three callback modes and both formats, against published vectors, hashlib and OpenSSL's own program."""

import base64
import json
import re
import struct
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from stand_in import ALICE, APP, signature

TOKEN = "AAAAA"
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
ZERO_KEY = "A" * 43


def aes(key, data, direction):
    """AES-256-CBC by OpenSSL's own program, without padding. The key's last two bits are not all zero."""
    binary = base64.b64decode(key + "=")[:32]
    command = ["openssl", "enc", direction, "-aes-256-cbc", "-nopad", "-K", binary.hex(), "-iv", binary[:16].hex()]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def decrypted(encrypt, app_id=APP, key=KEY):
    full = aes(key, base64.b64decode(encrypt, validate=True), "-d")
    pad = full[-1]
    assert 1 <= pad <= 32 and full.endswith(bytes([pad]) * pad) and len(full) % 32 == 0
    length = struct.unpack(">I", full[16:20])[0]
    assert full[20 + length : -pad].decode() == app_id
    return full[20 : 20 + length].decode()


def encrypted(message, app_id=APP, key=KEY):
    full = b"0123456789abcdef" + struct.pack(">I", len(message)) + message + app_id.encode()
    pad = 32 - len(full) % 32
    return base64.b64encode(aes(key, full + bytes([pad]) * pad, "-e")).decode()


def configure(sandbox, receiver, app_id=APP, **callback):
    callback = {"url": receiver.url, "token": TOKEN, "encoding_aes_key": KEY, **callback}
    account = {"app_id": app_id, "app_secret": "s", "callback": callback}
    if app_id == APP:
        del account["app_secret"]
    sandbox.control("accounts", account)


def fields_of(text):
    """The leaves of an XML or JSON push by name."""
    if text.startswith("{"):
        return json.loads(text)
    return {element.tag: element.text or "" for element in ElementTree.fromstring(text)}


# --- vectors ----------------------------------------------------------------------------------------------------------

V3 = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsX"
    "UnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajA"
    "sjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
)
V3_MESSAGE = (
    '{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,'
    '"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}'
)
V7 = (
    "rTNFcsut4LfGuAFKEUVVpwcaCOTJzOd9twZdIW910jb3k+iicx2uvhttIZ3Qg9Qgty3BEF2xbOrz6boTfb30dMomcgrkTqdFPwnhqbk+kIQ7"
    "rZiwny9D7NUrTgA5kpX3KsZvrXzUZyP2x9YOlxbgm572lmxKvM7HAQQhIQ/p6HBmoY30bGXFK0BtIu1pW9TjhOYrLQoU18nWYjWqDA1ynkmO"
    "ytpv7QRI1P1+0NoxL0q2zO1DgeSvnE8CZGo/o5Ap/WHK5W2RAsinpzN4/LjPnmB6U01I5XCoJoC0GK/yMZycd2Oh8Nq6+wBkC1U85oy0ktOY"
    "4nLvsQMLrourmMGdZHuTbqpeJ8Ao/5PRYJ+WBvRUwPfGKBL2+2IKZF49vAJqkcGWSHGE76ZN2erXeuNazf/o9o3lIE3q739o4c8t9QGPe31G"
    "T2Go/rOz1BsrASwvauNulCh+++yz+CQzBIuikA=="
)
V7_MESSAGE = (
    "<xml><URL><![CDATA[http://wechat.laravel.so/server]]></URL><ToUserName><![CDATA[asdasdasd]]></ToUserName>"
    "<FromUserName><![CDATA[asdasdasdsadasd]]></FromUserName><CreateTime>1234567898</CreateTime>"
    "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[hello]]></Content><MsgId>12345</MsgId></xml>"
)
V5 = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvu"
    "JTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwG"
    "c2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9"
    "EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0"
    "lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q=="
)
V5_MESSAGE = (
    "<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName>\n<FromUserName><![CDATA[mycreate]]></FromUserName>\n"
    "<CreateTime>1409659813</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[hello]]></Content>\n"
    "<MsgId>4561255354251345929</MsgId>\n<AgentID>218</AgentID>\n</xml>"
)
V6 = "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg=="
V9 = (
    "uMMzGtqcnpOzXOYBwDQNrTKqq1gfFL9ZipCOy/gYhNsj0EbDiLgmyIpctOWh4+FF28LepmxqkFHWq0/W1HpwVThBvOfqfojRqfSqOCcrXV+"
    "fVpED4mak/KZt2gsUJ7hv"
)


@pytest.mark.parametrize(
    "app_id, token, key, stamp, nonce, random16, message, encrypt, signed",
    [
        ("wxba5fad812f8e6fb9", "AAAAA", ZERO_KEY, "1714112445", "415670741", "a8eedb185eb2fecf", V3_MESSAGE, V3,
         "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3"),
        ("wx5823bf96d3bd56c7", "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "1409659813", "1372623149",
         "0960688932c47ef1", V5_MESSAGE, V5, "477715d11cdb4164915debcba66cb864d751f3e6"),
        ("wxb11529c136998cb6", "pamtest", KEY, "1409304348", "xxxxxx", "aaaabbbbccccdddd", "我是中文abcd123", V6,
         "82c962d39941aa48552f90ef55aa323dc620cc10"),
        ("wxb11529c136998cb6", "pamtest", KEY, "1458300676", "260774613", "d43123b161a4ba84", V7_MESSAGE, V7,
         "4f3ad57b6989f09f4eb392acce4f9e93942ed890"),
        ("wxba5fad812f8e6fb9", "AAAAA", ZERO_KEY, "1", "2", "0123456789abcdef", "x" * 26, V9, None),
    ],
    ids=["V3", "V5", "V6", "V7", "V9"],
)
def test_published_vectors_leave_byte_by_byte(
    sandbox, receiver, app_id, token, key, stamp, nonce, random16, message, encrypt, signed
):
    configure(sandbox, receiver, app_id, token=token, encoding_aes_key=key, mode="safe")
    answer = sandbox.control(
        "push",
        {"app_id": app_id, "openid": "o", "body": message, "timestamp": stamp, "nonce": nonce, "random16": random16},
    )
    assert answer["push"]["reply"] == "success"
    request = receiver.next()
    assert fields_of(request["body"].decode())["Encrypt"] == encrypt
    assert request["query"]["msg_signature"] == signed or signed is None
    assert request["query"]["msg_signature"] == signature(token, stamp, nonce, encrypt)
    assert request["query"]["signature"] == signature(token, stamp, nonce)
    assert decrypted(encrypt, app_id, key) == message


def test_V3_the_plain_signature_is_there_and_right(sandbox, receiver):
    configure(sandbox, receiver, mode="safe", encoding_aes_key=ZERO_KEY)
    sandbox.control("push", {"openid": "o", "body": "x", "timestamp": "1714112445", "nonce": "415670741"})
    assert receiver.next()["query"]["signature"] == "6c5c811b55cc85e0e1b54100749188c20beb3f5d"


def test_V4_an_encrypted_reply_is_opened(sandbox, receiver):
    configure(
        sandbox, receiver, "wxba5fad812f8e6fb9", encoding_aes_key=ZERO_KEY, mode="safe", format="json"
    )
    reply = {
        "Encrypt": "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==",
        "MsgSignature": "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1",
        "TimeStamp": 1713424427,
        "Nonce": "415670741",
    }
    receiver.answer = lambda request: (200, json.dumps(reply).encode())
    order = {"app_id": "wxba5fad812f8e6fb9", "openid": "o", "type": "text"}
    push = sandbox.control("push", order)["push"]
    assert push["decrypted"] == '{"demo_resp":"good luck"}'
    assert "not swapped" in push["reply_error"]
    reply["Nonce"] = "415670742"
    assert sandbox.control("push", order)["push"]["reply_error"] == "MsgSignature is wrong"


# --- modes and formats ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_what_leaves_in_each_mode(sandbox, receiver, mode, form):
    configure(sandbox, receiver, mode=mode, format=form)
    account = sandbox.control("accounts")["accounts"][0]
    assert (account["callback_mode"], account["callback_format"]) == (mode, form)
    assert KEY not in json.dumps(account)
    content = "你好 ]]> <a> \"\\\n🎉"
    push = {"openid": ALICE, "content": content, "msg_id": 23456789012345678, "create_time": 1700000000}
    sandbox.control("message", push)
    request = receiver.next()
    body, query = fields_of(request["body"].decode()), request["query"]
    assert request["content_type"] == ("application/json" if form == "json" else "text/xml")
    assert query["openid"] == ALICE
    assert query["signature"] == signature(TOKEN, query["timestamp"], query["nonce"])
    assert ("encrypt_type" in query) == ("msg_signature" in query) == ("Encrypt" in body) == (mode != "plain")
    copies = []
    if mode != "plain":
        assert query["encrypt_type"] == "aes"
        expected = signature(TOKEN, query["timestamp"], query["nonce"], body["Encrypt"])
        assert query["msg_signature"] == expected
        copies.append(fields_of(decrypted(body["Encrypt"])))
    if mode == "safe":
        assert body.keys() == {"ToUserName", "Encrypt"} and body["ToUserName"] == "gh_sandbox000001"
    else:
        copies.append({name: value for name, value in body.items() if name != "Encrypt"})
    number = int if form == "json" else str
    for copy in copies:
        assert copy == {
            "ToUserName": "gh_sandbox000001",
            "FromUserName": ALICE,
            "CreateTime": number(1700000000),
            "MsgType": "text",
            "Content": content,
            "MsgId": number(23456789012345678),
        }


def test_wrong_settings_are_refused_by_name(sandbox):
    def refusal(**callback):
        status, data = sandbox.request("POST", "/sandbox/accounts", {"app_id": APP, "callback": callback})
        assert status == 400
        return json.loads(data)["error"]

    assert refusal(mode="safe") == "callback.encoding_aes_key: missing"
    assert "callback.mode" in refusal(mode="secret", encoding_aes_key=KEY)
    assert "callback.format" in refusal(format="yaml")
    for key in (KEY[:-1], KEY + "A", KEY[:-1] + "=", KEY[:-1] + "+"):
        assert "callback.encoding_aes_key" in refusal(mode="safe", encoding_aes_key=key)
    assert sandbox.control("accounts")["accounts"][0]["callback_mode"] == "plain"


def test_verification_is_plain_in_every_mode(sandbox, receiver):
    receiver.answer = lambda request: (200, request["query"]["echostr"].encode())
    configure(sandbox, receiver, mode="safe")
    assert sandbox.control("verify", {"echostr": "42"})["ok"]
    assert receiver.next()["query"].keys() == {"signature", "timestamp", "nonce", "echostr"}


def test_X16_a_push_under_another_key_is_on_demand(sandbox, receiver):
    configure(sandbox, receiver, mode="safe")
    sandbox.control("message", {"openid": ALICE, "content": "old", "encoding_aes_key": ZERO_KEY})
    encrypt = fields_of(receiver.next()["body"].decode())["Encrypt"]
    assert fields_of(decrypted(encrypt, key=ZERO_KEY))["Content"] == "old"


def test_X10_forgeries_of_safe_mode_are_on_demand(sandbox, receiver):
    configure(sandbox, receiver, mode="safe")
    sandbox.control("message", {"openid": ALICE, "content": "x", "encrypt": False})
    request = receiver.next()
    assert b"<Content>" in request["body"] and b"Encrypt" not in request["body"]
    assert "encrypt_type" not in request["query"]
    sandbox.control("message", {"openid": ALICE, "content": "x", "msg_signature": "0" * 40})
    assert receiver.next()["query"]["msg_signature"] == "0" * 40
    assert [push["forged"] for push in sandbox.control("pushes")["pushes"]] == [True, True]


# --- replies ----------------------------------------------------------------------------------------------------------


def text_reply(to=ALICE, sender="gh_sandbox000001", form="xml", content="收到 🎉"):
    if form == "json":
        fields = {"ToUserName": to, "FromUserName": sender, "CreateTime": 1, "MsgType": "text", "Content": content}
        return json.dumps(fields).encode()
    return (
        f"<xml><ToUserName><![CDATA[{to}]]></ToUserName><FromUserName><![CDATA[{sender}]]></FromUserName>"
        f"<CreateTime>1</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content></xml>"
    ).encode()


def sealed_reply(encrypt, form="xml", stamp="1713424427", nonce="7", signed=None):
    signed = signed or signature(TOKEN, stamp, nonce, encrypt)
    if form == "json":
        return json.dumps({"Encrypt": encrypt, "MsgSignature": signed, "TimeStamp": int(stamp), "Nonce": nonce}).encode()
    return (
        f"<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt><MsgSignature><![CDATA[{signed}]]></MsgSignature>"
        f"<TimeStamp>{stamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
    ).encode()


def answered(sandbox, receiver, body):
    receiver.answer = lambda request: (200, body)
    return sandbox.control("message", {"openid": ALICE, "content": "?"})["push"]


def wrong_replies(sandbox):
    return sandbox.control("counters")["violations"]["wrong_callback_replies"]


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_good_replies(sandbox, receiver, mode, form):
    configure(sandbox, receiver, mode=mode, format=form)
    assert answered(sandbox, receiver, b"success")["reply"] == "success"
    assert answered(sandbox, receiver, b"")["reply"] == "empty"
    plain = text_reply(form=form)
    if mode != "safe":
        assert answered(sandbox, receiver, plain)["reply"] == "text"
    if mode != "plain":
        push = answered(sandbox, receiver, sealed_reply(encrypted(plain), form))
        assert push["reply"] == "text" and push["decrypted"] == plain.decode()
    assert {line["text"] for line in sandbox.chat(openid=ALICE) if line["direction"] == "to_user"} == {"收到 🎉"}
    assert wrong_replies(sandbox) == 0


@pytest.mark.parametrize(
    "reply, reason",
    [
        (text_reply(), "must be encrypted"),
        (sealed_reply(encrypted(text_reply()), signed="0" * 40), "MsgSignature"),
        (sealed_reply(encrypted(text_reply()), stamp="now"), "TimeStamp"),
        (sealed_reply(encrypted(text_reply(), app_id=APP[:-1])), "app_id"),
        (sealed_reply(encrypted(text_reply(), app_id="")), "app_id"),
        (sealed_reply(encrypted(text_reply(), key=ZERO_KEY)), "padding"),
        (sealed_reply(encrypted(text_reply())[:-1] + "!"), "base64"),
        (sealed_reply(encrypted(text_reply())[:-24]), "multiple of 32"),
        (sealed_reply(""), "multiple of 32"),
        (sealed_reply(encrypted(text_reply(to="oElse"))), "not swapped"),
        (sealed_reply(encrypted(b"success is not for encryption")), "neither success"),
        (sealed_reply(encrypted(text_reply(content=""))), "Content is empty"),
        (b'"success"', "must be encrypted"),
        (b"success\n", "must be encrypted"),
    ],
)
def test_bad_replies_in_safe_mode_are_counted_and_shown(sandbox, receiver, reply, reason):
    configure(sandbox, receiver, mode="safe")
    push = answered(sandbox, receiver, reply)
    assert push["reply"] == "" and reason in push["reply_error"], push
    assert wrong_replies(sandbox) == 1
    assert sandbox.chat(openid=ALICE)[-1]["kind"] == "service_failure"


def test_bad_padding_in_replies(sandbox, receiver):
    configure(sandbox, receiver, mode="safe")
    body = text_reply()
    full = b"0123456789abcdef" + struct.pack(">I", len(body)) + body + APP.encode()
    room = 32 - len(full) % 32
    tails = [b"\x00" * room, b"\x21" * room, bytes(room - 1) + bytes([room])]
    for tail in tails:
        encrypt = base64.b64encode(aes(KEY, full + tail, "-e")).decode()
        assert "padding" in answered(sandbox, receiver, sealed_reply(encrypt))["reply_error"]
    for length in (len(body) + 40, 2**32 - 1):
        long = b"0123456789abcdef" + struct.pack(">I", length) + body + APP.encode()
        encrypt = base64.b64encode(aes(KEY, long + bytes([room]) * room, "-e")).decode()
        assert "length" in answered(sandbox, receiver, sealed_reply(encrypt))["reply_error"]


def test_an_encrypted_reply_in_plain_mode_is_wrong(sandbox, receiver):
    assert answered(sandbox, receiver, sealed_reply(encrypted(text_reply())))["reply"] == ""
    assert wrong_replies(sandbox) == 1


ITEM = "<item><Title><![CDATA[t]]></Title><Url>u</Url></item>"


@pytest.mark.parametrize(
    "kind, rest, event_ok, message_ok",
    [
        ("image", "<Image><MediaId><![CDATA[m]]></MediaId></Image>", True, True),
        ("image", "<MediaId>m</MediaId>", False, False),
        ("voice", "<Voice><MediaId>m</MediaId></Voice>", True, True),
        ("video", "<Video><MediaId>m</MediaId></Video>", True, True),
        ("music", "<Music><ThumbMediaId>m</ThumbMediaId></Music>", True, True),
        ("music", "<Music><Title>m</Title></Music>", False, False),
        ("news", f"<ArticleCount>1</ArticleCount><Articles>{ITEM}</Articles>", True, True),
        ("news", f"<ArticleCount>2</ArticleCount><Articles>{ITEM}</Articles>", False, False),
        ("news", "<ArticleCount>1</ArticleCount><Articles><item><Title>t</Title></item></Articles>", False, False),
        ("image", "<Image><MediaId></MediaId></Image>", False, False),
        ("image", "<Image>MediaId</Image>", False, False),
        ("image", "<Image><MediaId>m</MediaId><Title>t</Title></Image>", False, False),
        ("video", "<Video><MediaId>m</MediaId><Title><![CDATA[a]]]]><![CDATA[>b]]></Title></Video>", True, True),
        ("video", "<Video><MediaId>m</MediaId><Title><![CDATA[a]]>b]]></Title></Video>", False, False),
        ("text", f"<Content>{'x' * 2048}</Content>", True, True),
        ("text", f"<Content>{'x' * 2049}</Content>", False, False),
        ("transfer_customer_service", "<TransInfo><KfAccount>a@b</KfAccount></TransInfo>", True, True),
        ("news", f"<ArticleCount>2</ArticleCount><Articles>{ITEM * 2}</Articles>", True, False),
        ("news", f"<ArticleCount>9</ArticleCount><Articles>{ITEM * 9}</Articles>", False, False),
        ("news", f"<Articles>{ITEM}</Articles>", False, False),
        ("transfer_customer_service", "", True, True),
        ("hologram", "", False, False),
    ],
)
def test_reply_types(sandbox, receiver, kind, rest, event_ok, message_ok):
    head = re.sub("<MsgType>.*", "", text_reply().decode())
    body = f"{head}<MsgType><![CDATA[{kind}]]></MsgType>{rest}</xml>".encode()
    push = answered(sandbox, receiver, body)
    assert (push["reply"] == kind) == message_ok, push
    push = sandbox.control("event", {"openid": ALICE, "event": "CLICK", "event_key": "k"})["push"]
    assert (push["reply"] == kind) == event_ok, push
