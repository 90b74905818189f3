"""N01: a nameserver that doesn't answer holds up whoever asked for the name, and nobody else; names are looked up once."""

import os
import pathlib
import subprocess
import time

import pytest

from rpc_failure import expect, failure
from sandbox_process import CUSTOM
from timing import LIMIT, SCALE

LOOKUP = min(5 * SCALE, 10)  # seconds of one look-up; all comparisons are with it


@pytest.fixture(scope="module")
def slow_names_library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow_names")
    library = folder / "slow_names.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library,
                    pathlib.Path(__file__).with_name("slow_names.c"), "-ldl"], check=True)
    return library


@pytest.fixture
def slow_names(slow_names_library, tmp_path):
    """An environment in which names under slow.example take long to look up, and the file that tells of it."""
    library, lookups = slow_names_library, tmp_path / "lookups"
    lookups.touch()
    environment = {
        "LD_PRELOAD": str(library), "HONGYAN_TEST_LOOKUPS": str(lookups),
        "HONGYAN_TEST_LOOKUP_MS": str(int(LOOKUP * 1000)),
        # The address sanitizer wants to be first, and is satisfied with being second.
        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
    return environment, lookups


def most_at_once(lookups):
    """How many look-ups went on at the same time."""
    running = most = 0
    for word in lookups.read_text().split():
        running += 1 if word == "begin" else -1
        most = max(most, running)
    return most


@pytest.mark.seconds(20)
def test_N01_slow_names_do_not_stop_the_loop(start, sandbox, slow_names):
    environment, lookups = slow_names
    account = sandbox.new_account()
    service = start(account, {"wechat": {"api_urls": ["https://slow.example"], "timeout": "1s"}}, wait=False,
                    env=environment)
    begun, slowest, answered = time.monotonic(), 0.0, 0
    # Until a look-up that outlived its request by far has ended, and the next has begun.
    while lookups.read_text().count("begin") < 2:
        asked = time.monotonic()
        assert service.http("/livez")[0] == 200
        slowest, answered = max(slowest, time.monotonic() - asked), answered + 1
        assert time.monotonic() - begun < LIMIT + 2 * LOOKUP
    assert most_at_once(lookups) == 1
    assert slowest < LOOKUP / 4, "the loop waited for a name"
    assert answered > 20

    # Callers hear in time that nothing was sent.
    asked = time.monotonic()
    failed = failure(service.send_text, "oX", "x", timeout=LIMIT)
    expect(failed, "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")
    assert "nothing was sent" in failed.message and time.monotonic() - asked < LOOKUP / 2

    # And the end doesn't wait for a name either.
    begins = lookups.read_text().count("begin")
    while lookups.read_text().count("begin") == begins:
        assert service.http("/livez")[0] == 200
        assert time.monotonic() - begun < 2 * LIMIT + 2 * LOOKUP
    asked = time.monotonic()
    service.stop()
    assert time.monotonic() - asked < LOOKUP / 2
    assert most_at_once(lookups) == 1


def test_N01_the_next_url_is_taken_after_a_name_that_is_not_found_in_time(start, sandbox, slow_names):
    environment, _ = slow_names
    account = sandbox.new_account()
    # It is the time for the sandbox's answer too.
    service = start(account, {"wechat": {"api_urls": ["https://slow.example", sandbox.url],
                                         "timeout": f"{int(1000 * SCALE)}ms"}}, wait=False, env=environment)
    openid = account.user()
    service.wait_until_serving()
    assert service.send_text(openid, "x", timeout=LIMIT).attempts == 1
    assert account.texts(openid) == ["x"]


@pytest.mark.seconds(15)
def test_A02_N01_callers_in_a_hurry_leave_no_threads_and_no_descriptors_behind(start, sandbox, slow_names):
    environment, lookups = slow_names
    account = sandbox.new_account()
    service = start(account, {"wechat": {"api_urls": ["https://slow.example", sandbox.url]}}, wait=False, env=environment)
    service.wait_until_serving()
    stub, request = service.stub(), service.text(account.user())
    threads, descriptors = service.threads(), service.descriptors()
    begun, most_threads, most_descriptors, calls = time.monotonic(), 0, 0, 0
    # Until all of a wave get through: the name has been silent for too long, and the other address is taken.
    while True:
        wave = [stub.SendText.future(request, timeout=0.15 * SCALE) for _ in range(60)]
        most_threads = max(most_threads, service.threads())
        most_descriptors = max(most_descriptors, service.descriptors())
        codes = [call.code().name for call in wave]
        assert set(codes) <= {"OK", "DEADLINE_EXCEEDED", "UNAVAILABLE"}, codes
        calls += len(wave)
        if calls >= 600 and set(codes) == {"OK"}:
            break
        assert time.monotonic() - begun < LIMIT
    assert most_at_once(lookups) == 1
    assert most_threads <= threads + 8, "gRPC's own come and go"
    assert most_descriptors <= descriptors + 140, "connections to WeChat"
    assert account.arrivals(CUSTOM) >= 60
