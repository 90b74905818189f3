"""What the sandbox pushes and how it keeps count: every type, repeats, receipts, garbage, a busy day."""

import collections
import concurrent.futures
import json
import random
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree

import pytest

from stand_in import ALICE, APP, BOBBY, TEMPLATE, refused, signature
from test_callbacks import TOKEN, configure, decrypted, fields_of


def pushes(sandbox, **query):
    return sandbox.control("pushes?" + urllib.parse.urlencode(query))


def plain(request):
    """The message in a request, whatever the mode."""
    text = request["body"].decode()
    encrypt = fields_of(text).get("Encrypt")
    return text if encrypt is None else decrypted(encrypt)


# --- types ------------------------------------------------------------------------------------------------------------

MESSAGES = "text image voice video shortvideo location link"
EVENTS = """subscribe unsubscribe SCAN LOCATION CLICK VIEW view_miniprogram scancode_push scancode_waitmsg pic_sysphoto
pic_photo_or_album pic_weixin location_select TEMPLATESENDJOBFINISH MASSSENDJOBFINISH PUBLISHJOBFINISH
subscribe_msg_popup_event subscribe_msg_change_event subscribe_msg_sent_event user_info_modified
user_authorization_revoke user_authorization_cancellation kf_create_session kf_close_session kf_switch_session
qualification_verify_success qualification_verify_fail naming_verify_success naming_verify_fail annual_renew
verify_expired debug_demo"""


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_every_type_in_every_mode_and_format(sandbox, receiver, mode, form):
    configure(sandbox, receiver, mode=mode, format=form)
    types = sandbox.control("types")
    assert set(MESSAGES.split()) <= set(types["messages"]) and set(EVENTS.split()) <= set(types["events"])
    for name in types["messages"]:
        answer = sandbox.control("push", {"openid": ALICE, "type": name})
        message = plain(receiver.next())
        fields = fields_of(message)
        assert fields["MsgType"] == name and int(fields["MsgId"]) > 0 and len(fields) > 5, fields
        assert answer["push"]["reply"] == "success"
    for name in types["events"]:
        sandbox.control("push", {"openid": ALICE, "event": name})
        message = plain(receiver.next())
        fields = fields_of(message)
        assert (fields["MsgType"], fields["Event"]) == ("event", name) and "MsgId" not in fields
    ledger = pushes(sandbox)
    assert ledger["delivered"] == ledger["total"] == len(types["messages"]) + len(types["events"])
    assert {(push["mode"], push["format"]) for push in ledger["pushes"]} == {(mode, form)}


def test_decimals_and_lists_look_as_WeChats_do(sandbox, receiver):
    sandbox.control("push", {"openid": ALICE, "event": "LOCATION"})
    body = receiver.next()["body"]
    assert b"<Latitude>23.137466</Latitude><Longitude>113.352425</Longitude><Precision>119.38504</Precision>" in body
    sandbox.control("push", {"openid": ALICE, "event": "pic_photo_or_album"})
    root = ElementTree.fromstring(receiver.next()["body"])
    assert len(root.findall("SendPicsInfo/PicList/item/PicMd5Sum")) == int(root.findtext("SendPicsInfo/Count")) == 2


def test_fields_of_ones_own(sandbox, receiver):
    sandbox.control(
        "push", {"openid": ALICE, "type": "hologram", "msg_id": 0, "from": "oElse", "fields": {"A": 1, "B": {"C": "d"}}}
    )
    assert plain(receiver.next()).endswith(
        "<MsgType><![CDATA[hologram]]></MsgType><A>1</A><B><C><![CDATA[d]]></C></B><MsgId>0</MsgId></xml>"
    )
    assert sandbox.request("POST", "/sandbox/push", {"openid": ALICE, "type": "hologram"})[0] == 400
    assert sandbox.request("POST", "/sandbox/push", {"openid": ALICE, "random16": "short", "body": ""})[0] == 400


def test_JSON_subscription_events_are_as_odd_as_documented(sandbox, receiver):
    configure(sandbox, receiver, format="json")
    sandbox.control("subscription", {"openid": ALICE, "what": "sent", "create_time": 1700000000})
    fields = json.loads(receiver.next()["body"])
    assert fields["CreateTime"] == "1700000000" and fields["Event"] == "subscribe_msg_sent_event"
    assert fields["List"]["MsgID"] == "1700827132819554304" and fields["List"]["ErrorCode"] == "0"
    sandbox.control("subscription", {"openid": ALICE, "what": "popup"})
    fields = json.loads(receiver.next()["body"])
    assert [each["PopupScene"] for each in fields["List"]] == ["2", "2"] and "SubscribeMsgPopupEvent" not in fields


