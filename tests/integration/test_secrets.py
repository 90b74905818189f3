"""S01: planted secrets appear in no log, metric, answer or error, whatever happens, at the most verbose level.
S18: nothing that a stranger writes breaks a log line."""

import base64
import hashlib
import http.client
import itertools
import json
import re
import urllib.parse

import grpc
import pytest

from rpc_failure import Failure, failure
from sandbox_process import CLASSIC_TOKEN, CUSTOM, SHIPPED_DATA, TEMPLATE, TOKEN, USER
from timing import LIMIT, ONE_REPEAT, SCALE, eventually

ESCAPE = "\x1b]0;owned\x07\n\r{\"level\":\"error\"}"


def forms(secret):
    """How a secret might stand in a text; bytes are keys whose text is another secret."""
    raw = secret if isinstance(secret, bytes) else secret.encode()
    if isinstance(secret, str):
        yield secret
        for quoted in (urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)):
            yield quoted
            yield re.sub("%..", lambda escape: escape.group().lower(), quoted)
        yield json.dumps(secret)[1:-1]
        yield json.dumps(secret)[1:-1].replace("/", "\\/")
    # Inside a longer base64 text it may begin at any of three places; the edges depend on the neighbours.
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode()[4 if shift else 0:].rstrip("=")[:-2]
        yield encoded
        yield encoded.replace("+", "-").replace("/", "_")
    yield raw.hex()
    yield raw.hex().upper()
    yield hashlib.sha256(raw).hexdigest()


def found_in(text, secrets):
    return sorted({name for name, secret in secrets.items() for form in forms(secret) if form and form in text})


class Caller:
    """Makes calls that may fail, and keeps everything that their callers get to see."""

    def __init__(self):
        self.seen = []

    def __call__(self, function, *args, take=None, **kwargs):
        try:
            answer = function(*args, **kwargs)
            if hasattr(answer, "__next__"):
                self.seen.append(str(list(itertools.islice(answer, take))))
                answer.cancel()
            else:
                self.seen.append(str(answer))
        except grpc.RpcError as error:
            self.seen.append(Failure.of_error(error).everything() + str(error))


def every_rpc(service, account, api, call):
    openid = account.user()
    call(service.send_text, openid, "你好", timeout=ONE_REPEAT)
    call(service.send_template, openid, idempotency_key="k", timeout=ONE_REPEAT)
    call(service.send_template, openid, validate_only=True, timeout=ONE_REPEAT)
    call(service.user_info, openid, timeout=ONE_REPEAT)
    call(service.users_info, [openid], timeout=ONE_REPEAT)
    call(service.stub().SetTyping, api.pb.SetTypingRequest(openid=openid), timeout=ONE_REPEAT)
    call(service.stub().SendBatch, api.pb.SendBatchRequest(notifications=[
        api.pb.Notification(openid=openid, text=api.pb.Text(content="x"))]), timeout=ONE_REPEAT)
    call(service.stub().Enqueue, api.pb.EnqueueRequest(), timeout=ONE_REPEAT)
    call(service.stub().SendMessage, api.pb.SendMessageRequest(openid=openid), timeout=ONE_REPEAT)
    call(service.stub().SendSubscription, api.pb.SendSubscriptionRequest(openid=openid), timeout=ONE_REPEAT)
    subscribers, pb = api.subscribers_rpc.SubscriberServiceStub(service.channel), api.subscribers
    call(subscribers.SyncSubscribers, pb.SyncSubscribersRequest(), timeout=ONE_REPEAT)
    call(subscribers.ListSubscribers, pb.ListSubscribersRequest(), timeout=ONE_REPEAT)
    call(subscribers.ListSubscribers, pb.ListSubscribersRequest(page_token="???"), timeout=ONE_REPEAT)
    call(subscribers.GetSubscriber, pb.GetSubscriberRequest(openid=openid), timeout=ONE_REPEAT)
    call(subscribers.DeleteSubscriber, pb.DeleteSubscriberRequest(openid=openid), timeout=ONE_REPEAT)
    events, pb = api.events_rpc.EventServiceStub(service.channel), api.events
    call(events.ListEvents, pb.ListEventsRequest(), timeout=ONE_REPEAT)
    call(events.ListEvents, pb.ListEventsRequest(types=["none of them"]), timeout=ONE_REPEAT)
    call(events.WatchEvents, pb.WatchEventsRequest(after_cursor=-1), timeout=ONE_REPEAT)


