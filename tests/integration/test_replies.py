"""What users are answered: by the rules of the configuration, and by a microservice of one's own.

The sandbox opens and judges every reply by itself; here its XML or JSON is read by Python's own parsers.
"""

import concurrent.futures
import json
import signal
import time
import xml.etree.ElementTree as ElementTree

import grpc
import pytest

from certificates import Authority
from sandbox_process import CUSTOM
from signed_push import AES_KEY
from timing import LIMIT, SCALE, Stopwatch, eventually

HOSTILE = "a]]>b <a href=\"x\">&amp; \"引号\" \\ 🎉\n换行</a>]]>"

# As long as WeChat takes it, in bytes.
LONG = HOSTILE * 100
LONG = LONG.encode()[:2048].decode(errors="ignore")
LONG += "." * (2048 - len(LONG.encode()))

# Name → the reply as the configuration and HandleEventResponse have it, WeChat's MsgType, and what the user's phone gets.
KINDS = {
    "text": ({"content": HOSTILE}, "text", {"Content": HOSTILE}),
    "text of 2 KB": ({"content": LONG}, "text", {"Content": LONG}),
    "image": ({"media_id": "M_image-1"}, "image", {"Image": {"MediaId": "M_image-1"}}),
    "voice": ({"media_id": "M_voice-1"}, "voice", {"Voice": {"MediaId": "M_voice-1"}}),
    "video": ({"media_id": "M_video", "title": HOSTILE, "description": "说明"}, "video",
              {"Video": {"MediaId": "M_video", "Title": HOSTILE, "Description": "说明"}}),
    "music": ({"thumb_media_id": "M_thumb", "title": "曲", "music_url": "https://e.com/m?a=1&b=2"}, "music",
              {"Music": {"Title": "曲", "MusicUrl": "https://e.com/m?a=1&b=2", "ThumbMediaId": "M_thumb"}}),
    "news": ({"title": "标题 ]]>", "description": "说明", "url": "https://e.com/?a=1&b=2", "picture_url": "https://e.com/p.png"},
             "news", {"ArticleCount": 1, "Articles": [{"Title": "标题 ]]>", "Description": "说明",
                                                       "PicUrl": "https://e.com/p.png", "Url": "https://e.com/?a=1&b=2"}]}),
    "transfer": ({"kf_account": "test1@kftest"}, "transfer_customer_service",
                 {"TransInfo": {"KfAccount": "test1@kftest"}}),
}
# How long the sandbox waits for a reply that takes its time, in milliseconds: a minute is its longest.
PATIENCE = min(int(LIMIT * 1000), 60_000)
FORMS = {"plain xml": ("plain", "xml"), "safe xml": ("safe", "xml"), "safe json": ("safe", "json"), "plain json": ("plain", "json")}


def read_reply(text):
    """The reply as nested values, from either form."""
    if text.startswith("{"):
        return json.loads(text)

    def value(element):
        if element.tag == "Articles":
            return [value(item) for item in element]
        if len(element):
            return {child.tag: value(child) for child in element}
        return int(element.text) if element.tag in ("CreateTime", "ArticleCount") else element.text or ""

    return value(ElementTree.fromstring(text))


def begin(start, account, mode="plain", form="xml", **account_config):
    callback = {"token": account.callback_token, "mode": mode}
    if mode != "plain":
        callback["encoding_aes_key"] = AES_KEY
    service = start({"main": account}, account_config={"main": {"callback": callback, **account_config}})
    account.change(callback={"url": service.callback_url + "main", "format": form, **callback})
    return service


def with_handler(start, account, handler, timeout="4s", mode="plain", form="xml", replies=None, **more):
    handler_config = {"target": handler if isinstance(handler, str) else handler.address, "timeout": timeout, **more}
    return begin(start, account, mode, form, handler=handler_config, **({"replies": replies} if replies else {}))


@pytest.fixture
def user(account):
    return account.user()


def say(account, user, content="你好", **more):
    return account.post("message", openid=user, content=content, **more)["push"]


def outcomes(service, outcome):
    return service.metric("hongyan_handler_calls_total", account="main", outcome=outcome)


def handler_lines(service, count):
    """The log's lines about calls to the handler, once there are so many."""
    def complete():
        found = service.log(event="handler called")
        return found if len(found) >= count else None

    return eventually(complete, what="log lines")