# --- conveniences -----------------------------------------------------------------------------------------------------


def test_what_people_do(sandbox, receiver):
    def did(what, **more):
        answer = sandbox.control(what, {"openid": ALICE, **more})
        assert answer["push"]["reply"] == "success" and answer["openid"] == ALICE
        return fields_of(plain(receiver.next()))

    found = did("scan", scene="42")
    assert (found["Event"], found["EventKey"]) == ("SCAN", "42") and found["Ticket"]
    found = did("follow", scene="42")
    assert (found["Event"], found["EventKey"]) == ("subscribe", "qrscene_42") and found["Ticket"]
    found = did("click", event_key="K")
    assert (found["Event"], found["EventKey"]) == ("CLICK", "K")
    found = did("view", url="https://e.com/?a=1&b=2", menu_id=7)
    assert (found["Event"], found["EventKey"], found["MenuId"]) == ("VIEW", "https://e.com/?a=1&b=2", "7")
    found = did("location", latitude=-0.5, longitude=180, precision=1.25)
    assert (found["Event"], found["Latitude"], found["Longitude"], found["Precision"]) == (
        "LOCATION", "-0.5", "180", "1.25")
    assert did("message", type="image")["PicUrl"].startswith("http://")
    assert did("message", type="voice")["Recognition"] == "腾讯微信团队"
    found = did("unfollow")
    assert found["Event"] == "unsubscribe" and "Ticket" not in found
    assert sandbox.user_info(sandbox.token())["subscribe"] == 0


@pytest.mark.parametrize(
    "event", ["user_info_modified", "user_authorization_revoke", "user_authorization_cancellation"]
)
def test_changes_of_a_persons_data_name_him_in_OpenID(sandbox, receiver, event):
    sandbox.control("users", {"openid": ALICE, "unionid": "u1"})
    sandbox.control("user_info", {"openid": ALICE, "event": event, "revoke_info": "206"})
    found = fields_of(plain(receiver.next()))
    assert found["Event"] == event and found["FromUserName"] != ALICE
    assert (found["OpenID"], found["UnionID"], found["AppID"], found["RevokeInfo"]) == (ALICE, "u1", APP, "206")
    assert sandbox.request("POST", "/sandbox/user_info", {"openid": ALICE, "event": "x"})[0] == 400


def test_subscription_receipts(sandbox, receiver):
    for what, wrapper in (("popup", "Popup"), ("change", "Change"), ("sent", "Sent")):
        sandbox.control("subscription", {"openid": ALICE, "what": what, "list": [{"TemplateId": "a"}, {"TemplateId": "b"}]})
        root = ElementTree.fromstring(plain(receiver.next()))
        assert root.findtext("Event") == f"subscribe_msg_{what}_event"
        lists = root.findall(f"SubscribeMsg{wrapper}Event/List")
        assert [each.findtext("TemplateId") for each in lists] == ["a", "b"]
    assert sandbox.request("POST", "/sandbox/subscription", {"openid": ALICE, "what": "x"})[0] == 400


# --- repeats ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["plain", "safe"])
@pytest.mark.parametrize("answer", [(500, b""), (503, b"success"), (200, b"<html>"), (200, b"ok")], ids=str)
def test_WeChats_three_tries_have_one_body_and_three_signatures(sandbox, receiver, mode, answer):
    configure(sandbox, receiver, mode=mode, retry=True)
    receiver.answer = lambda request: answer
    found = sandbox.control("message", {"openid": ALICE, "content": "?"})
    tries = [receiver.next() for _ in range(3)]
    assert receiver.requests.empty() and len(found["pushes"]) == 3
    assert len({request["body"] for request in tries}) == 1
    assert len({request["query"]["nonce"] for request in tries}) == 3
    for request in tries:
        query = request["query"]
        parts = [TOKEN, query["timestamp"], query["nonce"]]
        assert query["signature"] == signature(*parts)
        if mode == "safe":
            assert query["msg_signature"] == signature(*parts, fields_of(request["body"].decode())["Encrypt"])
    [push] = pushes(sandbox)["pushes"]
    assert push["outcome"] == "failed" and not push["delivered"]
    assert [attempt["nonce"] for attempt in push["attempts"]] == [request["query"]["nonce"] for request in tries]
    assert [attempt["status"] for attempt in push["attempts"]] == [answer[0]] * 3