def everything_that_can_happen(service, account, api, call):
    """Every RPC, every kind of failure."""
    openid = account.user()
    every_rpc(service, account, api, call)
    for effect in ({"errcode": -1}, {"errcode": 45009}, {"errcode": 99999}, {"http_status": 502},
                   {"close": "after_read"}, {"close": "after_read", "reset": True}, {"truncate": 5},
                   {"raw_answer": "<html>"}, {"location": "http://127.0.0.1:1/x"}):
        account.fault(effect, "*")
        call(service.send_text, openid, "你好", timeout=0.4 * SCALE)
        call(service.user_info, openid, timeout=0.4 * SCALE)
        call(service.send_template, openid, timeout=0.4 * SCALE)
        account.sandbox.clear_faults()
    for trouble in ("steal", "revoke", "expire"):
        account.post("tokens/" + trouble, **({"family": "stable"} if trouble == "steal" else {}))
        every_rpc(service, account, api, call)
    account.fault({"delay_after_ms": int(3000 * SCALE)}, openid=openid)
    call(service.send_text, openid, "spät", timeout=0.4 * SCALE)
    account.sandbox.clear_faults()


def calls_from_wechat(service, account, call, safe_keys):
    """Pushes of all kinds; in safe mode sealed with the current key, the previous one, and one that nobody knows."""
    user = account.user()
    forgeries = [{"signature": "0" * 40}]
    if safe_keys:
        forgeries += [{"msg_signature": "0" * 40}, {"encrypt": False},
                      *({"encoding_aes_key": key} for key in (*safe_keys, aes_key("a stranger")))]
    answers = [account.post("verify"), account.post("follow")]
    for how in ({}, *forgeries):
        answers += [account.post("message", openid=user, content=content, **how) for content in ("帮助", "转人工")]
    kinds = ["wrong_signature", "old_timestamp", "dtd", "oversized", *(["unencrypted", "truncated_cipher"]
                                                                        if safe_keys else [])]
    answers.append(account.post("garbage", kinds=kinds))
    status, body = service.http("/wechat/callback/main?signature=x&timestamp=1&nonce=2&echostr=3",
                                address=service.callback_address)
    events, pb = service.api.events_rpc.EventServiceStub(service.channel), service.api.events
    call(events.WatchEvents, pb.WatchEventsRequest(after_cursor=0), take=2, timeout=LIMIT)
    call(events.ListEvents, pb.ListEventsRequest(), timeout=LIMIT)
    # What the sandbox opened of sealed replies is its own doing.
    return [{key: value for key, value in push.items() if key != "decrypted"}
            for answer in answers for push in answer.get("pushes", [answer])] + [f"{status} {body}"]


def aes_key(of):
    """An EncodingAESKey of our own making: letters and digits."""
    keys = (base64.b64encode(hashlib.sha256(f"{of} {n}".encode()).digest()).decode()[:43] for n in itertools.count())
    return next(key for key in keys if key.isalnum())


