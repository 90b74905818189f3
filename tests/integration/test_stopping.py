"""What the end of the service leaves to its callers that can be taken up later."""

import signal

from rpc_failure import expect, failure
from sandbox_process import USER_LIST, USERS
from timing import LIMIT


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
