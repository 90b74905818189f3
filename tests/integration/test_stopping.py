"""The end of the process, whatever stands in its way, and what it leaves to its callers."""

import concurrent.futures
import json
import os
import re
import signal
import sqlite3
import subprocess
import time

import grpc
import pytest

from odd_machine import odd_machine  # noqa: F401, a fixture
from rpc_failure import expect, failure
from sandbox_process import BIN, USER_LIST, USERS
from service_process import descriptor_links, merged, to_yaml
from signed_push import message, post, signed
from timing import LIMIT, SCALE, Stopwatch, eventually



def end_by_signals(process):
    """Until it ends. Those within half a second of the first belong to it."""
    end = time.monotonic() + LIMIT
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        assert time.monotonic() < end, "it didn't end"
        time.sleep(0.05)


class Process:
    """A hongyand with the configuration of `service` and with descriptors of the test's own."""

    def __init__(self, service, folder, config=None, stdout=None, stderr=None, command=(), arguments=()):
        folder.mkdir()
        config_file = folder / "hongyan.yaml"
        config_file.write_text(to_yaml(merged(service.config, config or {})))
        self.out_file, self.err_file = folder / "stdout", folder / "stderr"
        with open(self.out_file, "wb") as out, open(self.err_file, "wb") as err:
            self.process = subprocess.Popen(
                [*command, str(BIN / "hongyand"), "--config", str(config_file), *arguments],
                stdin=subprocess.DEVNULL, stdout=out if stdout is None else stdout,
                stderr=err if stderr is None else stderr, env=service.env, cwd=folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def log(self):
        text = self.err_file.read_text()
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def wait_for_log(self, **wanted):
        def found():
            return [line for line in self.log() if all(line.get(key) == value for key, value in wanted.items())]
        return eventually(found, what=wanted)[0]

    def address(self, listener):
        def found():
            return re.search(rf"^listening {listener} (\S+)$", self.out_file.read_text(), re.M)
        return eventually(found, what="listeners").group(1)

    def signal(self):
        self.process.send_signal(signal.SIGTERM)

    def ended(self):
        """Its exit code."""
        return self.process.wait(LIMIT)


@pytest.fixture
def full_pipe():
    """The writing end of a pipe that takes nothing more and that nobody reads."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(write, b"x" * 4096)
    os.set_blocking(write, True)
    yield write
    os.close(read)
    os.close(write)


# --- nobody reads what it writes ----------------------------------------------------------------------------------------


def test_A08_P13_a_full_standard_error_holds_nothing_up(service, main, api, tmp_path, full_pipe):
    with Process(service, tmp_path / "own", stderr=full_pipe) as process:
        with grpc.insecure_channel(process.address("grpc")) as channel:
            stub = api.rpc.NotifyServiceStub(channel)
            openid = main.user()
            for i in range(20):
                stub.SendText(service.text(openid, f"{i}"), timeout=LIMIT, wait_for_ready=True)
        stopwatch = Stopwatch()
        process.signal()
        assert process.ended() == 0
        assert stopwatch.seconds() < 5 * SCALE


def test_A08_P13_a_full_standard_output_holds_nothing_up(service, tmp_path, full_pipe):
    with Process(service, tmp_path / "own", stdout=full_pipe) as process:
        process.wait_for_log(event="serving")
        process.wait_for_log(event="standard output takes nothing: its lines are dropped")
        assert process.wait_for_log(event="listening", listener="grpc")["address"].startswith("127.0.0.1:")
        process.signal()
        assert process.ended() == 0


@pytest.mark.parametrize("arguments", [["--check"], ["--help"], ["--nonsense"], ["--check", "--config", "/nothing"]],
                         ids=["check", "help", "usage", "problems"])
def test_A08_P13_what_a_person_asks_for_ends_when_nobody_reads_it(service, tmp_path, full_pipe, arguments):
    with Process(service, tmp_path / "own", stdout=full_pipe, stderr=full_pipe, arguments=arguments) as process:
        assert process.ended() in (0, 2)


def test_A08_P13_a_failed_start_ends_when_nobody_reads_why(service, tmp_path, full_pipe):
    with Process(service, tmp_path / "own", {"admin": {"listen": service.admin_address}}, stdout=full_pipe,
                 stderr=full_pipe) as process:
        assert process.ended() == 1


def test_A08_P13_lines_that_nobody_took_are_counted_and_told(service, api, tmp_path):
    read, write = os.pipe()
    try:
        with Process(service, tmp_path / "own", stderr=write) as process:
            os.close(write)
            write = -1
            service_at = process.address("admin")

            def dropped():
                _, text = service.http("/metrics", address=service_at)
                return int(re.search(r"^hongyan_log_lines_dropped_total (\d+)", text, re.M).group(1))

            # A line for each call, at least 100 bytes long: many more than the buffer of a mebibyte takes.
            check = api.health.HealthCheckRequest()
            with grpc.insecure_channel(process.address("grpc")) as channel:
                stub = api.health_rpc.HealthStub(channel)
                while dropped() == 0:
                    calls = [stub.Check.future(check, timeout=LIMIT, metadata=(("x-request-id", "x" * 128),))
                             for _ in range(1000)]
                    for call in calls:
                        call.result()
            count = dropped()
            lines, signalled = [], False
            with open(read, encoding="utf-8") as log:
                read = -1
                for line in log:
                    lines.append(json.loads(line))
                    if lines[-1]["event"] == "log lines dropped" and not signalled:
                        process.signal()
                        signalled = True
            assert process.ended() == 0
            told = [line["lines"] for line in lines if line["event"] == "log lines dropped"]
            assert sum(told) >= count and lines[-1]["event"] == "stopped"
    finally:
        for end in (read, write):
            if end >= 0:
                os.close(end)


def test_descriptors_that_are_closed_at_the_start_lead_nowhere(service, tmp_path):
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    with Process(service, tmp_path / "own", command=closed) as process:
        def opened():
            return sum(link.startswith("socket:") for link in descriptor_links(process.process.pid)) >= 3
        eventually(opened, what="listeners")
        for number in range(3):
            assert os.readlink(f"/proc/{process.process.pid}/fd/{number}") == "/dev/null"
        process.signal()
        assert process.ended() == 0


# --- signals ------------------------------------------------------------------------------------------------------------


def test_A08_the_second_signal_ends_a_process_that_hangs(start, account, odd_machine):
    service = start(account, env=odd_machine.environment)
    account.calls_back(service.callback_url + "main")
    odd_machine.set(flush_ms=3_600_000)
    assert account.post("message", openid=account.user(), content="x")["push"]["status"] == 503
    end_by_signals(service.process)
    service.ended(code=1)
    assert service.log(event="second signal: ending at once")


def test_P04_the_second_signal_ends_the_process_at_once(service, tmp_path):
    with Process(service, tmp_path / "own", {"shutdown": {"delay": "60s"}}) as process:
        process.wait_for_log(event="serving")
        stopwatch = Stopwatch()
        end_by_signals(process.process)
        assert process.ended() == 1
        assert stopwatch.seconds() < 5 * SCALE
        assert process.log()[-1]["event"] == "second signal: ending at once"


def test_A08_the_second_signal_needs_no_log(service, tmp_path, full_pipe):
    with Process(service, tmp_path / "own", {"shutdown": {"delay": "60s"}}, stderr=full_pipe) as process:
        process.address("grpc")
        end_by_signals(process.process)
        assert process.ended() == 1


def test_a_signal_that_comes_twice_at_once_is_one(start, account):
    service = start(account, {"shutdown": {"delay": f"{int(1500 * SCALE)}ms"}})
    watch = service.watch_health()
    assert next(watch).status == 1
    begun = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        service.process.send_signal(number)
    assert next(watch).status == 2
    service.send_text(account.user(), "still here")
    service.ended(code=0)
    assert time.monotonic() - begun >= 1.5 * SCALE
    assert service.log(event="stopped") and not service.log(event="second signal: ending at once")


def test_B01_C01_the_delay_goes_by_the_monotonic_clock(start, account, odd_machine):
    service = start(account, {"shutdown": {"delay": f"{int(1500 * SCALE)}ms"}}, env=odd_machine.environment)
    watch = service.watch_health()
    assert next(watch).status == 1
    service.process.send_signal(signal.SIGTERM)
    assert next(watch).status == 2
    odd_machine.set(clock_offset=-3600)
    service.ended(code=0)


# --- what takes long ----------------------------------------------------------------------------------------------------


def test_A08_a_flush_that_hangs_holds_the_stop_up_for_seconds_only(start, account, odd_machine):
    service = start(account, {"shutdown": {"grace": f"{int(500 * SCALE)}ms"}}, env=odd_machine.environment)
    account.calls_back(service.callback_url + "main")
    odd_machine.set(flush_ms=3_600_000)
    assert account.post("message", openid=account.user(), content="x")["push"]["status"] == 503
    stopwatch = Stopwatch()
    service.process.send_signal(signal.SIGTERM)
    service.ended(code=0)
    assert stopwatch.seconds() < 0.5 * SCALE + 10
    assert service.log()[-1]["event"] == "stopped"


@pytest.mark.seconds(30)
def test_a_stop_with_slow_flushes_is_bounded(start, account, odd_machine):
    grace = 3 * SCALE
    service = start(account, {"shutdown": {"grace": f"{int(grace * 1000)}ms"}}, env=odd_machine.environment)
    acknowledged, answered = [], []

    def push(openid):
        number = len(answered)
        status, _ = post(service, signed(account, nonce=openid), message(openid, msg_id=number, created=number))
        answered.append(openid)
        if status == 200:
            acknowledged.append(openid)

    def go_on(sender):
        for number in range(10**6):
            try:
                push(f"o{sender}_{number}")
            except OSError:
                return  # it has stopped

    push("oFirst")
    odd_machine.set(flush_ms=1500)
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        senders = [pool.submit(go_on, sender) for sender in range(60)]
        # Most of them are refused, and wait to be written all the same.
        eventually(lambda: len(answered) >= 200, what="pushes")
        stopwatch = Stopwatch()
        service.process.send_signal(signal.SIGTERM)
        service.ended(code=0)
        took = stopwatch.seconds()
        for sender in senders:
            sender.result(LIMIT)
    assert took < grace + 10
    with sqlite3.connect(f"file:{service.folder}/hongyan.db?mode=ro", uri=True) as database:
        recorded = {openid for openid, in database.execute("SELECT DISTINCT openid FROM events")}
    assert "oFirst" in acknowledged and recorded.issuperset(acknowledged)


# --- what is left to callers --------------------------------------------------------------------------------------------


def test_an_import_makes_way_and_is_taken_up_again(start, account, api):
    service = start(account)
    account.post("followers", count=3000, prefix="oMany")
    account.fault({"delay_before_ms": 300}, USERS, times=0)

    def begin():
        stub = api.subscribers_rpc.SubscriberServiceStub(service.channel)
        return stub.SyncSubscribers(api.subscribers.SyncSubscribersRequest(), timeout=LIMIT)

    steps = begin()
    assert any(step.fetched > 0 for step in steps)
    service.process.send_signal(signal.SIGTERM)
    failed = failure(list, steps)
    expect(failed, "UNAVAILABLE", "SHUTTING_DOWN", "hongyan")
    assert failed.metadata["account"] == "main" and failed.retry_seconds == 1
    service.ended()
    lists = account.arrivals(USER_LIST)

    account.sandbox.clear_faults()
    service.start()
    last = list(begin())[-1]
    assert last.HasField("finish_time") and last.listed == last.fetched == 3000
    # Nobody was asked for twice, but for what was on its way when it ended; housekeeping may have asked for some.
    assert account.arrivals(USER_LIST) == lists and 30 <= account.arrivals(USERS) < 45
