"""A day of a busy account, hour by hour: what WeChat pushed, by the sandbox's own ledger, is in the store, with the watchers
and in the answers, to the last event."""

import collections
import concurrent.futures
import json
import random
import signal
import sqlite3
import threading
import xml.etree.ElementTree as ElementTree

import grpc
import pytest

from signed_push import AES_KEY
from timing import LIMIT, eventually

WELCOME, HELP = "谢谢您的关注!", "请回复 1 或 2"
HANDS = 8  # people who act at the same time


class Follower(threading.Thread):
    """A second service: follows all events, keeps its cursor, comes back when the stream breaks."""

    def __init__(self, day, after=0, types=()):
        super().__init__(daemon=True)
        self.day, self.cursor, self.types = day, after, list(types)
        self.events, self.breaks, self.done = [], 0, threading.Event()
        self.start()

    def run(self):
        while not self.done.is_set():
            service = self.day.service
            request = service.api.events.WatchEventsRequest(after_cursor=self.cursor, types=self.types)
            try:
                self.stream = service.api.events_rpc.EventServiceStub(service.channel).WatchEvents(request)
                for answer in self.stream:
                    self.events.append(answer.event)
                    self.cursor = answer.event.cursor
            except (grpc.RpcError, ValueError):  # ValueError: the channel was closed by the restart
                self.breaks += 1
                self.day.up.wait(LIMIT)

    def end(self):
        self.done.set()
        self.stream.cancel()
        self.join(LIMIT)
        assert not self.is_alive()


