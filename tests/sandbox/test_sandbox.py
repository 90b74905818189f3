"""Tests of hongyan-sandbox from outside: HTTP in, HTTP out. Needs HONGYAN_BIN_DIR, the folder with the binary."""

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import queue
import re
import socket
import subprocess
import threading
import time
import zlib

import pytest

from stand_in import (
    ALICE,
    APP,
    BOBBY,
    CUSTOM,
    SECRET,
    SHIPPED_DATA,
    TEMPLATE,
    Sandbox,
    accepted,
    binary,
    refused,
    signature,
)


# --- tokens ---------------------------------------------------------------------------------------------------------


def test_classic_issues_a_new_token_each_time_and_the_old_works_for_five_minutes(sandbox):
    first = sandbox.classic()
    second = sandbox.classic()
    assert first["access_token"] != second["access_token"]
    assert first["expires_in"] == second["expires_in"] == 7200
    assert "errcode" not in first
    accepted(sandbox.user_info(first["access_token"]))
    sandbox.advance(299)
    accepted(sandbox.user_info(first["access_token"]))
    sandbox.advance(2)
    refused(sandbox.user_info(first["access_token"]), 40001)
    accepted(sandbox.user_info(second["access_token"]))


def test_stable_hands_out_the_same_token_until_five_minutes_before_its_end(sandbox):
    first = sandbox.stable()
    sandbox.advance(6800)
    again = sandbox.stable()
    assert again["access_token"] == first["access_token"]
    assert 395 <= again["expires_in"] <= 400
    sandbox.advance(150)
    renewed = sandbox.stable()
    assert renewed["access_token"] != first["access_token"]
    assert renewed["expires_in"] == 7200
    accepted(sandbox.user_info(first["access_token"]))
    accepted(sandbox.user_info(renewed["access_token"]))
    sandbox.advance(260)
    refused(sandbox.user_info(first["access_token"]), 42001)
    accepted(sandbox.user_info(renewed["access_token"]))


def test_forced_refresh_kills_the_old_token_but_not_twice_within_thirty_seconds(sandbox):
    first = sandbox.stable()["access_token"]
    forced = sandbox.stable(force=True)["access_token"]
    assert forced != first
    refused(sandbox.user_info(first), 40001)
    assert sandbox.stable(force=True)["access_token"] == forced
    sandbox.advance(31)
    third = sandbox.stable(force=True)["access_token"]
    assert third != forced
    refused(sandbox.user_info(forced), 40001)


def test_forced_refreshes_are_twenty_a_day(sandbox):
    for _ in range(20):
        accepted(sandbox.stable(force=True))
        sandbox.advance(31)
    refused(sandbox.stable(force=True), 45009)
    accepted(sandbox.stable())
    sandbox.advance(86400)
    accepted(sandbox.stable(force=True))


def test_the_two_families_leave_each_other_alone(sandbox):
    stable = sandbox.token()
    classic = sandbox.classic()["access_token"]
    sandbox.classic()
    sandbox.stable(force=True)
    refused(sandbox.user_info(stable), 40001)
    accepted(sandbox.user_info(classic))


@pytest.mark.parametrize(
    "change, errcode",
    [
        ({"grant": "password"}, 40002),
        ({"app": ""}, 41002),
        ({"app": "wxother"}, 40013),
        ({"secret": ""}, 41004),
        ({"secret": "wrong"}, 40125),
    ],
)
def test_wrong_credentials(sandbox, change, errcode):
    refused(sandbox.classic(**change), errcode)


def test_stable_token_is_post_only_and_refuses_unknown_fields(sandbox):
    refused(sandbox.json("GET", "/cgi-bin/stable_token"), 43002)
    body = {"grant_type": "client_credential", "appid": APP, "secret": SECRET, "force": True}
    assert "force" in refused(sandbox.json("POST", "/cgi-bin/stable_token", body), 47001)


def test_T07_account_troubles_have_their_codes(sandbox):
    for change, errcode in [
        ({"ip_whitelisted": False}, 40164),
        ({"secret_frozen": True}, 40243),
        ({"account_frozen": True}, 50007),
    ]:
        sandbox.control("reset", {})
        sandbox.control("accounts", {"app_id": APP, **change})
        message = refused(sandbox.stable(), errcode)
        if errcode == 40164:
            assert message.startswith("invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist")


def test_tokens_that_are_missing_malformed_unknown_or_expired(sandbox):
    refused(sandbox.json("GET", "/cgi-bin/user/info?openid=" + ALICE), 41001)
    refused(sandbox.user_info("a b"), 40014)
    refused(sandbox.user_info("92_" + "x" * 100), 40001)
    token = sandbox.token()
    sandbox.control("tokens/expire", {"app_id": APP})
    refused(sandbox.user_info(token), 42001)
    sandbox.token()
    refused(sandbox.user_info(token), 42001)


def test_a_foreign_token_acts_as_its_own_account(sandbox):
    sandbox.control("accounts", {"app_id": "wxother", "app_secret": "s2"})
    foreign = sandbox.token(app="wxother", secret="s2")
    refused(sandbox.user_info(foreign), 40003)


def test_T02_stolen_tokens_die_at_once(sandbox):
    token = sandbox.classic()["access_token"]
    sandbox.control("tokens/steal", {"app_id": APP, "family": "classic"})
    refused(sandbox.user_info(token), 40001)
    stable = sandbox.token()
    sandbox.control("tokens/steal", {"app_id": APP, "family": "stable"})
    refused(sandbox.user_info(stable), 40001)
    assert sandbox.token() != stable


def test_T04_a_stuck_token_comes_back_until_forced(sandbox):
    token = sandbox.token()
    sandbox.control("tokens/revoke", {"app_id": APP, "stuck": True})
    refused(sandbox.user_info(token), 40001)
    assert sandbox.token() == token
    forced = sandbox.stable(force=True)["access_token"]
    assert forced != token
    accepted(sandbox.user_info(forced))
    assert sandbox.token() == forced


def test_revoked_tokens_are_replaced_when_not_stuck(sandbox):
    token = sandbox.token()
    sandbox.control("tokens/revoke", {"app_id": APP})
    refused(sandbox.user_info(token), 40001)
    accepted(sandbox.user_info(sandbox.token()))


