"""`hongyan` against the real service and the sandbox: subscribers, events, and fields that the service refuses."""

import json
import os
import select
import signal
import subprocess

import pytest

import cli_program
from sandbox_process import BIN, USER, USER_LIST, USERS
from service_process import to_yaml
from timing import LIMIT, eventually


@pytest.fixture
def called(start, account):
    service = start({"main": account})
    account.calls_back(service.callback_url + "main")
    return service


def environment(service, **more):
    return cli_program.environment(HONGYAN_TARGET=service.grpc_address, **more)


def hongyan(service, *args, **env):
    return subprocess.run([BIN / "hongyan", *args], env=environment(service, **env), timeout=LIMIT, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL)


def objects(run):
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


class Watch:
    """A running `hongyan event watch`, read line by line."""

    def __init__(self, service, *args, stdout=subprocess.PIPE):
        self.process = subprocess.Popen([BIN / "hongyan", "event", "watch", *args], env=environment(service), text=True,
                                        stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE)
        self.err = ""
        self.hears("Ctrl-C ends\n")

    def hears(self, words):
        while words not in self.err:
            ready, _, _ = select.select([self.process.stderr], [], [], LIMIT)
            assert ready, self.err
            block = os.read(self.process.stderr.fileno(), 4096).decode()
            assert block, self.err
            self.err += block

    def event(self):
        ready, _, _ = select.select([self.process.stdout], [], [], LIMIT)
        assert ready, self.err
        # Line by line from the descriptor, so that select() isn't deceived by what Python has read already.
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(self.process.stdout.fileno(), 1)
            assert byte, self.err
            line += byte
        return json.loads(line)

    def ends(self, *signals):
        for number in signals:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=LIMIT)
        self.err += err
        return self.process.returncode, out


@pytest.fixture
def watch(called):
    started = []

    def begin(*args, **more):
        started.append(Watch(called, *args, **more))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


# --- events -----------------------------------------------------------------------------------------------------------


def test_events_are_listed_for_people_and_for_programs(called, account):
    user = account.user()
    account.post("message", openid=user, content="你好\x1b[31m 🎉")
    account.post("follow", openid="oFresh_1", scene="42")
    found = objects(hongyan(called, "event", "list", "-o", "json"))
    assert [(one["type"], one["openid"]) for one in found] == [("text", user), ("subscribe", "oFresh_1")]
    first, second = (one["cursor"] for one in found)
    assert 0 < int(first) < int(second)
    assert found[1]["subscribe"]["scene"] == "42"

    run = hongyan(called, "event", "list")
    heading, text, subscribe = run.stdout.splitlines()
    assert heading.split() == ["CURSOR", "RECEIVED", "ACCOUNT", "TYPE", "OPENID", "PAYLOAD"]
    assert "content=" in text and "你好" in text and "\x1b" not in run.stdout
    assert "scene=42" in subscribe and "+08:00" in subscribe
    assert text.index(user) == subscribe.index("oFresh_1") == heading.index("OPENID")

    for args, cursors in ((["--after", first], [second]), (["--limit", "1"], [first]), (["--type", "subscribe"], [second]),
                          (["--type", "text", "--type", "subscribe", "--account", "main"], [first, second])):
        assert [one["cursor"] for one in objects(hongyan(called, "event", "list", "-o", "json", *args))] == cursors


def test_a_type_that_does_not_exist_ends_with_one(called):
    for command in ("list", "watch"):
        run = hongyan(called, "event", command, "--type", "tex")
        assert run.returncode == 1 and run.stdout == ""
        assert f"hongyan: event {command} failed: " in run.stderr and "types[0]" in run.stderr
        assert "did you mean text? There are text, image, " in run.stderr
    run = hongyan(called, "event", "watch", "--type", "tex", LANG="zh_CN.UTF-8")
    assert "hongyan: 跟随事件失败：" in run.stderr and "是否想写 text？可用的类型有 text、image、" in run.stderr


def test_watch_shows_each_event_at_once_and_ends_well_at_ctrl_c(account, watch):
    user = account.user()
    account.post("message", openid=user, content="before")
    now, everything = watch("-o", "json"), watch("-o", "json", "--after", "0")
    assert everything.event()["text"]["content"] == "before"
    account.post("message", openid=user, content="after")
    last = everything.event()
    assert last["text"]["content"] == "after"
    assert now.event() == last
    for one, number in ((now, signal.SIGINT), (everything, signal.SIGTERM)):
        assert one.ends(number) == (0, "")
        assert one.err.endswith(f"hongyan: last cursor {last['cursor']}; go on with --after {last['cursor']}\n")


def test_A05_cursor_that_was_never_given_ends_list_and_watch_with_its_remedy(called, account):
    account.post("message", openid=account.user(), content="x")
    for command in ("list", "watch"):
        run = hongyan(called, "event", command, "--after", "9000000000000000000")
        assert run.returncode == 1 and run.stdout == ""
        assert "CURSOR_UNKNOWN" in run.stderr and "--after 0" in run.stderr, run.stderr


