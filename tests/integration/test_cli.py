"""Drives the built `hongyan` program as people and scripts do, against a NotifyService made of python-grpcio.

The service answers by openid: oFail… is refused by "WeChat", oUnknown… has no known outcome, oSlow… answers when the
test lets it. HONGYAN_BIN_DIR names the folder of the program.
"""

import importlib
import importlib.util
import json
import signal
import subprocess
import sys
import threading
from concurrent import futures

import grpc
import pytest

from certificates import Authority
from cli_program import environment, on_a_terminal
from sandbox_process import BIN, ROOT
from timing import LIMIT, eventually


class Api:
    """The generated Python code that the tests speak through."""

    def __init__(self, folder):
        if importlib.util.find_spec("hongyan") is None:
            plugin = subprocess.check_output(["which", "grpc_python_plugin"], text=True).strip()
            subprocess.run(
                ["protoc", f"-I{ROOT / 'protos'}", f"--plugin=protoc-gen-grpc_python={plugin}", f"--python_out={folder}",
                 f"--grpc_python_out={folder}", "hongyan/v1/notify.proto", "google/rpc/status.proto",
                 "google/rpc/error_details.proto"], check=True)
            sys.path.insert(0, str(folder))
            # google.rpc lies beside the google.protobuf of the system.
            import google
            if not any(str(folder) in path for path in google.__path__):
                google.__path__.append(str(folder / "google"))
        self.pb = importlib.import_module("hongyan.v1.notify_pb2")
        self.rpc = importlib.import_module("hongyan.v1.notify_pb2_grpc")
        self.status = importlib.import_module("google.rpc.status_pb2")
        self.details = importlib.import_module("google.rpc.error_details_pb2")


@pytest.fixture(scope="session")
def cli_api(tmp_path_factory):
    return Api(tmp_path_factory.mktemp("python_protos"))


class FakeNotify:
    """Answers as the service would and keeps what it was asked."""

    def __init__(self, api, credentials=None):
        self.api, self.requests, self.metadata = api, [], []
        self.let_go, self.begun = threading.Event(), threading.Event()
        pool = futures.ThreadPoolExecutor(max_workers=8)
        self.server = grpc.server(pool)
        pb = api.pb
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        handlers = {
            "SendText": unary(self.send_text, pb.SendTextRequest.FromString, pb.SendTextResponse.SerializeToString),
            "SendTemplate": unary(self.send_template, pb.SendTemplateRequest.FromString,
                                  pb.SendTemplateResponse.SerializeToString),
            "SendBatch": stream(self.send_batch, pb.SendBatchRequest.FromString,
                                pb.SendBatchResponse.SerializeToString),
            "GetUserInfo": unary(self.get_user, pb.GetUserInfoRequest.FromString,
                                 pb.GetUserInfoResponse.SerializeToString),
            "BatchGetUserInfo": unary(self.get_users, pb.BatchGetUserInfoRequest.FromString,
                                      pb.BatchGetUserInfoResponse.SerializeToString),
        }
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("hongyan.v1.NotifyService", handlers),))
        if credentials is None:
            port = self.server.add_insecure_port("127.0.0.1:0")
        else:
            port = self.server.add_secure_port("127.0.0.1:0", credentials)
        self.target = f"127.0.0.1:{port}"
        self.server.start()

    def _note(self, request, context):
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))

    def _error(self):
        details = self.api.details
        status = self.api.status.Status(code=9, message="sendText: require subscribe rid: r-1\x1b[31m")
        status.details.add().Pack(
            details.ErrorInfo(reason="NOT_SUBSCRIBED", domain="weixin.qq.com",
                              metadata={"errcode": "43004", "rid": "r-1", "account": "main"}))
        status.details.add().Pack(details.LocalizedMessage(locale="zh-CN", message="需要接收者关注"))
        return status

    def _delivery(self, openid, kind):
        pb = self.api.pb
        if openid.startswith("oFail"):
            return pb.Delivery(openid=openid, kind=kind, state=pb.DELIVERY_STATE_FAILED, error=self._error())
        if openid.startswith("oUnknown"):
            return pb.Delivery(openid=openid, kind=kind, state=pb.DELIVERY_STATE_UNKNOWN)
        return pb.Delivery(id="01J0000000000000000000000A", account="main", openid=openid, kind=kind,
                           state=pb.DELIVERY_STATE_ACCEPTED, attempts=1,
                           msg_id=9007199254740993 if kind == pb.DELIVERY_KIND_TEMPLATE else 0)

    def _answer(self, request, context, kind, response):
        self._note(request, context)
        if request.openid.startswith("oFail"):
            context.set_trailing_metadata((("grpc-status-details-bin", self._error().SerializeToString()),
                                           ("x-request-id", "req-of-service")))
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, self._error().message)
        response.delivery.CopyFrom(self._delivery(request.openid, kind))
        return response

    def send_text(self, request, context):
        return self._answer(request, context, self.api.pb.DELIVERY_KIND_TEXT, self.api.pb.SendTextResponse())

    def send_template(self, request, context):
        return self._answer(request, context, self.api.pb.DELIVERY_KIND_TEMPLATE, self.api.pb.SendTemplateResponse())

    def send_batch(self, request, context):
        self._note(request, context)
        for index, one in enumerate(request.notifications):
            if one.openid.startswith("oSlow"):
                self.begun.set()
                self.let_go.wait(LIMIT)
            yield self.api.pb.SendBatchResponse(index=index,
                                                delivery=self._delivery(one.openid, self.api.pb.DELIVERY_KIND_TEXT))

    def get_user(self, request, context):
        self._note(request, context)
        user = self.api.pb.UserInfo(openid=request.openid, subscribed=True, remark="老王\n\x1b[1m", qr_scene=1)
        user.subscribe_time.seconds = 1717214400
        return self.api.pb.GetUserInfoResponse(user=user)

    def get_users(self, request, context):
        self._note(request, context)
        users = [self.api.pb.UserInfo(openid=openid, remark="鸿雁") for openid in request.openids]
        return self.api.pb.BatchGetUserInfoResponse(users=users)

    def openids(self):
        return [one.openid for request in self.requests for one in request.notifications]