# --- rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode, form", FORMS.values(), ids=FORMS.keys())
def test_X17_every_kind_of_configured_reply_is_one_that_WeChat_takes(start, account, user, mode, form):
    replies = [{"on": "text", "match": f"^{kind}$",
                "text" if msg_type == "text" else kind: reply["content"] if msg_type == "text" else reply}
               for kind, (reply, msg_type, _) in KINDS.items()]
    begin(start, account, mode, form, replies=replies)
    for kind, (_, msg_type, expected) in KINDS.items():
        push = say(account, user, kind)
        assert push["reply"] == msg_type and push["reply_error"] == "", (kind, push)
        found = read_reply(push.get("decrypted") or push["body"])
        assert found.pop("ToUserName") == user and found.pop("FromUserName") == account.original_id
        assert abs(found.pop("CreateTime") - time.time()) < 60
        assert found.pop("MsgType") == msg_type
        assert found == expected, kind


def test_rules_match_by_type_key_and_text(start, account, user):
    begin(start, account, replies=[
        {"on": "click", "event_key": "MENU_1", "text": "一"},
        {"on": "click", "match": "^MENU_", "image": {"media_id": "M"}},
        {"on": "scan", "event_key": "42", "news": {"title": "t", "url": "https://e.com"}},
        {"on": "image", "transfer": {}},
        {"on": "scancode_push", "text": "扫"}])

    def event(name, key=""):
        return account.post("event", openid=user, event=name, event_key=key)["push"]["reply"]

    assert event("CLICK", "MENU_1") == "text" and account.texts(user) == ["一"]
    assert event("CLICK", "MENU_12") == "image"
    assert event("CLICK", "menu_1") == "success"
    assert event("SCAN", "42") == "news"
    assert event("SCAN", "421") == "success"
    assert account.post("message", openid=user, type="image")["push"]["reply"] == "transfer_customer_service"


# --- the handler ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode, form", FORMS.values(), ids=FORMS.keys())
def test_X17_every_kind_of_the_handlers_reply_is_one_that_WeChat_takes(start, account, user, handler, mode, form):
    service = with_handler(start, account, handler, mode=mode, form=form)
    for kind, (reply, msg_type, expected) in KINDS.items():
        handler.replies(**{"text" if msg_type == "text" else kind: reply})
        push = say(account, user, kind)
        assert push["reply"] == msg_type and push["reply_error"] == "", (kind, push)
        found = read_reply(push.get("decrypted") or push["body"])
        assert {name: found[name] for name in expected} == expected, kind
    assert outcomes(service, "replied") == len(KINDS)
    assert service.metric("hongyan_handler_seconds_count", account="main") == len(KINDS)


def test_the_handler_gets_the_very_event_that_is_recorded(start, account, user, handler, api):
    service = with_handler(start, account, handler)
    say(account, user, HOSTILE)
    account.post("event", openid=user, event="CLICK", event_key="MENU_1")
    asked = [handler.next_call() for _ in range(2)]
    recorded = service.api.events_rpc.EventServiceStub(service.channel).ListEvents(
        api.events.ListEventsRequest(), timeout=LIMIT).events
    assert [request.event for request, _ in asked] == list(recorded)
    assert asked[0][0].event.text.content == HOSTILE and asked[0][0].event.openid == user
    assert asked[1][0].event.click.event_key == "MENU_1"
    assert asked[1][0].event.cursor > asked[0][0].event.cursor > 0
    logged = handler_lines(service, 2)
    assert [line["request_id"] for line in logged] == [metadata["x-request-id"] for _, metadata in asked]
    assert not any("authorization" in metadata for _, metadata in asked)
    assert HOSTILE[:3] not in service.stderr and user not in service.stderr


def test_rules_come_first_and_the_handler_gets_what_it_wants(start, account, user, handler):
    handler.replies(text={"content": "来自服务"})
    with_handler(start, account, handler, on=["text", "click"], replies=[{"on": "text", "match": "帮助", "text": "规则"}])
    say(account, user, "帮助")
    say(account, user, "别的")
    assert account.post("event", openid=user, event="VIEW", event_key="u")["push"]["reply"] == "success"
    assert account.texts(user) == ["规则", "来自服务"]
    assert handler.next_call()[0].event.text.content == "别的" and handler.no_more_calls()


def test_no_reply_is_success(start, account, user, handler):
    service = with_handler(start, account, handler)
    assert say(account, user)["reply"] == "success"
    assert outcomes(service, "empty") == 1


def test_X12_repeats_call_the_handler_once_and_are_answered_alike(start, account, user, handler):
    handler.replies(text={"content": "一次"})
    with_handler(start, account, handler)
    answer = account.post("message", openid=user, content="x", repeat=2)
    assert [push["reply"] for push in answer["pushes"]] == ["text"] * 3
    assert handler.next_call() and handler.no_more_calls()