@pytest.mark.parametrize("length", [512, 4096])
def test_T10_long_tokens_and_tokens_that_need_escaping(sandbox, length):
    sandbox.control(
        "accounts", {"app_id": APP, "token_length": length, "token_needs_escaping": True}
    )
    token = sandbox.token()
    assert len(token) == length and "+" in token and "%" in token
    accepted(sandbox.user_info(token))


def test_T10_short_lives(sandbox):
    sandbox.control("accounts", {"app_id": APP, "token_lifetime_seconds": 300})
    first = sandbox.stable()
    assert first["expires_in"] == 300
    assert sandbox.stable()["access_token"] == first["access_token"]


def test_token_counts_are_shown_without_tokens(sandbox):
    token = sandbox.token()
    sandbox.stable(force=True)
    sandbox.classic()
    sandbox.fault({"errcode": -1}, api="/cgi-bin/stable_token")
    sandbox.stable()
    shown = sandbox.control("tokens")
    assert shown["stable"]["normal_requests"] == 2
    assert shown["stable"]["forced_requests"] == 1
    assert shown["classic"]["requests"] == 1
    assert token not in json.dumps(shown)
    assert len(shown["stable"]["current"]["sha8"]) == 8


# --- strictness -----------------------------------------------------------------------------------------------------


def test_U23_chunked_bodies_and_missing_lengths_are_412(sandbox):
    token = sandbox.token()
    target = sandbox.path(CUSTOM, token)
    chunked = (
        f"POST {target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
    )
    assert sandbox.raw(chunked.encode()).startswith(b"HTTP/1.1 412 ")
    assert sandbox.raw(f"POST {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).startswith(
        b"HTTP/1.1 412 "
    )
    violations = sandbox.control("counters")["violations"]
    assert violations["chunked_bodies"] == 1 and violations["missing_lengths"] == 1
    assert [entry["http_status"] for entry in sandbox.ledger(api=CUSTOM)] == [412, 412]
    assert sandbox.chat() == []


@pytest.mark.parametrize(
    "body, errcode, word",
    [
        (b"", 44002, ""),
        (b"{", 47001, ""),
        (b"[]", 47001, ""),
        (b'{"touser":"\xff"}', 47001, "UTF-8"),
        (rb'{"touser":"o","msgtype":"text","text":{"content":"\u4f60"}}', 40033, ""),
        (b'{"touser":"o","touser":"o","msgtype":"text","text":{"content":"x"}}', 47001, "doubled field: touser"),
        (b'{"touser":"o","msgtype":"text","text":{"content":"x","content":""}}', 47001, "doubled field: text.content"),
        ({"toUser": ALICE, "msgtype": "text", "text": {"content": "a"}}, 47001, "toUser"),
        ({"touser": ALICE, "msgtype": "text", "text": {"content": "a", "x": 1}}, 47001, "x"),
        ({"touser": ALICE, "msgtype": "text", "text": {"content": 1}}, 47001, "content"),
        ({"touser": ALICE, "msgtype": "text", "text": {}}, 47001, "content"),
        ({"touser": ALICE, "msgtype": "text"}, 47001, "text"),
        ({"touser": ALICE, "msgtype": "fax", "fax": {}}, 40008, ""),
        ({"touser": "oNobody", "msgtype": "text", "text": {"content": "a"}}, 40003, ""),
        ({"touser": "", "msgtype": "text", "text": {"content": "a"}}, 40003, ""),
        ({"touser": ALICE, "msgtype": "text", "text": {"content": ""}}, 44004, ""),
        ({"touser": ALICE, "msgtype": "text", "text": {"content": "中" * 683}}, 45002, ""),
        ({"touser": ALICE, "msgtype": "news", "news": {"articles": []}}, 45008, ""),
    ],
)
def test_bodies_that_are_refused(sandbox, body, errcode, word):
    token = sandbox.token()
    answer = sandbox.json("POST", sandbox.path(CUSTOM, token), body)
    assert word in refused(answer, errcode)
    entry = sandbox.ledger(api=CUSTOM)[0]
    assert entry["errcode"] == errcode and entry["outcome"] == "refused" and not entry["counted"]
    assert sandbox.chat() == []


def test_an_escaped_backslash_before_u_is_no_escape(sandbox):
    accepted(sandbox.send_text(sandbox.token(), r"C:\users"))
    assert sandbox.chat()[0]["text"] == r"C:\users"


def test_texts_of_2048_bytes_are_taken(sandbox):
    accepted(sandbox.send_text(sandbox.token(), "中" * 682 + "ab"))


@pytest.mark.parametrize(
    "payload",
    [
        {"msgtype": "image", "image": {"media_id": "m"}},
        {"msgtype": "video", "video": {"media_id": "m", "title": "t"}},
        {"msgtype": "music", "music": {"musicurl": "http://a", "thumb_media_id": "m"}},
        {"msgtype": "news", "news": {"articles": [{"title": "t", "url": "http://a"}]}},
        {
            "msgtype": "msgmenu",
            "msgmenu": {"head_content": "h", "list": [{"id": "1", "content": "Yes"}]},
        },
        {"msgtype": "text", "text": {"content": "a"}, "customservice": {"kf_account": "a@b"}},
    ],
)
def test_other_message_types(sandbox, payload):
    body = {"touser": ALICE, **payload}
    accepted(sandbox.json("POST", sandbox.path(CUSTOM, sandbox.token()), body))
    assert sandbox.chat()[0]["kind"] == payload["msgtype"]


def test_wrong_methods_and_paths(sandbox):
    token = sandbox.token()
    refused(sandbox.json("GET", sandbox.path(CUSTOM, token)), 43002)
    refused(sandbox.json("POST", sandbox.path("/cgi-bin/user/info", token), {}), 43001)
    refused(sandbox.json("GET", sandbox.path("/cgi-bin/nothing", token)), 40066)


def test_typing(sandbox):
    target = sandbox.path("/cgi-bin/message/custom/typing", sandbox.token())
    accepted(sandbox.json("POST", target, {"touser": ALICE, "command": "Typing"}))
    refused(sandbox.json("POST", target, {"touser": ALICE, "command": "Typing"}), 45081)
    accepted(sandbox.json("POST", target, {"touser": ALICE, "command": "CancelTyping"}))
    accepted(sandbox.json("POST", target, {"touser": ALICE, "command": "Typing"}))
    sandbox.advance(16)
    accepted(sandbox.json("POST", target, {"touser": ALICE, "command": "Typing"}))
    refused(sandbox.json("POST", target, {"touser": ALICE, "command": "Sing"}), 45072)


