"""What the running service does unasked: old events go, those who left are forgotten, missing profiles are asked again, and
a damaged storage is told. Housekeeping comes with the start, so the rows are aged while the service is down."""

import sqlite3

import pytest

from sandbox_process import USER, USERS
from signed_push import message, post, signed
from timing import LIMIT, eventually

HOUR = 3600 * 1000000


@pytest.fixture
def called(start, account):
    service = start({"main": account}, {"storage": {"retention": "1h", "unsubscribed_retention": "1h"}})
    account.calls_back(service.callback_url + "main")
    return service


def restarted(service, account, meanwhile):
    service.stop()
    meanwhile()
    service.start()
    account.calls_back(service.callback_url + "main")


def sql(service, statement):
    database = sqlite3.connect(service.folder / "hongyan.db", isolation_level=None)
    try:
        return database.execute(statement).fetchall()
    finally:
        database.close()


def follower(service, openid):
    stub = service.api.subscribers_rpc.SubscriberServiceStub(service.channel)
    return stub.GetSubscriber(service.api.subscribers.GetSubscriberRequest(openid=openid), timeout=LIMIT).subscriber


def events(service):
    stub = service.api.events_rpc.EventServiceStub(service.channel)
    found = stub.ListEvents(service.api.events.ListEventsRequest(page_size=1000), timeout=LIMIT).events
    return [(event.cursor, event.openid, event.type) for event in found]


def followed(service, account, openid):
    account.post("follow", openid=openid, unionid="u" + openid)
    eventually(lambda: follower(service, openid).user.unionid, what="the profile is stored")


def test_old_events_are_removed_and_their_cursors_not_used_again(called, account):
    for number in range(3):
        account.post("message", openid=account.user(openid=f"oOld_{number}"), content="x")
    before = events(called)
    restarted(called, account, lambda: sql(
        called, f"UPDATE events SET receive_time = receive_time - {2 * HOUR}, seq = seq - {2 * HOUR}"
                " WHERE openid <> 'oOld_1'"))
    eventually(lambda: events(called) == before[1:2], what="old events are removed")
    removed = eventually(lambda: called.log(event="old events removed"), what="how many is logged")
    assert removed[0]["events"] == 2
    account.post("message", openid="oOld_0", content="new")
    kept, new = events(called)
    assert kept == before[1] and new[1:] == ("oOld_0", "text") and new[0] > before[2][0]


def test_who_left_long_ago_is_forgotten(called, account):
    for openid in ("oLeft_1", "oLeft_2", "oStays_1"):
        followed(called, account, openid)
        account.post("message", openid=openid, content="private words")
    account.post("unfollow", openid="oLeft_1")
    account.post("unfollow", openid="oLeft_2")
    restarted(called, account, lambda: sql(
        called, f"UPDATE subscribers SET unsubscribe_time = unsubscribe_time - {2 * HOUR}, state_time = state_time - {2 * HOUR}"
                " WHERE openid = 'oLeft_1'"))
    eventually(lambda: not follower(called, "oLeft_1").user.unionid, what="the profile is erased")
    one = follower(called, "oLeft_1")
    assert not one.user.subscribed and one.user.subscribe_scene == "" and one.unsubscribe_time.seconds > 0
    eventually(lambda: {openid for _, openid, _ in events(called)} == {"oLeft_2", "oStays_1"}, what="the events are gone")
    assert follower(called, "oLeft_2").user.unionid == "uoLeft_2"
    assert follower(called, "oStays_1").user.unionid == "uoStays_1"


def aged(service, days):
    """Everything that is stored was received so long ago, so that the clock seems to have leapt ahead by that."""
    leap = days * 24 * HOUR
    sql(service, f"UPDATE events SET receive_time = receive_time - {leap}, seq = seq - {leap}")
    sql(service, f"UPDATE event_keys SET receive_time = receive_time - {leap}, seq = seq - {leap}")
    sql(service, "UPDATE subscribers SET " + ", ".join(
        f"{column} = max({column} - {leap}, 0)" for column in ("state_time", "unsubscribe_time", "update_time")))
    sql(service, f"UPDATE hongyan_counters SET number = number - {leap} WHERE name IN ('event', 'clock_believed')")
    (service.folder / "hongyan.db-lock").unlink()