def test_after_a_restart_repeats_are_not_handled_again(start, account, user, handler):
    handler.replies(text={"content": "一次"})
    service = with_handler(start, account, handler)
    message = {"openid": user, "content": "x", "msg_id": 4711, "create_time": int(time.time())}
    first = account.post("message", **message)["push"]
    assert first["reply"] == "text"
    service.process.send_signal(signal.SIGKILL)
    service.process.wait(LIMIT)
    service.start()
    callback = {"token": account.callback_token, "mode": "plain", "url": service.callback_url + "main"}
    account.change(callback=callback)
    assert account.post("message", **message)["push"]["reply"] == "success"
    assert handler.next_call() and handler.no_more_calls()


def test_many_events_at_once_are_each_answered(start, account, handler):
    def echo(request, context):
        return handler.api.handler.HandleEventResponse(text={"content": "答" + request.event.text.content})

    handler.answer = echo
    service = with_handler(start, account, handler)
    users = [account.user() for _ in range(8)]

    def talk(user):
        for i in range(40):
            assert say(account, user, f"{i}")["reply"] == "text"
        return account.texts(user)

    with concurrent.futures.ThreadPoolExecutor(len(users)) as pool:
        for texts in pool.map(talk, users):
            assert texts == [f"答{i}" for i in range(40)]
    eventually(lambda: outcomes(service, "replied") == 320, what="counted")


def test_tls_in_both_directions(start, start_handler, account, user, tmp_path):
    authority = Authority(tmp_path, "ca")
    certificate, key = authority.issue("server")
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())], authority.ca.read_bytes(),
                                              True)
    handler = start_handler(credentials=credentials)
    handler.replies(text={"content": "加密"})
    certificate, key = authority.issue("client")
    tls = {"ca_file": str(authority.ca), "cert_file": str(certificate), "key_file": str(key)}
    with_handler(start, account, handler, tls=tls)
    assert say(account, user)["reply"] == "text"
    stranger = account.sandbox.new_account()
    with_handler(start, stranger, handler, tls={"ca_file": tls["ca_file"]})
    assert say(stranger, stranger.user())["reply"] == "success", "the handler wants a certificate"


def test_a_handler_at_a_unix_socket(start, start_handler, account, user, tmp_path):
    handler = start_handler(f"unix:{tmp_path}/bot.sock")
    handler.replies(text={"content": "本机"})
    with_handler(start, account, f"unix:{tmp_path}/bot.sock")
    assert say(account, user)["reply"] == "text"


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_G21_a_handler_that_is_down_costs_nothing(start, start_handler, account, user):
    gone = start_handler()
    gone.stop()
    service = with_handler(start, account, gone)
    stopwatch = Stopwatch()
    pushes = [say(account, user, f"{i}") for i in range(3)]
    assert all(push["reply"] == "success" for push in pushes) and stopwatch.seconds() < 3 * 2 * SCALE
    eventually(lambda: outcomes(service, "failed") == 3, what="counted")
    back = start_handler(gone.address)
    back.replies(text={"content": "又来了"})
    eventually(lambda: say(account, user, f"{time.monotonic()}")["reply"] == "text", what="reached again")


def test_G21_a_slow_handler_is_success_within_its_time(start, account, user, handler):
    handler.says_when_released("太晚")
    limit = int(min(1000 * SCALE, 4000))  # the call has to reach the handler within it
    service = with_handler(start, account, handler, timeout=f"{limit}ms")
    push = say(account, user, time_limit_ms=PATIENCE)
    assert push["reply"] == "success" and push["elapsed_ms"] >= limit
    assert handler.ended.get(timeout=LIMIT) > 0, "the call is ended too"
    handler.release.set()
    eventually(lambda: outcomes(service, "late") == 1, what="counted")
    assert account.texts(user) == [] and account.arrivals(CUSTOM) == 0


def test_X17_a_reply_after_WeChats_five_seconds_is_success_before_them(start, account, user, handler):
    handler.says_when_released("太晚")
    with_handler(start, account, handler, timeout="4500ms")
    # A sanitizer, or a busy machine, may take longer than the half second that is left.
    stopwatch = Stopwatch()
    push = say(account, user, time_limit_ms=PATIENCE)
    assert push["status"] == 200 and push["reply"] == "success" and push["elapsed_ms"] >= 4500
    assert stopwatch.seconds() < 5 or SCALE > 1