@pytest.fixture
def fake(cli_api):
    service = FakeNotify(cli_api)
    yield service
    service.let_go.set()
    service.server.stop(None).wait(LIMIT)


def hongyan(fake, *args, stdin="", cwd=None, **env):
    env = environment(**env)
    if fake is not None:
        env.setdefault("HONGYAN_TARGET", fake.target)
    return subprocess.run([BIN / "hongyan", *args], input=stdin, env=env, cwd=cwd, timeout=LIMIT, text=True,
                          capture_output=True)


def hears(process, words):
    """Until the program has said so."""
    heard = ""
    while words not in heard:
        said = process.stderr.readline()
        assert said, f"it ended with {process.wait(LIMIT)}: {heard}"
        heard += said


def line(openid, **more):
    return json.dumps({"openid": openid, "text": {"content": f"您好 {openid}"}, **more}, ensure_ascii=False)


def write(path, *lines):
    path.write_text("".join(one + "\n" for one in lines), encoding="utf-8")
    return path


def test_send_text_prints_the_delivery(fake):
    run = hongyan(fake, "send", "text", "oA", "您的订单已发货 <a href=\"https://e.org\">看</a>")
    assert (run.returncode, run.stderr) == (0, "")
    assert "state     ACCEPTED\n" in run.stdout
    assert fake.requests[0].content == "您的订单已发货 <a href=\"https://e.org\">看</a>"


def test_send_template_in_json_keeps_the_msg_id_exact(fake):
    run = hongyan(fake, "send", "template", "oA", "T1", "thing1=夏日蜜桃茶", "amount3=¥39.80", "--url",
                  "https://e.org/?a=b", "--mini-program", "wx1:pages/i?x=1", "--idempotency-key", "k1",
                  "-o", "json", "--account", "main")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["msg_id"] == "9007199254740993"
    request = fake.requests[0]
    assert dict(request.template.data) == {"thing1": "夏日蜜桃茶", "amount3": "¥39.80"}
    assert request.template.mini_program.page_path == "pages/i?x=1"
    assert (request.idempotency_key, request.account) == ("k1", "main")