@pytest.fixture
def overheard(start, sandbox, api, handler):
    """A service whose whole life is overheard: (what it said, its secrets)."""

    def live(config, path, mode):
        account = sandbox.new_account(token_length=60)
        account.callback_token = "CallbackT0ken" + account.app_id[-6:]
        # Characters that every form writes in another way.
        account.secret = 'S3cret+/=%"' + account.app_id[-6:]
        account.change(app_secret=account.secret)
        secrets = {"app_secret": account.secret, "callback token": account.callback_token}
        callback = {"token": account.callback_token, "mode": mode}
        if mode == "safe":
            for name in ("encoding_aes_key", "previous_encoding_aes_key"):
                callback[name] = secrets[name] = aes_key(name + account.app_id)
                secrets[name + ", decoded"] = base64.b64decode(callback[name] + "=")
        # Tokens of our own making, so that we know them; escaping matters in the URL.
        made = [f"92_T0ken+{i}/=%made{account.app_id}" for i in range(3)]
        for i, token in enumerate(made):
            secrets[f"token {i}"] = token
            account.fault({"raw_answer": json.dumps({"access_token": token, "expires_in": 7200})}, path, times=1)
        service = start(account, {"log": {"level": "trace"}, **config}, account_config={"main": {
            "callback": callback, "handler": {"target": handler.address},
            "replies": [{"on": "text", "match": "^帮助$", "text": "回复订单号"}]}})
        handler.replies(text={"content": "请稍候"})
        account.change(callback={"url": service.callback_url + "main", "token": account.callback_token, "mode": mode,
                                 **({"encoding_aes_key": secrets["encoding_aes_key"]} if mode == "safe" else {})})
        call, first = Caller(), account.user()
        call(service.send_text, first, "x")
        everything_that_can_happen(service, account, api, call)
        keys = [secrets[name] for name in ("encoding_aes_key", "previous_encoding_aes_key") if name in secrets]
        pushed = calls_from_wechat(service, account, call, keys)
        seen = call.seen + [str(push) for push in pushed]
        seen += [str(item) for item in handler.calls.queue]

        # The token endpoint quotes what it was sent: first as trouble that passes, then as one that stays.
        quoted = f"invalid appsecret {account.secret} or {urllib.parse.quote(account.secret, safe='')}"
        for errcode in (-1, 40125):
            eventually(lambda: service.http("/readyz") == (200, "ready\n"), what="a token")
            account.fault({"errcode": errcode, "errmsg": quoted}, path)
            account.post("tokens/revoke", family="stable" if path == TOKEN else "classic")
            met = Caller()
            every_rpc(service, account, api, met)
            met.seen += service.http("/readyz")[1:]
            assert "invalid appsecret (app_secret) or (app_secret)" in met.seen[0], met.seen[0]
            seen += met.seen
            account.sandbox.clear_faults()

        seen += [service.metrics(), *service.http("/readyz")[1:]]
        service.stop()
        seen += [service.stdout, service.stderr]
        # What the sandbox was told is proof that the secrets were really in use. It never issued these tokens, so it
        # can't say whose they are, but whom they wrote to.
        used = {entry["token_sha8"] for entry in sandbox.get("ledger", openid=first)["requests"]}
        assert hashlib.sha256(made[0].encode()).hexdigest()[:8] in used
        statuses = [push["status"] for push in pushed if isinstance(push, dict) and "status" in push]
        assert statuses.count(200) >= 4 and statuses.count(403) >= 2, statuses
        if mode == "safe":
            assert 400 in statuses, statuses  # sealed with a stranger's key
        assert handler.calls.qsize() >= (3 if mode == "safe" else 1)
        for each in account.sandbox.get("pushes", app_id=account.app_id)["pushes"]:
            for attempt in each["attempts"]:
                parts = sorted([account.callback_token, str(attempt["timestamp"]), str(attempt["nonce"])])
                secrets[f"signature of {each['id']}"] = hashlib.sha1("".join(parts).encode()).hexdigest()
        return service, "\n".join(seen), secrets

    return live


@pytest.mark.parametrize("config, path, mode", [
    ({}, TOKEN, "plain"), ({"wechat": {"token_endpoint": "classic"}}, CLASSIC_TOKEN, "plain"), ({}, TOKEN, "safe")],
    ids=["stable", "classic", "safe"])
@pytest.mark.seconds(22)
def test_S01_no_secret_leaves(overheard, config, path, mode):
    service, text, secrets = overheard(config, path, mode)
    assert found_in(text, secrets) == []
    assert "access_token=" not in text and "secret=" not in text and "signature=" not in text
    for wanted in ("40001", "40125", "OUTCOME_UNKNOWN", "QUOTA_EXHAUSTED", "access_token refused", "SUBSCRIBER_NOT_FOUND",
                   "handler called", "is no event type"):
        assert wanted in text, f"the paths were not taken: {wanted}"
    lines = [json.loads(line) for line in service.stderr.splitlines()]
    assert {line["level"] for line in lines} >= {"info", "warn"}


def test_S01_the_search_itself_finds_what_is_there():
    secrets = {"a": "Secret+/=%x1234567890"}
    assert found_in("nothing here", secrets) == []
    for text in ("x Secret+/=%x1234567890 y", "Secret%2B%2F%3D%25x1234567890", "Secret%2b%2f%3d%25x1234567890",
                 r"Secret+\/=%x1234567890", base64.b64encode(b"user:Secret+/=%x1234567890").decode(),
                 "53" + secrets["a"].encode().hex()[2:]):
        assert found_in(text, secrets) == ["a"], text
    key = base64.b64decode(aes_key("x") + "=")
    for text in (aes_key("x"), key.hex(), base64.urlsafe_b64encode(b"n" + key).decode()):
        assert found_in(text, {"key": key}) == ["key"], text