@pytest.mark.parametrize("answer, outcome", [
    (b"\xff\xff\xff\xff", "invalid"), (b"\x0a\x04\x0a\x02\xff\xfe", "invalid"), ("big", "failed"), ("error", "failed"),
    ({"text": {"content": ""}}, "invalid"), ({"text": {"content": "x" * 2049}}, "invalid"),
    ({"image": {}}, "invalid"), ({"news": {"title": "t", "url": "javascript:alert(1)"}}, "invalid")],
    ids=["garbage", "not UTF-8", "1 MB", "error", "empty text", "long text", "no media", "wrong url"])
def test_G21_answers_that_are_none(start, account, user, handler, answer, outcome):
    service = with_handler(start, account, handler)

    def fails(request, context):
        context.abort(grpc.StatusCode.INTERNAL, "Planted 你好")

    if answer == "big":
        handler.replies(text={"content": "Planted" * 150_000})
    elif answer == "error":
        handler.answer = fails
    elif isinstance(answer, bytes):
        handler.answer = lambda request, context: answer
    else:
        handler.replies(**answer)
    push = say(account, user)
    assert push["status"] == 200 and push["reply"] == "success"
    eventually(lambda: outcomes(service, outcome) == 1, what="counted")
    assert "Planted" not in service.stderr and "javascript" not in service.stderr
    if outcome == "invalid" and not isinstance(answer, bytes):
        [line] = handler_lines(service, 1)
        assert line["rule"].startswith(next(iter(answer)) + "."), line


def test_a_late_text_arrives_once_as_customer_service_message(start, account, user, handler):
    handler.says_when_released("抱歉久等 ]]>")
    service = with_handler(start, account, handler, timeout="300ms", late_reply_within="60s")
    answer = account.post("message", openid=user, content="x", repeat=1)
    assert [push["reply"] for push in answer["pushes"]] == ["success"] * 2
    assert account.arrivals(CUSTOM) == 0
    handler.release.set()
    account.wait(CUSTOM, 1, openid=user)
    eventually(lambda: outcomes(service, "late_sent") == 1, what="counted")
    assert account.texts(user) == ["抱歉久等 ]]>"] and account.arrivals(CUSTOM) == 1
    assert handler.next_call() and handler.no_more_calls()


def test_other_late_replies_are_dropped(start, account, user, handler):
    def answer(request, context):
        assert handler.release.wait(LIMIT)
        return handler.api.handler.HandleEventResponse(image={"media_id": "M"})

    handler.answer = answer
    service = with_handler(start, account, handler, timeout="300ms", late_reply_within="60s")
    assert say(account, user)["reply"] == "success"
    handler.release.set()
    eventually(lambda: outcomes(service, "late_dropped") == 1, what="counted")
    assert account.arrivals(CUSTOM) == 0


def test_a_drain_lets_calls_end_and_then_ends_them(start, account, user, handler):
    handler.says_when_released("最后一句")
    service = with_handler(start, account, handler, timeout="200ms", late_reply_within="60s")
    say(account, user)
    handler.next_call()
    service.process.send_signal(signal.SIGTERM)
    eventually(lambda: '"draining"' in service.stderr, what="drain")
    handler.release.set()
    account.wait(CUSTOM, 1, openid=user)
    service.ended()
    assert account.texts(user) == ["最后一句"]


def test_a_drain_does_not_wait_beyond_its_grace(api, start, account, user, handler):
    handler.says_when_released("")
    service = start({"main": account}, {"shutdown": {"delay": "0s", "grace": "300ms"}}, account_config={
        "main": {"handler": {"target": handler.address, "timeout": "200ms", "late_reply_within": "60s"}}})
    account.calls_back(service.callback_url + "main")
    say(account, user)
    handler.next_call()
    stopwatch = Stopwatch()
    service.stop()
    assert stopwatch.seconds() < 10 * SCALE
    assert handler.ended.get(timeout=LIMIT) > 0


def test_a_push_that_waits_when_the_grace_ends_is_success(start, account, user, handler):
    handler.says_when_released("")
    service = start({"main": account}, {"shutdown": {"delay": "0s", "grace": "300ms"}}, account_config={
        "main": {"handler": {"target": handler.address, "timeout": "4500ms"}}})
    account.calls_back(service.callback_url + "main")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pushed = pool.submit(say, account, user)
        handler.next_call()
        service.process.send_signal(signal.SIGTERM)
        push = pushed.result(LIMIT)
    assert push["status"] == 200 and push["body"] == "success"
    service.ended()