def test_tries_end_with_the_first_good_answer(sandbox, receiver):
    configure(sandbox, receiver, retry=True)
    answers = iter([(503, b""), (200, b"success")])
    receiver.answer = lambda request: next(answers)
    found = sandbox.control("message", {"openid": ALICE, "content": "?"})
    assert [push["status"] for push in found["pushes"]] == [503, 200]
    [push] = pushes(sandbox)["pushes"]
    assert push["outcome"] == "success" and push["delivered"] and len(push["attempts"]) == 2
    assert "service_failure" not in {line["kind"] for line in sandbox.chat(openid=ALICE)}


def test_silence_is_repeated_and_the_latency_kept(sandbox, receiver):
    configure(sandbox, receiver, retry=True)
    hold = threading.Event()
    arrived = []

    def answer(request):
        arrived.append(request)
        if len(arrived) < 3:
            hold.wait(10)
        return 200, b"success"

    receiver.answer = answer
    sandbox.control("message", {"openid": ALICE, "content": "?", "time_limit_ms": 500})
    hold.set()
    [push] = pushes(sandbox)["pushes"]
    assert [attempt["error"] for attempt in push["attempts"]] == ["no answer within the time limit"] * 2 + [""]
    assert all(attempt["elapsed_ms"] >= 500 for attempt in push["attempts"][:2])
    assert push["outcome"] == "success"


def test_the_platform_waits_five_seconds_by_default(sandbox, receiver):
    hold = threading.Event()

    def slow(_):
        hold.wait(60)
        return 200, b"success"

    receiver.answer = slow
    begun = time.monotonic()
    push = sandbox.control("message", {"openid": ALICE, "content": "?"})["push"]
    hold.set()
    assert 4.9 < time.monotonic() - begun < 20 and push["elapsed_ms"] >= 5000 and push["status"] == 0


def test_repeats_of_an_answered_push_are_identical_and_resealed_tries_are_not(sandbox, receiver):
    configure(sandbox, receiver, mode="safe")
    sandbox.control("message", {"openid": ALICE, "content": "x", "repeat": 2})
    same = [receiver.next() for _ in range(3)]
    assert len({(request["body"], json.dumps(request["query"])) for request in same}) == 1
    assert [attempt["turn"] for attempt in pushes(sandbox)["pushes"][0]["attempts"]] == [0, 1, 2]
    receiver.answer = lambda request: (500, b"")
    sandbox.control("message", {"openid": ALICE, "content": "x", "retry": True, "reseal": True})
    tries = [receiver.next() for _ in range(3)]
    assert len({request["body"] for request in tries}) == 3 and len({plain(request) for request in tries}) == 1


# --- ledger -----------------------------------------------------------------------------------------------------------


def test_the_ledger_of_pushes(sandbox, receiver):
    sandbox.control("message", {"openid": ALICE, "content": "你好", "msg_id": 77, "create_time": 1700000000})
    sandbox.control("click", {"openid": BOBBY, "event_key": "K"})
    sandbox.control("push", {"openid": BOBBY, "body": "<odd/>", "signature": "0" * 40})
    found = pushes(sandbox)
    assert (found["total"], found["delivered"], found["failed"], found["pending"]) == (3, 3, 0, 0)
    first, second, third = found["pushes"]
    assert (first["app_id"], first["openid"], first["msg_type"], first["msg_id"]) == (APP, ALICE, "text", "77")
    assert first["create_time"] == 1700000000 and "<![CDATA[你好]]>" in first["message"]
    assert (second["event"], second["event_key"]) == ("CLICK", "K")
    assert third["forged"] and third["message"] == "<odd/>"
    assert [push["id"] for push in pushes(sandbox, openid=BOBBY)["pushes"]] == [second["id"], third["id"]]
    assert pushes(sandbox, event="CLICK")["total"] == 1 == pushes(sandbox, msg_type="text")["total"]
    assert pushes(sandbox, after_id=second["id"])["total"] == 1
    assert pushes(sandbox, limit=1)["total"] == 3 and len(pushes(sandbox, limit=1)["pushes"]) == 1
    assert pushes(sandbox, outcome="failed")["total"] == 0 and pushes(sandbox, outcome="delivered")["total"] == 3
    assert TOKEN not in json.dumps(found)
    sandbox.control("reset", {})
    assert pushes(sandbox)["total"] == 0