def test_S01_a_wrong_secret_and_an_unreachable_wechat_say_nothing_of_it(start, sandbox):
    account = sandbox.new_account()
    account.secret = "WrongS3cret-" + account.secret
    secrets = {"app_secret": account.secret, "callback token": account.callback_token}
    for url in (sandbox.url, "http://127.0.0.1:1"):
        for endpoint in ("stable", "classic"):
            service = start(account, {"log": {"level": "trace"},
                                      "wechat": {"api_urls": [url], "token_endpoint": endpoint}})
            told = failure(service.send_text, "oX", "x").everything() + service.http("/readyz")[1] + service.metrics()
            service.stop()
            assert found_in(told + service.stdout + service.stderr, secrets) == []


def test_S01_environment_of_libraries_writes_no_keys(start, account, tmp_path):
    keys = tmp_path / "keys"
    service = start(account, env={"SSLKEYLOGFILE": str(keys), "GRPC_VERBOSITY": "DEBUG", "GRPC_TRACE": "http"})
    service.send_text(account.user(), "x")
    service.stop()
    assert not keys.exists()
    assert found_in(service.stderr, {"app_secret": account.secret}) == []


def test_S18_escape_sequences_break_no_log_line(start, account, api):
    service = start(account, {"log": {"level": "trace"}})
    openid = account.user()
    failure(service.send_text, "o" + ESCAPE, "x")
    failure(service.send_text, openid, ESCAPE)
    failure(service.send_text, openid, "x", account=ESCAPE)
    failure(service.send_text, openid, "x", idempotency_key=ESCAPE)
    failure(service.send_text, openid, "x", kf_account=ESCAPE)
    failure(service.send_template, openid, template_id=ESCAPE)
    failure(service.send_template, openid, data={ESCAPE: ESCAPE})
    failure(service.send_template, openid, data={"thing1": ESCAPE})
    failure(service.send_template, openid, url="https://" + ESCAPE)
    failure(service.user_info, ESCAPE)
    failure(service.user_info, openid, lang=ESCAPE)
    failure(service.users_info, [ESCAPE])
    list(service.stub().SendBatch(api.pb.SendBatchRequest(notifications=[
        api.pb.Notification(openid=ESCAPE, text=api.pb.Text(content=ESCAPE), labels={ESCAPE: ESCAPE})])))
    for metadata in ((("x-request-id", "a b"),), (("traceparent", "x y" * 60),), (("x-odd", "~" * 500),)):
        service.send_text(openid, "x", metadata=metadata)
    account.fault({"errcode": 40164, "errmsg": "invalid ip " + ESCAPE}, CUSTOM)
    failure(service.send_text, openid, "x")
    account.fault({"http_status": 502, "body": ESCAPE}, TEMPLATE)
    failure(service.send_template, openid)
    account.fault({"raw_answer": ESCAPE, "content_type": "text/" + "x" * 300}, USER)
    failure(service.user_info, openid, timeout=ONE_REPEAT)
    account.calls_back(service.callback_url + "main")
    account.post("push", openid=openid, body=f"<xml><MsgType><![CDATA[{ESCAPE}]]></MsgType></xml>")
    account.post("message", openid=openid, content=ESCAPE)
    connection = http.client.HTTPConnection(service.callback_address, timeout=LIMIT)
    connection.request("GET", "/%1b%5d0;x%07" + urllib.parse.quote(ESCAPE), headers={"X-Odd": "\x1b[31m"})
    connection.getresponse().read()
    connection.close()
    service.stop()
    for line in service.stderr.splitlines():
        parsed = json.loads(line)
        assert line.isprintable(), line
        for value in parsed.values():
            assert len(str(value).encode()) <= 1024, line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", parsed["time"])


def test_S20_openids_and_contents_are_not_logged_at_info(start, account):
    service = start(account, {"log": {"level": "info"}})
    openid = account.user(remark="备注Canary")
    service.send_text(openid, "内容Canary")
    service.send_template(openid, data={**SHIPPED_DATA, "thing1": "值Canary"})
    service.user_info(openid)
    account.fault({"errcode": 43004}, "*")
    failure(service.send_text, openid, "内容Canary")
    failure(service.send_text, "oCanary中", "内容Canary")
    account.calls_back(service.callback_url + "main")
    account.sandbox.clear_faults()
    account.post("message", openid=openid, content="来信Canary")
    service.stop()
    assert openid not in service.stderr and "Canary" not in service.stderr
    assert "delivery" in service.stderr