class Day:
    def __init__(self, start, account, mode, form):
        self.account, self.mode, self.form, self.start = account, mode, form, start
        self.random = random.Random(20261123)
        callback = {"token": "${CALLBACK_TOKEN_OF_MAIN}", "mode": mode}
        if mode != "plain":
            callback["encoding_aes_key"] = AES_KEY
        replies = [{"on": "subscribe", "text": WELCOME}, {"on": "text", "match": "^帮助$", "text": HELP}]
        self.service = start(account, account_config={"main": {"callback": callback, "replies": replies}})
        self.up = threading.Event()
        self.connect()
        self.people = [f"oDay_{mode[:2]}{form[:2]}_{n:04d}" for n in range(60)]
        for openid in self.people:
            account.post("users", openid=openid, unionid="u" + openid, subscribed=False)

    def connect(self):
        account, settings = self.account, {"mode": self.mode, "format": self.form}
        if self.mode != "plain":
            settings["encoding_aes_key"] = AES_KEY
        account.change(callback={"url": self.service.callback_url + "main", "token": account.callback_token, **settings})
        self.up.set()

    def all_at_once(self, actions):
        with concurrent.futures.ThreadPoolExecutor(HANDS) as hands:
            return list(hands.map(lambda action: self.account.post(action[0], **action[1]), actions))

    # --- hours --------------------------------------------------------------------------------------------------------

    def follows(self):
        self.all_at_once([("follow", {"openid": openid, **({"scene": str(n)} if n % 3 == 0 else {})})
                          for n, openid in enumerate(self.people)])

    def chatter(self, repeat=0):
        kinds = [
            lambda who: ("message", {"openid": who, "content": self.random.choice(["帮助", "你好 🪿", "]]> <b>&amp;"])}),
            lambda who: ("message", {"openid": who, "type": self.random.choice(["image", "voice", "location", "link"])}),
            lambda who: ("click", {"openid": who, "event_key": f"MENU_{self.random.randrange(5)}"}),
            lambda who: ("view", {"openid": who, "url": "https://example.com/?a=1&b=2"}),
            lambda who: ("scan", {"openid": who, "scene": str(self.random.randrange(9))}),
            lambda who: ("location", {"openid": who, "latitude": self.random.random(), "longitude": self.random.random()}),
        ]
        actions = [self.random.choice(kinds)(self.random.choice(self.people)) for _ in range(150)]
        self.all_at_once([(what, {**fields, "repeat": repeat if n % 10 == 0 else 0})
                          for n, (what, fields) in enumerate(actions)])

    def templates(self):
        """Receipts before the answer of the send, twice, and after it."""
        for when, times in (("early", 2), ("late", 1)):
            self.account.change(receipts={"when": when, "times": times, "status": "success"})
            calls = [self.service.stub().SendTemplate.future(self.service.template(openid=openid), timeout=LIMIT)
                     for openid in self.people[:15]]
            assert all(call.result().delivery.msg_id for call in calls)
        self.account.change(receipts={"when": "none"})
        found = self.account.sandbox.get("pushes/wait", app_id=self.account.app_id, event="TEMPLATESENDJOBFINISH", count=45,
                                         timeout_ms=int(LIMIT * 1000))
        assert found["reached"], found

    def platform(self):
        """Each type that WeChat has, once."""
        types = self.account.sandbox.get("types")
        # Whoever is gone or leaves by these is not one of those who are counted at the end. Nothing else is kept of a person
        # whose WeChat account is closed.
        gone = "user_authorization_cancellation"
        self.all_at_once([("push", {"openid": "oDay_is_gone" if name == gone else "oDay_for_types", what: name})
                          for what, names in (("type", types["messages"]), ("event", types["events"])) for name in names])

    def strangers(self):
        kinds = self.account.sandbox.get("garbage")["kinds"]
        kinds = kinds[:kinds.index("unencrypted")] if self.mode == "plain" else kinds
        answer = self.account.post("garbage", kinds=kinds, count=2)
        statuses = {status for counts in answer["statuses"].values() for status in counts}
        assert statuses <= {"400", "403", "413"}, answer

    def slow_storage(self):
        """Somebody holds the database for too long: WeChat hears 503, and what it pushes again is taken."""
        holder = sqlite3.connect(self.service.folder / "hongyan.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        answer = self.account.post("message", openid=self.people[1], content="held")
        assert answer["push"]["status"] == 503, answer
        holder.execute("ROLLBACK")
        holder.close()
        self.push_failed_again()

    def crash(self):
        """Killed in the middle of pushes."""
        with concurrent.futures.ThreadPoolExecutor(1) as hand:
            recorded = self.service.metric("hongyan_callbacks_total", outcome="ok")
            chatter = hand.submit(self.chatter)
            eventually(lambda: self.service.metric("hongyan_callbacks_total", outcome="ok") > recorded + 20, what="pushes")
            self.up.clear()
            self.service.process.send_signal(signal.SIGKILL)
            self.service.process.wait(LIMIT)
            chatter.result()
        self.service.start()
        self.connect()
        self.push_failed_again()

    def push_failed_again(self):
        def taken(push):
            return self.account.post("push", openid=push["openid"], body=push["message"])["push"]["status"] == 200

        for push in self.pushes(outcome="failed"):
            eventually(lambda: taken(push), what="what failed is taken")  # noqa: B023

    def leave(self):
        self.all_at_once([("unfollow", {"openid": openid}) for openid in self.people[40:]])
        self.push_failed_again()  # before the same people come back
        self.all_at_once([("follow", {"openid": openid}) for openid in self.people[50:]])
        self.push_failed_again()

    # --- what is true at the end --------------------------------------------------------------------------------------

    def pushes(self, **filters):
        found = []
        while True:
            page = self.account.sandbox.get("pushes", app_id=self.account.app_id, limit=1000,
                                            after_id=found[-1]["id"] if found else 0, **filters)["pushes"]
            if not page:
                return found
            found += page

    def rows(self):
        connection = sqlite3.connect(f"file:{self.service.folder / 'hongyan.db'}?mode=ro", uri=True)
        try:
            return connection.execute("SELECT seq, event_type, openid, body FROM events ORDER BY seq").fetchall()
        finally:
            connection.close()


def field(body, name):
    """A field of a push, as Python's own parsers read it."""
    return json.loads(body).get(name) if body.startswith("{") else ElementTree.fromstring(body).findtext(name)


def text(value):
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("mode, form", [("plain", "xml"), ("compatible", "xml"), ("safe", "json")])
@pytest.mark.seconds(10)
def test_day_of_a_busy_account(start, account, mode, form):
    day = Day(start, account, mode, form)
    early = Follower(day)
    clicks = Follower(day, types=["click"])
    day.follows()
    day.strangers()
    day.chatter(repeat=2)
    day.templates()
    late = Follower(day)
    day.crash()
    day.platform()
    day.slow_storage()
    day.strangers()
    day.chatter()
    day.push_failed_again()
    day.leave()

    # The store: every push that was acknowledged, each once, and nothing that WeChat hasn't pushed.
    acknowledged = {push["message"] for push in day.pushes(outcome="delivered")}
    rows = day.rows()
    bodies = collections.Counter(text(body) for _, _, _, body in rows)
    assert set(bodies) == acknowledged
    assert max(bodies.values()) == 1
    assert not [openid for _, _, openid, _ in rows if openid.startswith("oStranger")]
    assert all(earlier < later for (earlier, *_), (later, *_) in zip(rows, rows[1:]))

    # Those who follow: every event, in order, over the crash.
    cursors = [seq for seq, *_ in rows]
    for follower in (early, late):
        eventually(lambda: follower.cursor == cursors[-1], what="the last event")  # noqa: B023
        assert [event.cursor for event in follower.events] == cursors
        assert [event.type for event in follower.events] == [kind for _, kind, _, _ in rows]
        assert [event.openid for event in follower.events] == [openid for _, _, openid, _ in rows]
        assert [event.text.content for event in follower.events if event.type == "text"] == [
            field(text(body), "Content") for _, kind, _, body in rows if kind == "text"]
    eventually(lambda: len(clicks.events) == sum(kind == "click" for _, kind, _, _ in rows), what="the clicks")
    assert {event.type for event in clicks.events} == {"click"}
    assert early.breaks and clicks.breaks
    for follower in (early, late, clicks):
        follower.end()

    # The answers, as the sandbox read them.
    for push in day.pushes(outcome="delivered"):
        said = "".join(attempt.get("decrypted") or attempt["body"] for attempt in push["attempts"])
        follows = field(push["message"], "Event") == "subscribe"
        wanted = WELCOME if follows else HELP if "帮助" in push["message"] else None
        assert push["outcome"] == ("reply" if wanted else "success") and (wanted or "success") in said, push
    assert not any(account.sandbox.violations().values())

    # Who follows now.
    pb = day.service.api.subscribers
    stub = day.service.api.subscribers_rpc.SubscriberServiceStub(day.service.channel)
    following = {one.user.openid for one in stub.ListSubscribers(
        pb.ListSubscribersRequest(subscribed=True, page_size=1000), timeout=LIMIT).subscribers}
    assert following & set(day.people) == set(day.people[:40] + day.people[50:])
    one = pb.GetSubscriberRequest(unionid="u" + day.people[55])
    eventually(lambda: stub.GetSubscriber(one, timeout=LIMIT).subscriber.user.subscribed, what="profiles")