def test_too_large_bodies_and_headers_and_broken_http(sandbox):
    big = b"POST /cgi-bin/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n"
    assert sandbox.raw(big).startswith(b"HTTP/1.1 413 ")
    header = b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 20000 + b"\r\n\r\n"
    assert sandbox.raw(header).startswith(b"HTTP/1.1 431 ")
    assert sandbox.raw(b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_expect_is_answered_and_counted(sandbox):
    target = sandbox.path(CUSTOM, sandbox.token())
    body = json.dumps({"touser": ALICE, "msgtype": "text", "text": {"content": "a"}})
    with socket.create_connection(("127.0.0.1", sandbox.port), 10) as sock:
        sock.sendall(
            f"POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
        )
        assert sock.recv(100).startswith(b"HTTP/1.1 100 ")
        sock.sendall(body.encode())
        assert b'"errcode":0' in sock.recv(1000)
    assert sandbox.control("counters")["violations"]["expect_headers"] == 1


# --- templates ------------------------------------------------------------------------------------------------------


def test_templates_are_rendered_and_numbered_beyond_two_to_the_53(sandbox):
    answer = accepted(sandbox.send_template(sandbox.token(), url="https://example.com/o/1024"))
    assert answer["msgid"] > 2**53
    line = sandbox.chat()[0]
    assert line["kind"] == "template" and line["msgid"] == answer["msgid"]
    assert line["text"] == (
        "订单发货通知\n商品名称:夏日蜜桃茶\n发货时间:2026年3月1日 15:01\n订单金额:¥39.80\n"
        "订单编号:1024-77"
    )
    assert line["url"] == "https://example.com/o/1024"


def test_a_repeated_client_msg_id_is_shown_once_within_ten_minutes(sandbox):
    token = sandbox.token()
    first = sandbox.send_template(token, client_msg_id="id1")
    again = sandbox.send_template(token, client_msg_id="id1")
    assert first == again and first["errcode"] == 0
    sandbox.send_template(token, client_msg_id="id1", openid=BOBBY)
    assert len(sandbox.chat(openid=ALICE)) == 1 and len(sandbox.chat(openid=BOBBY)) == 1
    outcomes = [entry["outcome"] for entry in sandbox.ledger(api=TEMPLATE, openid=ALICE)]
    assert outcomes == ["accepted", "duplicate"]
    assert [e["client_msg_id"] for e in sandbox.ledger(client_msg_id="id1")] == ["id1"] * 3
    sandbox.advance(601)
    assert sandbox.send_template(token, client_msg_id="id1")["msgid"] != first["msgid"]
    assert len(sandbox.chat(openid=ALICE)) == 2


VALUES = [
    ("thing", "夏" * 20, True),
    ("thing", "夏" * 21, False),
    ("thing", "🚚" * 11, False),
    ("thing", "a\nb", False),
    ("number", "12.50", True),
    ("number", "1" * 33, False),
    ("number", "12a", False),
    ("letter", "abc", True),
    ("letter", "ab1", False),
    ("symbol", "+-*/", True),
    ("symbol", "+++++++", False),
    ("character_string", "A-1_#", True),
    ("character_string", "订单1", False),
    ("character_string", "1" * 33, False),
    ("time", "15:01", True),
    ("time", "2019年10月1日 15:01", True),
    ("time", "2019-10-01 15:01:30", True),
    ("time", "15:01~16:30", True),
    ("time", "2019年10月1日 15:01~2019年10月1日 16:00", True),
    ("time", "25:99", False),
    ("time", "tomorrow", False),
    ("date", "2019年10月1日", True),
    ("date", "2019年10月1日~2019年10月7日", True),
    ("date", "15:01", False),
    ("date", "2019年13月1日", False),
    ("amount", "¥39.80", True),
    ("amount", "39.8元", True),
    ("amount", "￥12345678901", False),
    ("amount", "about 5", False),
    ("phone_number", "+86-0766-66888866", True),
    ("phone_number", "123456789012345678", False),
    ("phone_number", "call me", False),
    ("car_number", "粤A8Z888挂", True),
    ("car_number", "粤AA粤888", False),
    ("car_number", "粤A8Z8888挂", False),
    ("name", "张三", True),
    ("name", "张" * 11, False),
    ("name", "John Ronald", True),
    ("name", "J" * 21, False),
    ("name", "张3", False),
    ("phrase", "支付成功", True),
    ("phrase", "支付成功了呀", False),
    ("phrase", "paid", False),
    ("const", "已确认", True),
    ("const", "也许", False),
    ("keyword", "anything\nat all " * 3, True),
]


@pytest.mark.parametrize("kind, value, allowed", VALUES)
def test_U22_typed_values(sandbox, kind, value, allowed):
    key = kind + "7"
    made = sandbox.control(
        "templates",
        {"title": "t", "content": "x:{{%s.DATA}}" % key, "listed_values": {"const7": ["已确认"]}},
    )
    token = sandbox.token()
    body = {"touser": ALICE, "template_id": made["template_id"], "data": {key: {"value": value}}}
    answer = sandbox.json("POST", sandbox.path(TEMPLATE, token), body)
    if allowed:
        accepted(answer)
    else:
        assert f"data.{key}.value invalid" in refused(answer, 47003)


def test_U22_template_mistakes(sandbox):
    token = sandbox.token()
    less = {k: v for k, v in SHIPPED_DATA.items() if k != "time2"}
    assert "data.time2.value" in refused(sandbox.send_template(token, less), 47003)
    more = {**SHIPPED_DATA, "thing9": {"value": "x"}}
    assert "data.thing9.value" in refused(sandbox.send_template(token, more), 47003)
    empty = {**SHIPPED_DATA, "thing1": {"value": ""}}
    assert "data.thing1.value" in refused(sandbox.send_template(token, empty), 47003)
    accepted(sandbox.send_template(token, {**SHIPPED_DATA, "first": {"value": "dropped"}}))
    refused(sandbox.send_template(token, template_id="unknown"), 40037)
    refused(sandbox.send_template(token, openid="oNobody"), 40003)
    refused(sandbox.send_template(token, url="gopher://x"), 40048)
    accepted(sandbox.send_template(token, url="https://" + "x" * 2040))
    refused(sandbox.send_template(token, url="https://" + "x" * 2041), 40039)
    accepted(sandbox.send_template(token, miniprogram={"appid": "wx1", "pagepath": "a?b=c"}))
    refused(sandbox.send_template(token, miniprogram={"appid": "1"}), 40013)
    assert "page" in refused(
        sandbox.send_template(token, miniprogram={"appid": "wx1", "page": "a"}), 47001
    )


def test_the_private_template_list(sandbox):
    target = sandbox.path("/cgi-bin/template/get_all_private_template", sandbox.token())
    answer = sandbox.json("GET", target)
    assert "errcode" not in answer
    assert len(answer["template_list"]) == 3
    assert all(len(each["template_id"]) == 43 for each in answer["template_list"])
    assert "{{thing1.DATA}}" in answer["template_list"][0]["content"]


# --- users ----------------------------------------------------------------------------------------------------------


def test_user_info_of_followers_and_others(sandbox):
    token = sandbox.token()
    sandbox.control(
        "users", {"openid": ALICE, "unionid": "u1", "remark": "好", "tag_ids": [2, 134]}
    )
    info = sandbox.user_info(token)
    assert "errcode" not in info
    assert (info["subscribe"], info["unionid"], info["tagid_list"]) == (1, "u1", [2, 134])
    sandbox.control("users", {"openid": BOBBY, "subscribed": False})
    assert sandbox.user_info(token, BOBBY) == {"subscribe": 0, "openid": BOBBY}
    refused(sandbox.user_info(token, "oNobody"), 40003)


def test_batchget(sandbox):
    target = sandbox.path("/cgi-bin/user/info/batchget", sandbox.token())
    wanted = {"user_list": [{"openid": ALICE, "lang": "zh_CN"}, {"openid": BOBBY}]}
    answer = sandbox.json("POST", target, wanted)
    assert [user["openid"] for user in answer["user_info_list"]] == [ALICE, BOBBY]
    hundred = {"user_list": [{"openid": ALICE}] * 100}
    assert len(sandbox.json("POST", target, hundred)["user_info_list"]) == 100
    refused(sandbox.json("POST", target, {"user_list": [{"openid": ALICE}] * 101}), 40032)
    refused(sandbox.json("POST", target, {"user_list": [{"openid": "oNobody"}]}), 40003)
    refused(sandbox.json("POST", target, {"user_list": [{"openId": ALICE}]}), 47001)


def test_follower_list_pages_and_its_odd_end(sandbox):
    token = sandbox.token()
    page = sandbox.json("GET", sandbox.path("/cgi-bin/user/get", token))
    assert page["total"] == page["count"] == 2 and page["data"]["openid"] == [ALICE, BOBBY]
    after = sandbox.json("GET", sandbox.path("/cgi-bin/user/get", token, next_openid=BOBBY))
    assert after["count"] == 0 and "data" not in after


def test_quota_counts_and_ends(sandbox):
    token = sandbox.token()
    sandbox.control("quota", {"api": CUSTOM, "daily_limit": 2})
    accepted(sandbox.send_text(token))
    accepted(sandbox.send_text(token))
    refused(sandbox.send_text(token), 45009)
    accepted(sandbox.send_template(token))
    target = sandbox.path("/cgi-bin/openapi/quota/get", token)
    quota = sandbox.json("POST", target, {"cgi_path": CUSTOM})["quota"]
    assert quota == {"daily_limit": 2, "used": 2, "remain": 0}
    refused(sandbox.json("POST", target, {"cgi_path": "/x"}), 76021)


def test_rids_can_be_asked_for(sandbox):
    token = sandbox.token()
    message = refused(sandbox.send_text(token, ""), 44004)
    rid = message.rsplit(" ", 1)[1]
    target = sandbox.path("/cgi-bin/openapi/rid/get", token)
    request = sandbox.json("POST", target, {"rid": rid})["request"]
    assert json.loads(request["request_body"])["touser"] == ALICE
    refused(sandbox.json("POST", target, {"rid": "0" * 26}), 76001)


# --- windows --------------------------------------------------------------------------------------------------------


def test_windows_do_not_matter_unless_enforced(sandbox):
    openid = sandbox.control("follow", {})["openid"]
    token = sandbox.token()
    for _ in range(10):
        accepted(sandbox.send_text(token, openid=openid))
    sandbox.control("unfollow", {"openid": openid})
    refused(sandbox.send_text(token, openid=openid), 45015)
    refused(sandbox.send_template(token, openid=openid), 43004)


def test_U19_enforced_windows_and_allowances(sandbox):
    sandbox.control("accounts", {"app_id": APP, "enforce_window": True})
    openid = sandbox.control("follow", {})["openid"]
    token = sandbox.token()
    for _ in range(3):
        accepted(sandbox.send_text(token, openid=openid))
    refused(sandbox.send_text(token, openid=openid), 45047)
    sandbox.control("message", {"openid": openid, "content": "hi"})
    for _ in range(5):
        accepted(sandbox.send_text(token, openid=openid))
    refused(sandbox.send_text(token, openid=openid), 45047)
    sandbox.control("message", {"openid": openid, "content": "hi"})
    sandbox.advance(48 * 3600 + 1)
    refused(sandbox.send_text(sandbox.token(), openid=openid), 45015)


def test_U21_users_who_do_not_want_to_hear(sandbox):
    token = sandbox.token()
    sandbox.control("users", {"openid": ALICE, "blacklisted": True})
    refused(sandbox.send_text(token), 43019)
    sandbox.control("users", {"openid": BOBBY, "refuses_messages": True})
    refused(sandbox.send_text(token, openid=BOBBY), 48002)
    refused(sandbox.send_template(token, openid=BOBBY), 43101)


# --- faults ---------------------------------------------------------------------------------------------------------


def test_U01_errcodes_for_a_number_of_times(sandbox):
    token = sandbox.token()
    fault = sandbox.fault({"errcode": -1}, times=2, after=1)
    codes = [sandbox.send_text(token)["errcode"] for _ in range(4)]
    assert codes == [0, -1, -1, 0]
    assert len(sandbox.chat()) == 2
    shown = sandbox.control("faults")["faults"][0]
    assert (shown["id"], shown["seen"], shown["hits"]) == (fault, 4, 2)
    assert [e["outcome"] for e in sandbox.ledger(api=CUSTOM)] == [
        "accepted",
        "injected",
        "injected",
        "accepted",
    ]


def test_faults_keep_to_their_account_api_and_openid(sandbox):
    sandbox.control("accounts", {"app_id": "wxother", "app_secret": "s2"})
    sandbox.control("users", {"app_id": "wxother", "openid": "oOther"})
    token, other = sandbox.token(), sandbox.token(app="wxother", secret="s2")
    sandbox.fault({"errcode": 45009}, app_id=APP, openid=ALICE)
    refused(sandbox.send_text(token), 45009)
    accepted(sandbox.send_text(token, openid=BOBBY))
    accepted(sandbox.send_text(other, openid="oOther"))
    accepted(sandbox.send_template(token))
    status, _ = sandbox.request("DELETE", "/sandbox/faults")
    assert status == 200
    accepted(sandbox.send_text(token))


def test_wrong_faults_are_refused_by_name(sandbox):
    for body, word in [
        ({"api": CUSTOM, "effect": {"errorcode": 1}}, "errorcode"),
        ({"api": CUSTOM, "effect": {}}, "effect"),
        ({"api": CUSTOM, "effect": {"close": "never"}}, "close"),
        ({"api": "x", "effect": {"bom": True}}, "api"),
        ({"effect": {"truncate": "1"}}, "truncate"),
    ]:
        status, data = sandbox.request("POST", "/sandbox/faults", body)
        assert status == 400 and word in json.loads(data)["error"]
    assert sandbox.request("DELETE", "/sandbox/faults/77")[0] == 404


def test_U03_http_errors_are_not_counted_unless_asked(sandbox):
    token = sandbox.token()
    sandbox.fault({"http_status": 502}, times=1)
    sandbox.fault({"http_status": 503, "body": "busy", "count": True}, times=1)
    body = {"touser": ALICE, "msgtype": "text", "text": {"content": "a"}}
    status, page = sandbox.request("POST", sandbox.path(CUSTOM, token), body)
    assert status == 502 and page.startswith(b"<html>")
    assert sandbox.chat() == []
    assert sandbox.request("POST", sandbox.path(CUSTOM, token), body) == (503, b"busy")
    assert len(sandbox.chat()) == 1
    assert [e["counted"] for e in sandbox.ledger(api=CUSTOM)] == [False, True]


def test_U04_an_answer_can_be_late_after_the_message_was_counted(sandbox):
    token = sandbox.token()
    sandbox.fault({"delay_after_ms": 60000}, times=1)
    connection = sandbox.connect(timeout=0.3)
    with pytest.raises(TimeoutError):
        sandbox.send_text(token, connection=connection)
    connection.close()
    assert len(sandbox.chat()) == 1
    assert sandbox.ledger(api=CUSTOM)[0]["counted"]


def test_a_reset_forgets_what_is_still_delayed(sandbox):
    token = sandbox.token()
    sandbox.fault({"delay_before_ms": 2000}, times=1)
    body = json.dumps({"touser": ALICE, "msgtype": "text", "text": {"content": "old"}}).encode()
    connection = sandbox.connect()
    connection.request("POST", sandbox.path(CUSTOM, token), body)
    sandbox.control(f"wait?api={CUSTOM}&timeout_ms=5000")
    sandbox.control("reset", {})
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    assert sandbox.chat() == [] and sandbox.ledger() == []


def test_delay_before_processes_late(sandbox):
    token = sandbox.token()
    sandbox.fault({"delay_before_ms": 200})
    started = time.monotonic()
    accepted(sandbox.send_text(token))
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    "close, counted", [("before_read", 0), ("after_read", 0), ("after_count", 1)]
)
def test_U06_connections_end_where_told(sandbox, close, reset, counted):
    token = sandbox.token()
    sandbox.fault({"close": close, "reset": reset}, times=1)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)) as error:
        sandbox.send_text(token)
    if close != "before_read":
        assert isinstance(error.value, http.client.RemoteDisconnected) != reset
    assert len(sandbox.chat()) == counted
    entries = sandbox.ledger(api=CUSTOM)
    assert len(entries) == 1 and entries[0]["answer"] == "none"
    accepted(sandbox.send_text(token))