def test_watch_ends_after_its_limit(called, account, watch):
    user = account.user()
    for i in range(3):
        account.post("message", openid=user, content=f"{i}")
    cursors = [one["cursor"] for one in objects(hongyan(called, "event", "list", "-o", "json"))]
    one = watch("--after", "0", "--limit", "2")
    code, out = one.ends()
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == ["CURSOR", *cursors[:2]]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_watch_survives_a_restart_of_the_service(start, account, end):
    # The same port again, so that the watcher finds it.
    service = start({"main": account})
    account.calls_back(service.callback_url + "main")
    service.config["grpc"]["listen"] = service.grpc_address
    user = account.user()
    account.post("message", openid=user, content="0")
    one = Watch(service, "-o", "json", "--after", "0")
    try:
        assert one.event()["text"]["content"] == "0"
        service.config_file.write_text(to_yaml(service.config), encoding="utf-8")
        service.process.send_signal(end)
        service.process.wait(LIMIT)
        one.hears("resuming after")
        service.start()
        account.calls_back(service.callback_url + "main")
        account.post("message", openid=user, content="1")
        last = one.event()
        assert last["text"]["content"] == "1"
        assert one.ends(signal.SIGINT) == (0, "")
        assert one.err.endswith(f"hongyan: last cursor {last['cursor']}; go on with --after {last['cursor']}\n")
    finally:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def test_watch_ends_silently_when_its_reader_leaves(account, watch):
    user = account.user()
    account.post("message", openid=user, content="0")
    # Nothing more comes: it must notice by itself.
    idle = watch("-o", "json", "--after", "0")
    assert idle.event()["text"]["content"] == "0"
    said = idle.err
    idle.process.stdout.close()
    assert idle.process.wait(LIMIT) == 0
    assert idle.err + idle.process.stderr.read() == said
    idle.process.stderr.close()


def test_slow_reader_gets_everything_in_the_end(called, account, watch):
    """What is printed into a full pipe waits there; nothing is lost when the reader comes back."""
    user = account.user()
    big = "长" * 600
    count = 150
    for _ in range(count):
        account.post("message", openid=user, content=big)
    one = watch("-o", "json", "--after", "0", "--limit", str(count))
    # The pipe is full long before the end.
    account.post("message", openid=user, content="last")
    seen = [one.event()["cursor"] for _ in range(count)]
    assert one.ends() == (0, "")
    assert seen == [each["cursor"] for each in objects(hongyan(called, "event", "list", "-o", "json"))][:count]


# --- subscribers ------------------------------------------------------------------------------------------------------


def test_subscriber_get_by_openid_and_unionid(called, account):
    account.post("follow", openid="oFresh_1")
    account.wait(USER, openid="oFresh_1")
    show = lambda *args: hongyan(called, "subscriber", "get", *args)
    eventually(lambda: "subscribe_scene" in show("oFresh_1").stdout, what="profile")
    text = show("oFresh_1").stdout
    assert "account             main\n" in text and "allowance_left      3\n" in text
    one = objects(show("oFresh_1", "-o", "json"))[0]
    assert one["user"]["openid"] == "oFresh_1" and one["user"]["subscribed"] is True
    if one["user"]["unionid"]:
        assert objects(show("--unionid", one["user"]["unionid"], "-o", "json"))[0]["user"]["openid"] == "oFresh_1"
    run = show("oNobody")
    assert run.returncode == 1 and "SUBSCRIBER_NOT_FOUND" in run.stderr and run.stdout == ""
    run = show("--unionid", "uNobody")
    assert run.returncode == 1 and "UNIONID_NOT_FOUND" in run.stderr


@pytest.mark.seconds(12)
def test_sync_imports_all_followers_and_list_shows_each_once(called, account):
    account.post("followers", count=2345, prefix="oCrowd")
    run = hongyan(called, "subscriber", "sync")
    assert run.returncode == 0, run.stderr
    total = int(run.stdout.split()[0])
    assert total >= 2345 and f"{total} followers: {total} listed, " in run.stdout
    assert f"listed {total} of {total}, profiles " in run.stderr

    everybody = [one["user"]["openid"] for one in objects(hongyan(called, "subscriber", "list", "-o", "json"))]
    assert len(everybody) == len(set(everybody)) == total and everybody == sorted(everybody)
    crowd = [openid for openid in everybody if openid.startswith("oCrowd")]
    assert len(crowd) == 2345

    lines = hongyan(called, "subscriber", "list", "--limit", "1500").stdout.splitlines()
    assert len(lines) == 1501 and lines[0].startswith("OPENID ")
    assert [line.split()[0] for line in lines[1:]] == everybody[:1500]

    # The filters, by the service's own answers.
    person = objects(hongyan(called, "subscriber", "get", crowd[7], "-o", "json"))[0]["user"]
    chosen = objects(hongyan(called, "subscriber", "list", "--scene", person["subscribe_scene"], "-o", "json"))
    assert crowd[7] in [one["user"]["openid"] for one in chosen]
    assert {one["user"]["subscribe_scene"] for one in chosen} == {person["subscribe_scene"]}
    account.post("unfollow", openid=crowd[7])
    gone = objects(hongyan(called, "subscriber", "list", "--subscribed", "no", "-o", "json"))
    assert [one["user"]["openid"] for one in gone] == [crowd[7]]
    account.post("message", openid=crowd[8], content="hi")
    wrote = objects(hongyan(called, "subscriber", "list", "--inbound-after", "48h", "--subscribed", "yes", "-o", "json"))
    assert [one["user"]["openid"] for one in wrote] == [crowd[8]]
    assert objects(hongyan(called, "subscriber", "list", "--updated-after", "2999-01-01", "-o", "json")) == []