def test_failed_send_says_what_happened_and_what_to_do(fake):
    run = hongyan(fake, "send", "text", "oFail", "hi")
    assert (run.returncode, run.stdout) == (1, "")
    lines = run.stderr.splitlines()
    assert lines[0] == "hongyan: send text failed: sendText: require subscribe rid: r-1\\u001b[31m"
    assert lines[1].startswith("  what to do: The person must follow the account first")
    assert "  reason: NOT_SUBSCRIBED (FAILED_PRECONDITION, weixin.qq.com)" in lines
    assert "  errcode: 43004" in lines and "  rid: r-1" in lines
    assert "  request id: req-of-service" in lines
    assert "\x1b" not in run.stderr


@pytest.mark.parametrize("locale", [{"LC_ALL": "zh_CN.UTF-8"}, {"LANG": "zh_TW.UTF-8"},
                                    {"LC_MESSAGES": "zh_HK", "LANG": "en_US.UTF-8"}])
def test_errors_are_chinese_in_a_chinese_locale(fake, locale):
    run = hongyan(fake, "send", "text", "oFail", "hi", **locale)
    assert run.returncode == 1
    assert run.stderr.startswith("hongyan: 发送文本失败：需要接收者关注\n  怎么办：该用户需先关注公众号")
    assert "  请求 ID：req-of-service\n" in run.stderr


def test_without_service_it_says_how_to_check():
    run = hongyan(None, "send", "text", "oA", "hi", "--target", "127.0.0.1:1")
    assert run.returncode == 1
    assert "no connection to 127.0.0.1:1" in run.stderr
    assert "what to do: Nothing was sent. Is hongyand running" in run.stderr


@pytest.mark.parametrize("args", [[], ["send"], ["send", "text", "oA"], ["send", "template", "oA", "T"],
                                  ["send", "template", "oA", "T", "novalue"], ["user", "get", "o A"],
                                  ["user", "get", "oA", "--timeout", "10"], ["user", "get", "oA", "-o", "xml"],
                                  ["send", "batch", "/nowhere.jsonl"], ["user", "get", "oA", "--nonsense"]])
def test_wrong_usage_ends_with_two(fake, args):
    run = hongyan(fake, *args)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("hongyan: ")
    assert fake.requests == []


def test_help_and_version():
    assert "HONGYAN_TARGET" in hongyan(None, "--help").stdout
    assert "--resume" in hongyan(None, "send", "batch", "--help").stdout
    assert hongyan(None, "--version").stdout.startswith("hongyan ")


def test_token_request_id_and_deadline_travel(fake, tmp_path):
    (tmp_path / "token").write_text("t0ken\n")
    run = hongyan(fake, "user", "get", "oA", "--token-file", str(tmp_path / "token"), "--request-id", "order-7",
                  HONGYAN_TOKEN="other")
    assert run.returncode == 0
    assert fake.metadata[0]["authorization"] == "Bearer t0ken"
    assert fake.metadata[0]["x-request-id"] == "order-7"
    hongyan(fake, "user", "get", "oA", HONGYAN_TOKEN="other")
    assert fake.metadata[1]["authorization"] == "Bearer other"


def test_user_get_shows_local_time_and_harmless_text(fake):
    run = hongyan(fake, "user", "get", "oA")
    assert run.returncode == 0
    assert "subscribe_time  2024-06-01T12:00:00+08:00\n" in run.stdout
    assert "remark          老王\\n\\u001b[1m\n" in run.stdout
    user = json.loads(hongyan(fake, "user", "get", "oA", "-o", "json").stdout)
    assert user["remark"] == "老王\n\x1b[1m" and user["subscribe_time"] == "2024-06-01T04:00:00Z"


def test_user_batch_lines_up(fake):
    run = hongyan(fake, "user", "batch", "oA", "--file", "-", stdin="oLonger\n")
    assert run.returncode == 0
    assert run.stdout.splitlines()[1:] == [
        "oA       no          -               -      -     鸿雁    -",
        "oLonger  no          -               -      -     鸿雁    -"]


