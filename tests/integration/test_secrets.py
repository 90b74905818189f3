"""S01: planted secrets appear in no log, metric, answer or error, whatever happens, at the most verbose level.
S18: nothing that a stranger writes breaks a log line."""

import base64
import hashlib
import http.client
import json
import re
import urllib.parse

import grpc
import pytest

from rpc_failure import Failure, failure
from sandbox_process import CLASSIC_TOKEN, CUSTOM, SHIPPED_DATA, TEMPLATE, TOKEN, USER
from timing import LIMIT

ESCAPE = "\x1b]0;owned\x07\n\r{\"level\":\"error\"}"


def forms(secret):
    """How a secret might stand in a text."""
    raw = secret.encode()
    yield secret
    yield urllib.parse.quote(secret, safe="")
    yield urllib.parse.quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    # Inside a longer base64 text it may begin at any of three places; the edges depend on the neighbours.
    for shift in range(3):
        yield base64.b64encode(b"\0" * shift + raw).decode()[4 if shift else 0:].rstrip("=")[:-2]
    yield raw.hex()
    yield hashlib.sha256(raw).hexdigest()


def found_in(text, secrets):
    return sorted({name for name, secret in secrets.items() for form in forms(secret) if form and form in text})


def everything_that_can_happen(service, account, api):
    """Every RPC, every kind of failure; answers all that callers got to see."""
    seen = []
    openid = account.user()

    def call(function, *args, **kwargs):
        try:
            answer = function(*args, **kwargs)
            seen.append(str(list(answer) if hasattr(answer, "__next__") else answer))
        except grpc.RpcError as error:
            seen.append(Failure.of_error(error).everything() + str(error))

    def round_of_calls():
        call(service.send_text, openid, "你好", timeout=2)
        call(service.send_template, openid, idempotency_key="k", timeout=2)
        call(service.send_template, openid, validate_only=True, timeout=2)
        call(service.user_info, openid, timeout=2)
        call(service.users_info, [openid], timeout=2)
        call(service.stub().SetTyping, api.pb.SetTypingRequest(openid=openid), timeout=2)
        call(service.stub().SendBatch, api.pb.SendBatchRequest(notifications=[
            api.pb.Notification(openid=openid, text=api.pb.Text(content="x"))]), timeout=2)
        call(service.stub().Enqueue, api.pb.EnqueueRequest(), timeout=2)

    round_of_calls()
    for effect in ({"errcode": -1}, {"errcode": 40001}, {"errcode": 45009}, {"errcode": 99999}, {"http_status": 502},
                   {"close": "after_read"}, {"close": "after_read", "reset": True}, {"truncate": 5},
                   {"raw_answer": "<html>"}, {"location": "http://127.0.0.1:1/x"}):
        account.fault(effect, "*")
        call(service.send_text, openid, "你好", timeout=0.4)
        call(service.user_info, openid, timeout=0.4)
        call(service.send_template, openid, timeout=0.4)
        account.sandbox.clear_faults()
    for trouble in ("steal", "revoke", "expire"):
        account.post("tokens/" + trouble, **({"family": "stable"} if trouble == "steal" else {}))
        round_of_calls()
    account.fault({"delay_after_ms": 3000}, openid=openid)
    call(service.send_text, openid, "spät", timeout=0.3)
    account.sandbox.clear_faults()
    return seen


def calls_from_wechat(service, account):
    account.calls_back(service.callback_url + "main")
    answers = [account.post("verify"), account.post("follow"), account.post("message", openid=account.user()),
               account.post("message", openid=account.user(), signature="0" * 40)]
    status, body = service.http("/wechat/callback/main?signature=x&timestamp=1&nonce=2&echostr=3",
                                address=service.callback_address)
    return [*map(str, answers), f"{status} {body}"]


@pytest.fixture
def overheard(start, sandbox, api):
    """A service whose whole life is overheard: (what it said, its secrets)."""

    def live(config, path):
        account = sandbox.new_account(token_length=60)
        account.callback_token = "CallbackT0ken" + account.app_id[-6:]
        secrets = {"app_secret": account.secret, "callback token": account.callback_token}
        # Tokens of our own making, so that we know them; escaping matters in the URL.
        made = [f"92_T0ken+{i}/=%made{account.app_id}" for i in range(3)]
        for i, token in enumerate(made):
            secrets[f"token {i}"] = token
            account.fault({"raw_answer": json.dumps({"access_token": token, "expires_in": 7200})}, path, times=1)
        service = start(account, {"log": {"level": "trace"}, **config})
        seen = [failure(service.send_text, account.user(), "x").everything()]
        seen += everything_that_can_happen(service, account, api)
        seen += calls_from_wechat(service, account)
        seen += [service.metrics(), *service.http("/readyz")[1:]]
        service.stop()
        seen += [service.stdout, service.stderr]
        # What the sandbox was told is proof that the secrets were really in use.
        used = {entry["token_sha8"] for entry in sandbox.get("ledger")["requests"]}
        assert hashlib.sha256(made[0].encode()).hexdigest()[:8] in used
        return service, "\n".join(seen), secrets

    return live


@pytest.mark.parametrize("config, path", [({}, TOKEN), ({"wechat": {"token_endpoint": "classic"}}, CLASSIC_TOKEN)],
                         ids=["stable", "classic"])
def test_S01_no_secret_leaves(overheard, config, path):
    service, text, secrets = overheard(config, path)
    assert found_in(text, secrets) == []
    assert "access_token=" not in text and "secret=" not in text
    for wanted in ("40001", "OUTCOME_UNKNOWN", "QUOTA_EXHAUSTED", "access_token refused"):
        assert wanted in text, "the paths were not taken"
    lines = [json.loads(line) for line in service.stderr.splitlines()]
    assert {line["level"] for line in lines} >= {"info", "warn"}


def test_S01_the_search_itself_finds_what_is_there():
    secrets = {"a": "Secret+/=%x1234567890"}
    assert found_in("nothing here", secrets) == []
    for text in ("x Secret+/=%x1234567890 y", "Secret%2B%2F%3D%25x1234567890",
                 base64.b64encode(b"user:Secret+/=%x1234567890").decode(), "53" + secrets["a"].encode().hex()[2:]):
        assert found_in(text, secrets) == ["a"], text


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
    failure(service.user_info, openid, timeout=0.5)
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