def test_U05_truncated_answers(sandbox):
    token = sandbox.token()
    sandbox.fault({"truncate": 5}, times=1)
    with pytest.raises(http.client.IncompleteRead) as error:
        sandbox.send_text(token)
    assert error.value.partial == b'{"err'
    sandbox.fault({"close": "after_headers"}, times=1)
    with pytest.raises(http.client.IncompleteRead) as error:
        sandbox.send_text(token)
    assert error.value.partial == b""
    assert len(sandbox.chat()) == 2


@pytest.mark.parametrize("reset", [False, True])
def test_U07_a_kept_connection_dies_under_the_second_request(sandbox, reset):
    token = sandbox.token()
    sandbox.fault({"close_on_reuse": True, "reset": reset})
    connection = sandbox.connect()
    accepted(sandbox.send_text(token, connection=connection))
    with pytest.raises(http.client.RemoteDisconnected if not reset else ConnectionResetError):
        sandbox.send_text(token, connection=connection)
    entries = sandbox.ledger(api=CUSTOM)
    assert [e["outcome"] for e in entries] == ["accepted", "closed"]
    assert entries[0]["connection"] == entries[1]["connection"]
    assert [e["request_on_connection"] for e in entries] == [1, 2]
    assert len(sandbox.chat()) == 1