def test_batch_sends_reports_and_keeps_failed_lines(fake, tmp_path):
    file = write(tmp_path / "list.jsonl", line("o1"), line("oFail2"), "", line("oUnknown4"),
                 '{"openid":"o5","template":{"templateId":"T1","data":{"thing1":"茶"}}}')
    run = hongyan(fake, "send", "batch", str(file))
    assert run.returncode == 1
    assert "line 2  FAILED  oFail2  NOT_SUBSCRIBED: " in run.stdout
    assert run.stdout.endswith("4 notifications: 2 accepted, 1 failed, 1 unknown\n")
    assert (tmp_path / "list.jsonl.failed.jsonl").read_text("utf-8") == line("oFail2") + "\n"
    assert (tmp_path / "list.jsonl.unknown.jsonl").read_text("utf-8") == line("oUnknown4") + "\n"
    assert fake.requests[0].notifications[3].template.template_id == "T1"


def test_a_bad_line_of_a_batch_fails_alone(fake, tmp_path):
    bad = ['{"openid": "o2", "txt": {}}', "nonsense"]
    file = write(tmp_path / "list.jsonl", line("o1"), *bad, line("o4"))
    run = hongyan(fake, "send", "batch", str(file))
    assert run.returncode == 1
    assert "line 2  FAILED  no notification: " in run.stdout and "line 3  FAILED  no notification: " in run.stdout
    assert run.stdout.endswith("4 notifications: 2 accepted, 2 failed\n")
    assert (tmp_path / "list.jsonl.failed.jsonl").read_text("utf-8").splitlines() == bad
    assert fake.openids() == ["o1", "o4"]


def test_a_batch_of_bad_lines_sends_nothing(fake, tmp_path):
    run = hongyan(fake, "send", "batch", str(write(tmp_path / "list.jsonl", "nonsense")), LANG="zh_CN.UTF-8")
    assert run.returncode == 1
    assert "line 1  FAILED  不是有效的通知：" in run.stdout
    assert fake.requests == []


@pytest.mark.parametrize("args, said", [
    (["send", "template", "oA", "T", "novalue"], "“novalue”不是 KEY=VALUE 的形式"),
    (["user", "get", "oA", "--timeout", "10"], "“10”不是 500ms、10s、2m 这样的时间"),
    (["send", "text", "oA"], "`hongyan send text OPENID CONTENT` 中缺少 CONTENT"),
    (["doctor"], "“doctor”将在后续版本中提供"),
    (["bogus"], "未知命令“bogus”；可用的命令有 send、user、"),
    (["send", "batch", "/nowhere.jsonl"], "无法读取 /nowhere.jsonl")])
def test_wrong_usage_is_named_in_chinese_in_a_chinese_locale(fake, args, said):
    run = hongyan(fake, *args, LANG="zh_CN.UTF-8")
    assert run.returncode == 2
    assert said in run.stderr