def test_waiting_for_pushes(sandbox, receiver):
    assert not sandbox.control("pushes/wait?timeout_ms=50")["reached"]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(sandbox.control, "pushes/wait?event=CLICK&count=2&timeout_ms=10000")
        sandbox.control("click", {"openid": ALICE})
        sandbox.control("scan", {"openid": ALICE, "scene": "1"})
        sandbox.control("click", {"openid": ALICE})
        assert waiting.result(10) == {"reached": True, "count": 2}


# --- receipts ---------------------------------------------------------------------------------------------------------


def test_early_receipts_come_before_the_answer_of_the_send(sandbox, receiver):
    sandbox.control("accounts", {"app_id": APP, "receipts": {"when": "early", "times": 2}})
    token, hold = sandbox.token(), threading.Event()

    def answer(request):
        hold.wait(10)
        return 200, b"success"

    receiver.answer = answer
    with concurrent.futures.ThreadPoolExecutor() as pool:
        sending = pool.submit(sandbox.send_template, token)
        first = fields_of(plain(receiver.next()))
        assert not sending.done() and first["Event"] == "TEMPLATESENDJOBFINISH"
        hold.set()
        msgid = sending.result(10)["msgid"]
    assert first["MsgID"] == str(msgid) == fields_of(plain(receiver.next()))["MsgID"]
    assert [push["msg_id"] for push in pushes(sandbox)["pushes"]] == [str(msgid)] * 2


def test_late_receipts_come_on_their_own(sandbox, receiver):
    status = "failed: system failed"
    sandbox.control("accounts", {"app_id": APP, "receipts": {"when": "late", "delay_ms": 50, "status": status}})
    token = sandbox.token()
    msgids = {str(sandbox.send_template(token)["msgid"]) for _ in range(3)}
    assert sandbox.control("pushes/wait?event=TEMPLATESENDJOBFINISH&count=3")["reached"]
    found = [fields_of(plain(receiver.next())) for _ in range(3)]
    assert {each["MsgID"] for each in found} == msgids and {each["Status"] for each in found} == {status}
    sandbox.control("accounts", {"app_id": APP, "receipts": {"when": "late", "zero_msgid": True}})
    sandbox.send_template(token)
    assert fields_of(plain(receiver.next()))["MsgID"] == "0"
    sandbox.control("accounts", {"app_id": APP, "receipts": {"when": "none"}})
    refused(sandbox.send_template(token, {"x": {"value": "y"}}), 47003)
    sandbox.send_template(token)
    assert pushes(sandbox)["total"] == 4


def test_no_receipt_for_what_was_not_sent(sandbox, receiver):
    sandbox.control("accounts", {"app_id": APP, "receipts": {"when": "early"}})
    token = sandbox.token()
    sandbox.fault({"errcode": -1}, api=TEMPLATE)
    refused(sandbox.send_template(token), -1)
    sandbox.request("DELETE", "/sandbox/faults")
    sandbox.send_template(token, client_msg_id="once")
    sandbox.send_template(token, client_msg_id="once")
    assert pushes(sandbox)["total"] == 1


def test_receipts_by_hand(sandbox, receiver):
    msgid = sandbox.send_template(sandbox.token())["msgid"]
    for order, expected in (({}, msgid), ({"msgid": 5}, 5), ({"msgid": 0}, 0), ({"repeat": 1}, msgid)):
        sandbox.control("receipt", {"openid": ALICE, "status": "failed:user block", **order})
        found = fields_of(plain(receiver.next()))
        assert (found["MsgID"], found["Status"]) == (str(expected), "failed:user block")


# --- garbage ----------------------------------------------------------------------------------------------------------


def judge(request, mode, app_id=APP):
    """An endpoint that is as strict as it should be: 403 for what isn't WeChat's, 400 for what isn't a push."""
    query, body = request["query"], request["body"]
    if len(body) > 1 << 20:
        return 413, b""
    parts = [TOKEN, query.get("timestamp", ""), query.get("nonce", "")]
    if query.get("signature") != signature(*parts) or abs(int(parts[1]) - time.time()) > 600:
        return 403, b""
    try:
        if mode != "plain":
            if b"<!DOCTYPE" in body:
                return 400, b""
            encrypt = fields_of(body.decode()).get("Encrypt") if body else ""
            if encrypt is None or query.get("encrypt_type") != "aes":
                return 403, b""
            if query["msg_signature"] != signature(*parts, encrypt):
                return 403, b""
            body = decrypted(encrypt, app_id).encode()
        assert b"<!DOCTYPE" not in body
        assert fields_of(body.decode())["MsgType"]
    except Exception:
        return 400, b""
    return 200, b"success"