def test_U08_idle_connections_are_closed(sandbox):
    token = sandbox.token()
    sandbox.fault({"idle_close_ms": 100})
    connection = sandbox.connect()
    accepted(sandbox.send_text(token, connection=connection))
    assert connection.sock.recv(1) == b""
    assert len(sandbox.chat()) == 1


def raw_send(sandbox, token, more=""):
    body = json.dumps({"touser": ALICE, "msgtype": "text", "text": {"content": "a"}})
    target = sandbox.path(CUSTOM, token)
    return sandbox.raw(
        f"POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
    )


def test_U09_odd_forms_of_a_good_answer(sandbox):
    token = sandbox.token()
    good = b'{"errcode":0,"errmsg":"ok"}'
    sandbox.fault({"http10": True}, times=1)
    assert raw_send(sandbox, token).startswith(b"HTTP/1.0 200 OK\r\n")
    sandbox.fault({"chunked": True}, times=1)
    answer = raw_send(sandbox, token)
    assert b"Transfer-Encoding: chunked\r\n" in answer and answer.endswith(b"\r\n0\r\n\r\n")
    sandbox.fault({"bom": True}, times=1)
    assert raw_send(sandbox, token).endswith(b"\r\n\r\n\xef\xbb\xbf" + good)
    sandbox.fault({"content_type": "text/plain", "connection_close": True}, times=1)
    answer = raw_send(sandbox, token)
    assert b"Content-Type: text/plain\r\n" in answer and b"Connection: close\r\n" in answer
    assert answer.endswith(good)
    sandbox.fault({"raw_answer": "{}", "count": True}, times=1)
    assert raw_send(sandbox, token).endswith(b"\r\n\r\n{}")
    assert len(sandbox.chat()) == 5