def test_batch_from_standard_input_in_json(fake, tmp_path):
    run = hongyan(fake, "send", "batch", "-", "-o", "json", stdin=line("o1") + "\n" + line("o2"), cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    objects = [json.loads(one) for one in run.stdout.splitlines()]
    assert [one["line"] for one in objects[:-1]] == [1, 2]
    assert objects[-1]["summary"]["accepted"] == 2
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_stops_between_calls_and_resume_goes_on(fake, tmp_path):
    # Both calls that run at once are held up.
    file = write(tmp_path / "list.jsonl", *[line(f"o{'Slow' if i in (1, 33) else ''}{i}") for i in range(1, 601)])
    process = subprocess.Popen([BIN / "hongyan", "send", "batch", str(file), "--target", fake.target],
                               env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    eventually(lambda: len(fake.requests) == 2)
    process.send_signal(signal.SIGINT)
    # The program says that it heard before the calls in flight may end.
    hears(process, "finishing")
    fake.let_go.set()
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 1
    assert out.endswith("600 notifications: 64 accepted, 536 not sent\n")
    assert "--resume" in err
    assert len(fake.openids()) == 64

    assert hongyan(fake, "send", "batch", str(file)).returncode == 2
    run = hongyan(fake, "send", "batch", str(file), "--resume")
    assert run.returncode == 0, run.stderr
    assert run.stdout.endswith("600 notifications: 536 accepted, 64 finished before\n")
    assert len(fake.openids()) == len(set(fake.openids())) == 600


def test_second_ctrl_c_gives_up_and_calls_the_rest_unknown(fake, tmp_path):
    file = write(tmp_path / "list.jsonl", line("o1"), line("oSlow2"), line("o3"))
    process = subprocess.Popen([BIN / "hongyan", "send", "batch", str(file), "--target", fake.target],
                               env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert fake.begun.wait(LIMIT)
    process.send_signal(signal.SIGINT)
    hears(process, "finishing")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 1
    unknown = (tmp_path / "list.jsonl.unknown.jsonl").read_text("utf-8").splitlines()
    # The answer to the first may have come before the second signal, or not.
    assert unknown in ([line("oSlow2"), line("o3")], [line("o1"), line("oSlow2"), line("o3")])
    assert out.endswith(f"3 notifications: {3 - len(unknown)} accepted, {len(unknown)} unknown\n")


def test_killed_batch_does_not_send_twice_what_was_on_its_way(fake, tmp_path):
    file = write(tmp_path / "list.jsonl", line("o1"), line("oSlow2"), line("oSlow3", idempotency_key="k3"))
    process = subprocess.Popen([BIN / "hongyan", "send", "batch", str(file), "--target", fake.target],
                               env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert fake.begun.wait(LIMIT)
    process.kill()
    process.wait(LIMIT)
    fake.let_go.set()
    run = hongyan(fake, "send", "batch", str(file), "--resume")
    assert run.returncode == 1
    assert [one.openid for one in fake.requests[1].notifications][-1:] == ["oSlow3"]
    assert "oSlow2" not in [one.openid for one in fake.requests[1].notifications]
    assert line("oSlow2") in (tmp_path / "list.jsonl.unknown.jsonl").read_text("utf-8")


def test_B10_after_a_kill_only_what_was_on_its_way_is_unknown(fake, tmp_path):
    file = write(tmp_path / "list.jsonl", *[line(f"oSlow{i}") for i in range(1, 601)])
    process = subprocess.Popen([BIN / "hongyan", "send", "batch", str(file), "--target", fake.target],
                               env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: len(fake.requests) == 2)
    process.kill()
    process.wait(LIMIT)
    begun = fake.openids()
    assert len(begun) <= 64
    fake.let_go.set()
    run = hongyan(fake, "send", "batch", str(file), "--resume")
    assert run.returncode == 1
    unknown = [json.loads(one)["openid"] for one in (tmp_path / "list.jsonl.unknown.jsonl").read_text("utf-8").splitlines()]
    assert sorted(unknown) == sorted(begun)
    assert len(fake.openids()) == len(set(fake.openids())) == 600


def test_progress_bar_on_a_terminal_only(fake, tmp_path):
    file = write(tmp_path / "list.jsonl", line("o1"), line("oFail2"))
    code, text = on_a_terminal("send", "batch", str(file), "--target", fake.target)
    assert code == 1
    assert "[####" in text and "2/2  100%" in text
    assert "line 2  FAILED" in text and "line 1" not in text
    assert "2 notifications: 1 accepted, 1 failed" in text


def test_tls_with_client_certificate(cli_api, tmp_path):
    authority = Authority(tmp_path, "ca")
    certificate, key = authority.issue("server")
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())],
                                              authority.ca.read_bytes(), require_client_auth=True)
    service = FakeNotify(cli_api, credentials)
    try:
        pem = ["--ca-file", str(authority.ca), "--cert-file", str(certificate), "--key-file", str(key)]
        run = hongyan(service, "send", "text", "oA", "hi", *pem)
        assert run.returncode == 0, run.stderr
        # A service of a CA that we don't trust.
        run = hongyan(service, "send", "text", "oA", "hi", "--tls")
        assert run.returncode == 1
        assert "TLS handshake" in run.stderr and "--ca-file" in run.stderr
        run = hongyan(service, "send", "text", "oA", "hi", "--ca-file", str(tmp_path / "absent.pem"))
        assert run.returncode == 2
        assert len(service.requests) == 1
    finally:
        service.server.stop(None).wait(LIMIT)