KINDS = {
    "plain": {"wrong_signature": 403, "no_signature": 403, "old_timestamp": 403, "future_timestamp": 403, "dtd": 400,
              "oversized": 413, "truncated": 400, "binary": 400, "form": 400, "empty": 400},
    "safe": {"unencrypted": 403, "wrong_msg_signature": 403, "wrong_key": 400, "truncated_cipher": 400,
             "empty": 403, "not_base64": 400, "foreign_app_id": 400, "bad_padding": 400, "bad_length": 400},
}


@pytest.mark.parametrize("mode, form", [("plain", "xml"), ("plain", "json"), ("safe", "xml"), ("safe", "json")])
def test_garbage_is_what_it_says(sandbox, receiver, mode, form):
    configure(sandbox, receiver, mode=mode, format=form)
    expected = {**KINDS["plain"], **(KINDS["safe"] if mode == "safe" else {})}
    assert set(sandbox.control("garbage")["kinds"]) == {*KINDS["plain"], *KINDS["safe"]}
    receiver.answer = lambda request: judge(request, mode)
    answer = sandbox.control("garbage", {"kinds": list(expected), "count": 2})
    assert answer["statuses"] == {kind: {str(status): 2} for kind, status in expected.items()}
    assert answer["sent"] == 2 * len(expected)
    assert pushes(sandbox)["total"] == 0 and sandbox.chat() == []
    assert sandbox.control("counters")["violations"]["wrong_callback_replies"] == 0
    # The same judge takes what is right.
    assert sandbox.control("message", {"openid": ALICE, "content": "x"})["push"]["reply"] == "success"


def test_wrong_garbage_is_refused_by_name(sandbox, receiver):
    for order in ({}, {"kinds": []}, {"kinds": [1]}, {"kinds": ["noise"]}, {"kinds": ["bad_padding"]}, {"count": 0}):
        assert sandbox.request("POST", "/sandbox/garbage", order)[0] == 400
    assert receiver.requests.empty()
    assert sandbox.request("DELETE", "/sandbox/garbage")[0] == 405


# --- a busy day -------------------------------------------------------------------------------------------------------


def test_a_busy_day_agrees_with_the_ledger_to_the_last_event(sandbox, receiver):
    """An endpoint that fails now and then sees every delivered push of the ledger, and no others are counted."""
    configure(sandbox, receiver, mode="safe", retry=True)
    sandbox.control("accounts", {"app_id": APP, "receipts": {"when": "early"}})
    chance, seen, lock = random.Random(7), collections.Counter(), threading.Lock()

    def answer(request):
        verdict = judge(request, "safe")
        with lock:
            if verdict[0] == 200 and chance.random() < 0.3:
                return 503, b""
            if verdict[0] == 200:
                seen[plain(request)] += 1
        return verdict

    receiver.answer = answer
    token = sandbox.token()

    def deed(n):
        openid = f"oDay_{n % 20}"
        what = n % 6
        if what == 0:
            sandbox.control("follow", {"openid": openid, "scene": str(n)})
        elif what == 1:
            sandbox.control("push", {"openid": openid, "type": "text", "fields": {"Content": str(n)}})
        elif what == 2:
            sandbox.control("push", {"openid": openid, "event": "CLICK", "fields": {"EventKey": str(n)}})
        elif what == 3:
            sandbox.send_template(token)
        elif what == 4:
            sandbox.control("garbage", {"kinds": ["wrong_signature", "unencrypted", "bad_padding"]})
        else:
            sandbox.control("push", {"openid": openid, "type": "image"})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(deed, range(120)))
    ledger = pushes(sandbox)
    assert ledger["pending"] == 0 and ledger["total"] == 100
    delivered = collections.Counter(push["message"] for push in ledger["pushes"] if push["delivered"])
    assert seen == delivered
    assert any(len(push["attempts"]) > 1 for push in ledger["pushes"])
    for push in ledger["pushes"]:
        statuses = [attempt["status"] for attempt in push["attempts"]]
        assert statuses[:-1] == [503] * (len(statuses) - 1) and len(statuses) <= 3
        assert push["delivered"] == (statuses[-1] == 200)