def test_sync_that_runs_out_of_quota_goes_on_later(called, account):
    account.post("followers", count=1500, prefix="oCrowd")
    # Once: after several in a row the service itself stops asking for a while.
    account.fault({"errcode": 45009, "errmsg": "reach max api daily quota limit"}, api=USERS, after=3, times=1)
    run = hongyan(called, "subscriber", "sync", "-o", "json")
    assert run.returncode == 1
    assert "QUOTA_EXHAUSTED" in run.stderr and "the next `hongyan subscriber sync` does the rest" in run.stderr
    before = account.arrivals(USER_LIST)
    reports = objects(hongyan(called, "subscriber", "sync", "-o", "json"))
    assert "finish_time" in reports[-1] and int(reports[-1]["listed"]) >= 1500
    # The list was read to its end before, and isn't read again.
    assert account.arrivals(USER_LIST) == before


def test_ctrl_c_stops_an_import_and_says_how_to_go_on(called, account):
    account.post("followers", count=300, prefix="oCrowd")
    account.fault({"delay_before_ms": int(LIMIT * 1000)}, api=USERS, times=0)
    process = subprocess.Popen([BIN / "hongyan", "subscriber", "sync"], env=environment(called), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr.readline().startswith("listed ")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, out) == (1, "")
    last = err.splitlines()[-1]  # behind what else it told meanwhile
    assert last.startswith("hongyan: stopped half way; what was imported stays (")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_sync_survives_a_restart_of_the_service(start, account, end):
    # The same port again, so that the importer finds it.
    service = start({"main": account})
    service.config["grpc"]["listen"] = service.grpc_address
    service.config_file.write_text(to_yaml(service.config), encoding="utf-8")
    account.post("followers", count=300, prefix="oCrowd")
    account.fault({"delay_before_ms": int(LIMIT * 1000)}, api=USERS, times=0)
    process = subprocess.Popen([BIN / "hongyan", "subscriber", "sync"], env=environment(service), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stderr.readline().startswith("listed ")
        service.process.send_signal(end)
        said = process.stderr.readline()
        while said.startswith("listed "):
            said = process.stderr.readline()
        assert said.startswith("hongyan: the import broke off ("), said + process.stderr.read()
        service.process.wait(LIMIT)
        account.sandbox.clear_faults()
        service.start()
        out, err = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, err
        assert int(out.split()[0]) >= 300
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_sync_draws_a_bar_on_a_terminal(called, account):
    account.post("followers", count=1200, prefix="oCrowd")
    code, text = cli_program.on_a_terminal("subscriber", "sync", HONGYAN_TARGET=called.grpc_address)
    assert code == 0
    assert "list [####" in text and "profiles [####" in text and " followers: " in text


# --- fields that the service refuses --------------------------------------------------------------------------------------


def test_a_field_of_a_send_is_the_services_to_judge(called, account):
    user = account.user()
    wrong_usage, failed = 2, 1
    for code, args, said in ((wrong_usage, ("text", user, "x" * 2049), "content: has 2049 bytes"),
                             (wrong_usage, ("text", user, "hi", "--idempotency-key", "a\tb"), "holds control characters"),
                             (wrong_usage, ("template", user, "T1", "a b=x"), "'a b' is no keyword"),
                             (failed, ("template", user, "T1", "a=b", "--url", "ftp://x"), "template.url: must be http://"),
                             (failed, ("text", user, "hi", "--account", "other"), "main")):
        run = hongyan(called, "send", *args)
        assert run.returncode == code and run.stdout == "", run
        assert said in run.stderr and "INVALID_REQUEST" in run.stderr, run.stderr


def test_a_line_of_a_batch_with_a_wrong_field_fails_alone(called, account, tmp_path):
    user = account.user()
    account.post("message", openid=user, content="hi")
    wrong = [{"openid": user}, {"text": {"content": "hi"}}, {"openid": "o A", "text": {"content": "hi"}},
             {"openid": user, "text": {"content": "x" * 2049}}]
    lines = [json.dumps(one) for one in [*wrong, {"openid": user, "text": {"content": "hi"}}]]
    file = tmp_path / "list.jsonl"
    file.write_text("".join(line + "\n" for line in lines))
    run = hongyan(called, "send", "batch", str(file))
    assert run.returncode == 1
    assert run.stdout.endswith("5 notifications: 1 accepted, 4 failed\n"), run.stdout
    assert sorted((tmp_path / "list.jsonl.failed.jsonl").read_text().splitlines()) == sorted(lines[:4])