def test_A06_C01_clock_that_is_a_month_ahead_removes_nothing(called, account):
    followed(called, account, "oLeft_1")
    account.post("message", openid="oLeft_1", content="kept")
    account.post("unfollow", openid="oLeft_1")
    for number in (1, 2):  # over restarts too
        # A round of housekeeping ends with the profiles that are missing.
        missing = f"oMissing_{number}"
        account.fault({"errcode": 48001}, api=USER, openid=missing, times=0)
        account.fault({"errcode": 48001}, api=USERS, times=0)
        account.post("follow", openid=missing, unionid="u" + missing)
        account.wait(USER, openid=missing)
        if number == 1:
            restarted(called, account, lambda: (account.sandbox.clear_faults(), aged(called, 31)))
        else:
            restarted(called, account, account.sandbox.clear_faults)
        eventually(lambda: follower(called, missing).user.unionid, what="a round has ended")  # noqa: B023
        assert len(called.log(event="clock leapt ahead")) == 1
        assert len(events(called)) == 3 + number
        assert follower(called, "oLeft_1").user.unionid == "uoLeft_1"
        assert not called.log(event="old events removed") and not called.log(event="personal fields erased")


def test_who_came_back_unnoticed_is_not_forgotten(called, account):
    followed(called, account, "oBack_1")
    account.post("unfollow", openid="oBack_1")
    left = follower(called, "oBack_1").unsubscribe_time.seconds
    account.post("users", openid="oBack_1", subscribed=True)
    account.post("push", openid="oBack_1", type="text", create_time=left + 2)
    restarted(called, account, lambda: sql(called, f"UPDATE subscribers SET state_time = state_time - {2 * HOUR}"))
    account.wait(USERS)
    eventually(lambda: follower(called, "oBack_1").user.unionid == "uoBack_1", what="the profile is read again")
    assert follower(called, "oBack_1").user.subscribed and len(events(called)) == 3


def test_profile_that_could_not_be_fetched_is_asked_again(called, account):
    account.fault({"errcode": 48001}, api=USER, openid="oAgain_1", times=1)
    followed(called, account, "oAgain_1")
    account.wait(USER, count=2, openid="oAgain_1")


def test_missing_profiles_are_repaired_by_housekeeping(called, account):
    account.fault({"errcode": 48001}, api=USER, openid="oMissing_1", times=0)
    account.fault({"errcode": 48001}, api=USERS, times=0)  # the round of the first start may come this late
    account.post("follow", openid="oMissing_1", unionid="uMissing_1")
    account.wait(USER, openid="oMissing_1")
    assert follower(called, "oMissing_1").user.unionid == ""
    restarted(called, account, account.sandbox.clear_faults)
    eventually(lambda: follower(called, "oMissing_1").user.unionid == "uMissing_1", what="the profile is repaired")


def test_D07_damage_is_told_by_readyz_until_it_is_mended(called, account):
    database = called.folder / "hongyan.db"
    numbers = iter(range(1, 10**6))

    def pushed():
        number = next(numbers)
        query = signed(account, nonce=f"n{number}")
        return post(called, query, message("oK", "x" * 500, number, created=query["timestamp"]))[0]

    for _ in range(30):
        assert pushed() == 200
    sound = {}

    def put(bytes_):
        with open(database, "r+b") as file:
            file.seek(sound["at"])
            sound.setdefault("page", file.read(4096))
            file.seek(sound["at"])
            file.write(bytes_)

    def damage():
        sound["at"] = (sql(called, "SELECT rootpage FROM sqlite_master WHERE name = 'events'")[0][0] - 1) * 4096
        put(b"\xff" * 4096)

    restarted(called, account, damage)
    assert pushed() == 503
    status, body = called.http("/readyz")
    assert status == 503 and "damaged" in body
    eventually(lambda: called.metric("hongyan_storage_failed_probes_total") >= 2, what="it is looked through")
    assert called.http("/readyz")[0] == 503
    put(sound["page"])
    eventually(lambda: called.http("/readyz")[0] == 200, what="the storage is sound again")
    assert pushed() == 200 and len(events(called)) == 31
