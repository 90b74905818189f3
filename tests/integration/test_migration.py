"""A database that an earlier version made, under the present one. The truth is what SQLite's own program said of it then."""

import pathlib
import shutil
import sqlite3

import pytest

from rpc_failure import expect, failure
from timing import LIMIT

MADE = pathlib.Path(__file__).resolve().parents[1] / "data" / "storage" / "schema_4.db"


@pytest.fixture
def truth():
    database = sqlite3.connect(":memory:")
    database.executescript(MADE.with_suffix(".sql").read_text(encoding="utf-8"))
    yield database
    database.close()


@pytest.fixture
def called(start, sandbox, tmp_path):
    file = tmp_path / "hongyan.db"
    shutil.copy(MADE, file)
    shutil.copy(f"{MADE}-lock", f"{file}-lock")
    service = start({"main": sandbox.new_account(), "shop": sandbox.new_account()},
                    {"storage": {"url": f"sqlite:{file}"}})
    for name, account in service.accounts.items():
        account.calls_back(service.callback_url + name)
    return service


def test_everything_of_schema_4_is_read_back(called, truth):
    events, subscribers = called.api.events, called.api.subscribers
    stub = called.api.events_rpc.EventServiceStub(called.channel)
    found = stub.ListEvents(events.ListEventsRequest(page_size=1000), timeout=LIMIT).events
    rows = truth.execute("SELECT seq, account, openid, event_type, create_time, receive_time FROM events ORDER BY seq")
    assert [(event.cursor, event.account, event.openid, event.type, event.create_time.ToMicroseconds(),
             event.receive_time.ToMicroseconds()) for event in found] == rows.fetchall()
    assert all(event.WhichOneof("payload") == event.type and not event.damaged for event in found)
    for event in found:
        if event.type == "text":
            (body,) = truth.execute("SELECT body FROM events WHERE seq = ?", (event.cursor,)).fetchone()
            assert event.text.content and (event.text.content in body or "]]>" in event.text.content)
    people = called.api.subscribers_rpc.SubscriberServiceStub(called.channel)
    for account, openid, subscribed, unionid, remark, tags in truth.execute(
            "SELECT account, openid, subscribed, unionid, remark, tag_ids FROM subscribers").fetchall():
        one = people.GetSubscriber(subscribers.GetSubscriberRequest(account=account, openid=openid), timeout=LIMIT).subscriber
        assert (one.user.subscribed, one.user.unionid, one.user.remark) == (bool(subscribed), unionid, remark)
        assert list(one.user.tag_ids) == [int(tag) for tag in tags.split(",") if tag]
    migrated = called.log(event="storage migrated")
    assert [line["schema"] for line in migrated][0] == 5


def test_A05_readers_of_schema_4_go_on_with_their_cursors(called, truth):
    main, events = called.accounts["main"], called.api.events
    stub = called.api.events_rpc.EventServiceStub(called.channel)
    (last,) = truth.execute("SELECT number FROM hongyan_counters WHERE name = 'event'").fetchone()
    unknown = events.ListEventsRequest(after_cursor=last + 1)
    expect(failure(stub.ListEvents, unknown, timeout=LIMIT), "OUT_OF_RANGE", "CURSOR_UNKNOWN", "hongyan")
    watching = stub.WatchEvents(events.WatchEventsRequest(after_cursor=last - 5, account="shop"), timeout=LIMIT)
    rows = truth.execute("SELECT seq FROM events WHERE account = 'shop' AND seq > ? ORDER BY seq", (last - 5,)).fetchall()
    assert rows and [next(watching).event.cursor for _ in rows] == [seq for (seq,) in rows]
    shop = called.accounts["shop"]
    main.post("message", openid=main.user(), content="not mine")
    shop.post("message", openid=shop.user(), content="new")
    event = next(watching).event
    assert event.text.content == "new" and event.cursor >= event.receive_time.ToMicroseconds() > last
    watching.cancel()