def test_U10_endless_answers_and_endless_headers(sandbox):
    token = sandbox.token()
    sandbox.fault({"endless": True}, times=1)
    with socket.create_connection(("127.0.0.1", sandbox.port), 10) as sock:
        body = b"{}"
        target = sandbox.path(CUSTOM, token)
        sock.sendall(f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n".encode() + body)
        got = b""
        while len(got) < 5 << 20:
            got += sock.recv(1 << 20)
    assert b"Content-Length: 1073741824\r\n" in got[:500]
    sandbox.fault({"header_lines": 10000}, times=1)
    assert raw_send(sandbox, token).count(b"\r\nX-Sandbox-Filler-") == 10000
    accepted(sandbox.send_text(token))


def test_U11_dripped_answers(sandbox):
    token = sandbox.token()
    sandbox.fault({"drip_ms": 1}, times=1)
    started = time.monotonic()
    assert raw_send(sandbox, token).endswith(b'{"errcode":0,"errmsg":"ok"}')
    assert time.monotonic() - started > 0.1


def test_U12_redirects(sandbox):
    token = sandbox.token()
    sandbox.fault({"location": "http://127.0.0.1:1/elsewhere"}, times=1)
    answer = raw_send(sandbox, token)
    assert answer.startswith(b"HTTP/1.1 302 Found\r\n")
    assert b"\r\nLocation: http://127.0.0.1:1/elsewhere\r\n" in answer
    assert sandbox.chat() == []


def test_A14_retry_after_is_a_header_of_the_answer(sandbox):
    token = sandbox.token()
    sandbox.fault({"http_status": 429, "retry_after": "120"}, times=1)
    answer = raw_send(sandbox, token)
    assert answer.startswith(b"HTTP/1.1 429 Too Many Requests\r\n") and b"\r\nRetry-After: 120\r\n" in answer
    assert b"Retry-After" not in raw_send(sandbox, token)
    assert len(sandbox.chat()) == 1


def test_U13_gzip_bombs(sandbox):
    token = sandbox.token()
    sandbox.fault({"gzip_bomb": True}, times=1)
    answer = raw_send(sandbox, token)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    inflater = zlib.decompressobj(31)
    size = 0
    while not inflater.eof:
        piece = inflater.decompress(body, 1 << 24)
        body = inflater.unconsumed_tail
        assert piece.count(0) == len(piece)
        size += len(piece)
    assert size == 1 + 258 * 4161800


def test_U15_raw_bytes(sandbox):
    token = sandbox.token()
    sandbox.fault({"raw_answer_base64": "eyJhIjoi/wEifQ=="}, api="/cgi-bin/user/info", times=1)
    _, data = sandbox.request("GET", sandbox.path("/cgi-bin/user/info", token, openid=ALICE))
    assert data == b'{"a":"\xff\x01"}'


def test_faults_leave_the_control_api_alone(sandbox):
    sandbox.fault({"close": "before_read"}, api="*")
    assert len(sandbox.control("faults")["faults"]) == 1
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        sandbox.classic()


# --- ledger, wait, chat ---------------------------------------------------------------------------------------------


def test_the_ledger_holds_all_and_no_secret(sandbox):
    token = sandbox.token()
    sandbox.classic()
    sandbox.send_text(token, "甲")
    sandbox.send_text("92_" + "x" * 50, "乙")
    entries = sandbox.ledger()
    assert [e["api"] for e in entries] == ["/cgi-bin/stable_token", "/cgi-bin/token", CUSTOM, CUSTOM]
    assert [e["errcode"] for e in entries] == [0, 0, 0, 40001]
    assert entries[2]["body"]["text"]["content"] == "甲"
    assert entries[2]["token_sha8"] == hashlib.sha256(token.encode()).hexdigest()[:8]
    assert entries[2]["headers"]["host"].startswith("127.0.0.1")
    assert [e["seq"] for e in sandbox.ledger(content="甲")] == [entries[2]["seq"]]
    text = json.dumps(entries)
    assert token not in text and SECRET not in text
    assert [e["seq"] for e in sandbox.ledger(after_seq=entries[1]["seq"])] == [
        entries[2]["seq"],
        entries[3]["seq"],
    ]


def test_a_body_that_never_comes_is_in_the_ledger(sandbox):
    with socket.create_connection(("127.0.0.1", sandbox.port), 10) as sock:
        sock.sendall(f"POST {CUSTOM} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12".encode())
    waited = sandbox.control(f"wait?api={CUSTOM}&timeout_ms=5000")
    assert waited["reached"] and sandbox.ledger(api=CUSTOM)[0]["outcome"] == "incomplete"


def test_wait_ends_with_the_arrival_or_the_time(sandbox):
    token = sandbox.token()
    results = queue.Queue()
    waiter = threading.Thread(
        target=lambda: results.put(sandbox.control(f"wait?api={CUSTOM}&count=2&timeout_ms=10000"))
    )
    waiter.start()
    sandbox.send_text(token)
    assert results.empty()
    sandbox.send_text(token)
    assert results.get(timeout=5) == {"reached": True, "count": 2}
    waiter.join()
    late = sandbox.control(f"wait?api={CUSTOM}&count=3&timeout_ms=50")
    assert late == {"reached": False, "count": 2}


def test_the_chat_as_text(sandbox):
    sandbox.send_text(sandbox.token(), "你好")
    status, data = sandbox.request("GET", f"/sandbox/chat?openid={ALICE}&format=text")
    assert status == 200 and ALICE in data.decode() and "[text] 你好" in data.decode()


def test_help_and_unknown_control_paths(sandbox):
    status, data = sandbox.request("GET", "/sandbox/")
    assert status == 200 and b"/sandbox/faults" in data
    assert sandbox.request("GET", "/sandbox/nothing")[0] == 404
    assert sandbox.request("DELETE", "/sandbox/ledger")[0] == 405
    assert sandbox.request("POST", "/sandbox/clock", "[]")[0] == 400


def test_pipelined_requests_are_answered_in_order(sandbox):
    token = sandbox.token()
    one = f"GET {sandbox.path('/cgi-bin/user/info', token, openid=ALICE)} HTTP/1.1\r\nHost: x\r\n"
    two = f"GET {sandbox.path('/cgi-bin/user/info', token, openid=BOBBY)} HTTP/1.1\r\nHost: x\r\n"
    answer = sandbox.raw((one + "\r\n" + two + "Connection: close\r\n\r\n").encode())
    assert answer.index(ALICE.encode()) < answer.index(BOBBY.encode())


def test_five_hundred_connections_at_once(sandbox):
    token = sandbox.token()
    sandbox.fault({"delay_before_ms": 1000}, api="/cgi-bin/user/info")
    target = sandbox.path("/cgi-bin/user/info", token, openid=ALICE)
    request = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        socks = [
            stack.enter_context(socket.create_connection(("127.0.0.1", sandbox.port), 10))
            for _ in range(500)
        ]
        for sock in socks:
            sock.sendall(request)
        for sock in socks:
            assert sock.makefile("rb").read().startswith(b"HTTP/1.1 200 ")
    counters = sandbox.control("counters")
    assert counters["connections"]["peak"] >= 500 and counters["in_flight_peak"] >= 500


# --- callbacks ------------------------------------------------------------------------------------------------------


def test_V1_verification(sandbox, receiver):
    receiver.answer = lambda request: (200, request["query"]["echostr"].encode())
    answer = sandbox.control(
        "verify",
        {"timestamp": "1714036504", "nonce": "1514711492", "echostr": "4375120948345356249"},
    )
    assert answer["ok"] and answer["status"] == 200
    request = receiver.next()
    assert request["method"] == "GET" and request["path"] == "/wechat/callback/main"
    assert request["query"] == {
        "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696",
        "timestamp": "1714036504",
        "nonce": "1514711492",
        "echostr": "4375120948345356249",
    }
    receiver.answer = lambda request: (200, b'"' + request["query"]["echostr"].encode() + b'"')
    assert not sandbox.control("verify", {})["ok"]


def test_V2_a_pushed_message(sandbox, receiver):
    answer = sandbox.control(
        "message",
        {
            "openid": ALICE,
            "content": "a]]>b",
            "timestamp": "1714037059",
            "nonce": "486452656",
            "msg_id": 23456789012345678,
            "create_time": 1348831860,
        },
    )
    assert answer["push"]["status"] == 200 and answer["push"]["reply"] == "success"
    request = receiver.next()
    assert request["query"] == {
        "signature": "899cf89e464efb63f54ddac96b0a0a235f53aa78",
        "timestamp": "1714037059",
        "nonce": "486452656",
        "openid": ALICE,
    }
    assert request["content_type"] == "text/xml"
    assert request["body"].decode() == (
        "<xml><ToUserName><![CDATA[gh_sandbox000001]]></ToUserName>"
        f"<FromUserName><![CDATA[{ALICE}]]></FromUserName><CreateTime>1348831860</CreateTime>"
        "<MsgType><![CDATA[text]]></MsgType>"
        "<Content><![CDATA[a]]]]><![CDATA[>b]]></Content><MsgId>23456789012345678</MsgId></xml>"
    )


def test_follow_is_signed_with_the_present_time(sandbox, receiver):
    answer = sandbox.control("follow", {"scene": "42", "repeat": 2})
    first, second, third = receiver.next(), receiver.next(), receiver.next()
    assert first["query"] == second["query"] == third["query"]
    assert first["body"] == second["body"] == third["body"]
    query = first["query"]
    assert query["signature"] == signature("AAAAA", query["timestamp"], query["nonce"])
    assert abs(int(query["timestamp"]) - time.time()) < 30
    assert b"<Event><![CDATA[subscribe]]></Event>" in first["body"]
    assert b"<EventKey><![CDATA[qrscene_42]]></EventKey><Ticket>" in first["body"]
    assert query["openid"] == answer["openid"] and len(answer["pushes"]) == 3
    assert sandbox.user_info(sandbox.token(), answer["openid"])["qr_scene"] == 42


def reply_xml(request, content):
    body = request["body"].decode()
    to = re.search(r"<ToUserName><!\[CDATA\[(.*?)\]\]>", body).group(1)
    sender = re.search(r"<FromUserName><!\[CDATA\[(.*?)\]\]>", body).group(1)
    return (
        f"<xml><ToUserName><![CDATA[{sender}]]></ToUserName><FromUserName><![CDATA[{to}]]></FromUserName>"
        f"<CreateTime>1348831861</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content>{content}</Content></xml>"
    ).encode()


def test_passive_replies_reach_the_chat(sandbox, receiver):
    receiver.answer = lambda r: (200, reply_xml(r, "<![CDATA[谢谢 a]]]]><![CDATA[>b]]>"))
    answer = sandbox.control("message", {"openid": ALICE, "content": "在吗"})
    assert answer["push"]["reply"] == "text"
    lines = [(line["direction"], line["kind"], line["text"]) for line in sandbox.chat(openid=ALICE)]
    assert lines == [("from_user", "text", "在吗"), ("to_user", "passive_reply", "谢谢 a]]>b")]


def test_bad_answers_show_as_a_failure_of_the_service(sandbox, receiver):
    for status, body in [(200, b'{"ok":true}'), (500, b""), (200, b"<xml></xml>")]:
        sandbox_answer = (status, body)
        receiver.answer = lambda request, answer=sandbox_answer: answer
        sandbox.control("message", {"openid": ALICE, "content": "?"})
        assert sandbox.chat(openid=ALICE)[-1]["kind"] == "service_failure"
    receiver.answer = lambda request: (200, b"")
    assert sandbox.control("message", {"openid": ALICE, "content": "?"})["push"]["reply"] == "empty"


def test_a_slow_endpoint_is_given_up_and_asked_three_times_when_told(sandbox, receiver):
    hold = threading.Event()

    def slow(_):
        hold.wait(10)
        return 200, b"success"

    receiver.answer = slow
    answer = sandbox.control(
        "message", {"openid": ALICE, "content": "?", "time_limit_ms": 100, "retry": True}
    )
    hold.set()
    assert len(answer["pushes"]) == 3
    assert answer["push"]["error"] == "no answer within the time limit"


def test_events_with_fields_of_all_shapes(sandbox, receiver):
    sandbox.control(
        "event",
        {
            "openid": ALICE,
            "event": "TEMPLATESENDJOBFINISH",
            "fields": {"MsgID": 3717005636572528642, "Status": "failed: system failed"},
        },
    )
    assert receiver.next()["body"].endswith(
        b"<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event><MsgID>3717005636572528642</MsgID>"
        b"<Status><![CDATA[failed: system failed]]></Status></xml>"
    )
    sandbox.control(
        "event",
        {"openid": ALICE, "event": "x", "fields": {"W": {"List": [{"A": "1"}, {"A": "2"}]}}},
    )
    assert (
        b"<W><List><A><![CDATA[1]]></A></List><List><A><![CDATA[2]]></A></List></W>"
        in receiver.next()["body"]
    )


def test_bad_signatures_and_raw_bodies_on_demand(sandbox, receiver):
    sandbox.control("push", {"openid": ALICE, "body": "<!DOCTYPE x>", "signature": "0" * 40})
    request = receiver.next()
    assert request["body"] == b"<!DOCTYPE x>" and request["query"]["signature"] == "0" * 40


def test_no_callback_url_is_said_so(sandbox):
    answer = sandbox.control("follow", {"openid": "oNew"})
    assert "no callback URL" in answer["push"]["error"]
    accepted(sandbox.user_info(sandbox.token(), "oNew"))


# --- the program ----------------------------------------------------------------------------------------------------


def test_an_account_from_flags():
    sandbox = Sandbox("--app-id", "wxflags", "--app-secret", "s", "--user", "oA", "--user", "oB")
    try:
        token = sandbox.token(app="wxflags", secret="s")
        accepted(sandbox.send_text(token, openid="oA"))
        accepted(sandbox.send_template(token, openid="oB"))
        sandbox.control("reset", {})
        refused(sandbox.send_text(token, openid="oA"), 40001)
        assert sandbox.control("accounts")["accounts"][0]["app_id"] == "wxflags"
    finally:
        sandbox.stop()


def test_callback_settings_from_flags():
    key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
    flags = ["--callback-mode", "safe", "--encoding-aes-key", key, "--callback-format", "json", "--callback-retry"]
    sandbox = Sandbox(*flags)
    try:
        account = sandbox.control("accounts")["accounts"][0]
        shown = (account["callback_mode"], account["callback_format"], account["callback_retry"])
        assert shown == ("safe", "json", True) and account["app_id"] == APP
    finally:
        sandbox.stop()
    for wrong in (flags[:2], ["--encoding-aes-key", "short"], ["--callback-mode", "secret"], ["--callback-format", "yaml"]):
        done = subprocess.run([binary(), "--listen", "127.0.0.1:0", *wrong], capture_output=True, text=True)
        assert done.returncode == 2 and wrong[0] in done.stderr, done
        assert "->" not in done.stderr, "numbers of an enum are nobody's business"


def test_accounts_from_a_file(tmp_path):
    config = tmp_path / "accounts.json"
    account = {
        "app_id": "wxfile",
        "app_secret": "s",
        "users": [{"openid": "oF"}],
        "templates": [{"template_id": "t1", "title": "t", "content": "{{thing1.DATA}}"}],
    }
    config.write_text(json.dumps({"accounts": [account, {**account, "app_id": "wxfile2"}]}))
    sandbox = Sandbox("--config", str(config))
    try:
        token = sandbox.token(app="wxfile2", secret="s")
        data = {"thing1": {"value": "a"}}
        accepted(sandbox.send_template(token, data, openid="oF", template_id="t1"))
    finally:
        sandbox.stop()
    config.write_text('{"accounts":[{"app_id":"wx","app_secret":"s","colour":1}]}')
    done = subprocess.run(
        [binary(), "--listen", "127.0.0.1:0", "--config", str(config)], capture_output=True, text=True
    )
    assert done.returncode == 2 and "colour" in done.stderr


def test_https(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )
    import ssl

    sandbox = Sandbox("--tls-cert", str(cert), "--tls-key", str(key))
    try:
        context = ssl.create_default_context(cafile=str(cert))
        connection = http.client.HTTPSConnection("127.0.0.1", sandbox.port, timeout=10, context=context)
        connection.request("GET", "/sandbox/accounts")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        sandbox.stop()


def test_help_and_wrong_flags():
    version = subprocess.run([binary(), "--version"], capture_output=True, text=True)
    assert version.returncode == 0 and re.fullmatch(r"hongyan-sandbox \d+\.\d+\.\d+\n", version.stdout)
    done = subprocess.run([binary(), "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "wxsandbox00000001" in done.stdout
    assert "ENUM" not in done.stdout and "->" not in done.stdout and "{plain,compatible,safe}" in done.stdout
    assert r"chunked bodies, \u escapes, unknown" in done.stdout
    for wrong in (["--nonsense"], ["--listen"], ["--config", "/nonexistent"], ["--tls-cert", binary()], ["more"]):
        done = subprocess.run([binary(), *wrong], capture_output=True, text=True)
        assert done.returncode == 2 and done.stderr, done
    busy = subprocess.run([binary(), "--listen", "nowhere"], capture_output=True, text=True)
    assert busy.returncode == 2 and "--listen nowhere" in busy.stderr


def test_the_commands_of_the_readme_work():
    sandbox = Sandbox()
    try:
        run_readme(sandbox)
    finally:
        sandbox.stop()


def run_readme(sandbox):
    readme = (pathlib.Path(__file__).parent / "README.md").read_text()
    commands = [line for line in readme.splitlines() if line.startswith("curl ")]
    assert len(commands) > 30
    environment = {**os.environ, "TOKEN": sandbox.token()}
    for command in commands:
        command = command.replace("127.0.0.1:8900", f"127.0.0.1:{sandbox.port}")
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, env=environment, timeout=30
        )
        assert done.returncode == 0 and done.stdout, command
        wrong = '"error":"' in done.stdout.replace('"error":""', "")
        pushes = "connect: Connection refused" in done.stdout or "no callback URL" in done.stdout
        assert not wrong or pushes, (command, done.stdout)
        if "/cgi-bin/" in command and "/sandbox/" not in command:
            assert json.loads(done.stdout).get("errcode", 0) == 0, (command, done.stdout)
