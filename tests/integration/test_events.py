"""What WeChat pushes: stored once, told to everyone who follows, there after a crash."""

import base64
import concurrent.futures
import http.client
import os
import signal
import sqlite3
import struct
import subprocess
import time

import grpc
import pytest

from rpc_failure import expect, failure
from signed_push import AES_KEY, message, post, signature, signed, target
from timing import LIMIT, SCALE, Stopwatch, eventually


@pytest.fixture
def called(start, account):
    service = start({"main": account})
    account.calls_back(service.callback_url + "main")
    return service


def events(service):
    return service.api.events_rpc.EventServiceStub(service.channel)


def listed(service, **fields):
    return list(events(service).ListEvents(service.api.events.ListEventsRequest(**fields), timeout=LIMIT).events)


def watch(service, **fields):
    return events(service).WatchEvents(service.api.events.WatchEventsRequest(**fields), timeout=LIMIT)


def stored(service):
    """The truth by SQLite's own reader."""
    with sqlite3.connect(f"file:{service.folder / 'hongyan.db'}?mode=ro", uri=True) as database:
        return [row[0] for row in database.execute("SELECT event_type FROM events ORDER BY seq")]


# --- events -----------------------------------------------------------------------------------------------------------


def test_events_are_listed_in_order_with_their_payload(called, account):
    user = account.user()
    account.post("message", openid=user, content="你好 🎉")
    account.post("follow", openid="oFresh_1")
    account.post("message", openid=user, content="再见")
    found = listed(called)
    assert [event.type for event in found] == ["text", "subscribe", "text"] == stored(called)
    first, second, third = (event.cursor for event in found)
    assert found[0].receive_time.ToMicroseconds() <= first < second < third
    assert found[0].text.content == "你好 🎉" and found[0].openid == user and found[0].account == "main"
    assert found[0].create_time.seconds <= found[0].receive_time.seconds + 1
    assert found[1].WhichOneof("payload") == "subscribe"
    assert [event.cursor for event in listed(called, after_cursor=first, types=["text"])] == [third]
    assert [event.cursor for event in listed(called, types=["text", "subscribe", "link"])] == [first, second, third]
    assert [event.cursor for event in listed(called, page_size=2)] == [first, second]
    assert listed(called, after_cursor=third) == []


def test_wrong_filters_are_named(called):
    request = called.api.events.ListEventsRequest
    for fields, field in (({"types": ["text", "tex"]}, "types[1]"), ({"after_cursor": -1}, "after_cursor"),
                          ({"page_size": -1}, "page_size"), ({"account": "nobody"}, "account")):
        failed = failure(events(called).ListEvents, request(**fields), timeout=LIMIT)
        expect(failed, "INVALID_ARGUMENT", "INVALID_REQUEST", "hongyan")
        assert field in failed.fields, failed


def test_W05_a_mistyped_type_is_answered_with_those_that_there_are(called):
    request = called.api.events.ListEventsRequest
    failed = failure(events(called).ListEvents, request(types=["subscrib"]), timeout=LIMIT)
    expect(failed, "INVALID_ARGUMENT", "INVALID_REQUEST", "hongyan")
    # The payloads of an event are called as the types are.
    types = {field.name for field in called.api.events.Event.DESCRIPTOR.oneofs_by_name["payload"].fields}
    (said,) = (each.description for each in failed.detail("BadRequest").field_violations)
    assert "did you mean subscribe?" in said
    assert set(said.partition("There are ")[2].split(", ")) == types


def test_watchers_replay_then_follow_and_miss_nothing(called, account):
    user = account.user()
    for i in range(3):
        account.post("message", openid=user, content=f"{i}")
    everything, later = watch(called, after_cursor=0), watch(called, after_cursor=listed(called)[1].cursor)
    assert [next(everything).event.text.content for _ in range(3)] == ["0", "1", "2"]
    assert next(later).event.text.content == "2"
    from_now = watch(called, types=["subscribe"])
    from_now.initial_metadata()
    account.post("message", openid=user, content="3")
    account.post("follow", openid="oFresh_2")
    assert next(everything).event.text.content == "3" and next(everything).event.type == "subscribe"
    assert next(later).event.text.content == "3" and next(later).event.type == "subscribe"
    assert next(from_now).event.openid == "oFresh_2"
    for stream in (everything, later, from_now):
        stream.cancel()


def test_watcher_resumes_after_a_crash_of_the_service(called, account):
    user = account.user()
    account.post("message", openid=user, content="before")
    stream = watch(called, after_cursor=0)
    cursor = next(stream).event.cursor
    account.post("message", openid=user, content="unread")
    called.process.send_signal(signal.SIGKILL)
    called.process.wait(LIMIT)
    called.start()
    account.calls_back(called.callback_url + "main")
    account.post("message", openid=user, content="after")
    stream = watch(called, after_cursor=cursor)
    assert [next(stream).event.text.content for _ in range(2)] == ["unread", "after"]
    stream.cancel()


def test_X12_crash_between_record_and_answer(start, account, handler):
    """Recorded, but not answered, for the handler is still being asked: WeChat pushes again, and the event stays one."""
    handler.says_when_released("never")
    called = start({"main": account}, account_config={"main": {
        "callback": {"token": account.callback_token, "mode": "plain"}, "handler": {"target": handler.address}}})
    query = signed(account, nonce="n1")
    body = message("oCrash", "once")
    connection = http.client.HTTPConnection(called.callback_address, timeout=LIMIT)
    connection.request("POST", target(query), body)

    def recorded():
        database = sqlite3.connect(called.folder / "hongyan.db")
        try:
            return database.execute("SELECT count(*) FROM events").fetchone()[0]
        finally:
            database.close()

    assert handler.next_call()[0].event.text.content == "once"
    assert recorded() == 1
    called.process.send_signal(signal.SIGKILL)
    called.process.wait(LIMIT)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.getresponse()  # no answer had left
    connection.close()
    called.start()
    assert post(called, query, body) == (200, "success")
    assert post(called, signed(account, nonce="n2"), body) == (200, "success")
    assert [event.text.content for event in listed(called)] == ["once"] and recorded() == 1


# --- cursors ----------------------------------------------------------------------------------------------------------


def unknown(called, **fields):
    """CURSOR_UNKNOWN, from both methods, and at once."""
    request = called.api.events.ListEventsRequest(**fields)
    expect(failure(events(called).ListEvents, request, timeout=LIMIT), "OUT_OF_RANGE", "CURSOR_UNKNOWN", "hongyan")
    request = called.api.events.WatchEventsRequest(**fields)
    failed = failure(lambda request, timeout: list(events(called).WatchEvents(request, timeout=timeout)), request,
                     timeout=LIMIT)
    expect(failed, "OUT_OF_RANGE", "CURSOR_UNKNOWN", "hongyan")
    return failed


def test_A05_cursor_that_was_never_given_is_told_at_once(called, account):
    unknown(called, after_cursor=1)
    account.post("message", openid=account.user(), content="x")
    last = listed(called)[0].cursor
    for cursor in (last + 1, 2**63 - 1):
        failed = unknown(called, after_cursor=cursor)
        assert failed.metadata["last_cursor"] == str(last) and "Begin again with 0" in failed.message
        unknown(called, after_cursor=cursor, account="main", types=["link"])
    assert listed(called, after_cursor=last) == []
    # Below the last one any number will do: it may have been of an event that has gone.
    assert len(listed(called, after_cursor=last - 1)) == 1


def test_A05_reader_of_a_restored_backup_hears_of_it_or_gets_everything_later(called, account):
    user = account.user()
    account.post("message", openid=user, content="kept")
    called.stop()
    backup = called.folder / "backup.db"
    # As docs/operations.md says, and nothing but that.
    with sqlite3.connect(called.folder / "hongyan.db") as source, sqlite3.connect(backup) as copy:
        source.backup(copy)
    called.start()
    account.calls_back(called.callback_url + "main")
    for i in range(3):
        account.post("message", openid=user, content=f"lost {i}")
    reader = listed(called)[-1].cursor
    called.stop()
    for file in called.folder.glob("hongyan.db*"):
        file.unlink()
    backup.rename(called.folder / "hongyan.db")
    called.start()
    account.calls_back(called.callback_url + "main")
    unknown(called, after_cursor=reader)
    account.post("message", openid=user, content="later")
    stream = watch(called, after_cursor=reader)
    assert next(stream).event.text.content == "later"
    stream.cancel()
    assert [event.text.content for event in listed(called)] == ["kept", "later"]


def test_A05_A04_reader_that_is_connected_while_a_backup_takes_the_files_place_misses_nothing_later(called, account):
    file = called.folder / "hongyan.db"
    user = account.user()
    account.post("message", openid=user, content="kept")
    subprocess.run(["sqlite3", file, f".backup {file}-copy"], check=True, timeout=LIMIT)
    for i in range(3):
        account.post("message", openid=user, content=f"lost {i}")
    everything, texts = watch(called, after_cursor=0), watch(called, account="main", types=["text"], after_cursor=0)
    seen = [[next(stream).event.cursor for _ in range(4)] for stream in (everything, texts)]
    os.replace(f"{file}-copy", file)
    query, body = signed(account), message(user, "later")
    eventually(lambda: post(called, query, body)[0] == 200, what="the storage has taken the backup over")
    for stream, cursors in zip((everything, texts), seen):
        event = next(stream).event
        assert event.text.content == "later" and event.cursor > cursors[-1]
        stream.cancel()
    assert [event.text.content for event in listed(called)] == ["kept", "later"]
    assert called.metric("hongyan_storage_lost_events_total") == 3


# --- damage -----------------------------------------------------------------------------------------------------------


def test_A17_D07_reader_of_texts_hears_of_a_damaged_text(called, account):
    user = account.user()
    for content in ("before", "damaged", "after"):
        account.post("message", openid=user, content=content)
    account.post("click", openid=user, event_key="K")
    cursors = [event.cursor for event in listed(called)]
    database = sqlite3.connect(called.folder / "hongyan.db")
    # One bit, as a disk flips it; and a name that is no text any more.
    database.execute("UPDATE events SET body = replace(body, 'damaged', 'damagee'), openid = CAST(x'ff41' AS TEXT)"
                     " WHERE seq = ?", (cursors[1],))
    database.commit()
    database.close()
    for _ in range(2):
        found = listed(called, types=["text"])
        assert [event.cursor for event in found] == cursors[:3]
        assert [event.damaged for event in found] == [False, True, False]
        assert found[1].type == "text" and found[1].WhichOneof("payload") is None
        assert found[0].text.content == "before" and found[2].text.content == "after"
    stream = watch(called, after_cursor=0, types=["text"])
    assert [next(stream).event.damaged for _ in range(3)] == [False, True, False]
    stream.cancel()
    assert called.metric("hongyan_storage_damaged_events_total") == 1
    told = eventually(lambda: called.log(event="stored event is damaged"), what="the log tells it")
    assert len(told) == 1 and told[0]["cursor"] == cursors[1]


def test_end_of_the_service_ends_watchers_with_a_reason(called):
    stream = watch(called, after_cursor=0)
    stream.initial_metadata()
    called.process.send_signal(signal.SIGTERM)
    with pytest.raises(grpc.RpcError) as ended:
        next(stream)
    assert ended.value.code() == grpc.StatusCode.UNAVAILABLE
    assert called.process.wait(LIMIT) == 0


def test_repeats_are_stored_once(called, account):
    user = account.user()
    account.post("message", openid=user, content="x", repeat=3)
    assert stored(called) == ["text"]


def test_H22_what_cannot_be_stored_is_503_and_comes_again(called, account):
    user = account.user()
    account.post("message", openid=user, content="good")
    watcher = watch(called, after_cursor=0)
    assert next(watcher).event.text.content == "good"
    # Another writer holds the database for longer than the two seconds of a callback.
    holder = sqlite3.connect(called.folder / "hongyan.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    query, body = signed(account), message(user, "held")
    stopwatch = Stopwatch()
    assert post(called, query, body)[0] == 503
    assert stopwatch.elapsed() > 1.5 and stopwatch.seconds() < 5
    holder.execute("ROLLBACK")
    holder.close()
    # The write that took too long for WeChat is done after all, and nothing else comes that would wake the watcher.
    assert next(watcher).event.text.content == "held"
    assert post(called, query, body) == (200, "success")
    assert stored(called).count("text") == 2
    watcher.cancel()


def costs_no_reads(called, watching):
    """A watcher with nothing to read waits, so that the storage is read by others only."""
    before = called.metric("hongyan_storage_reads_total")
    for _ in range(50):
        listed(called, page_size=1)
    assert called.metric("hongyan_storage_reads_total") - before < 60
    watching.cancel()


def test_watcher_of_one_account_waits_while_others_are_busy(start, sandbox):
    quiet, busy = sandbox.new_account(), sandbox.new_account()
    called = start({"quiet": quiet, "busy": busy})
    for name, account in (("quiet", quiet), ("busy", busy)):
        account.calls_back(called.callback_url + name)
    user = busy.user()
    for i in range(250):
        busy.post("message", openid=user, content=f"{i}")
    watching = watch(called, account="quiet", after_cursor=0)
    watching.initial_metadata()
    costs_no_reads(called, watching)
    last = listed(called, page_size=1000)[-1].cursor
    watching = watch(called, account="quiet", types=["text"], after_cursor=last)
    watching.initial_metadata()
    quiet.post("message", openid=quiet.user(), content="mine")
    assert next(watching).event.text.content == "mine"
    costs_no_reads(called, watching)


def test_watcher_waits_behind_events_whose_time_is_over(called, account):
    user = account.user()
    for i in range(3):
        account.post("message", openid=user, content=f"{i}")
    # As retention leaves it.
    database = sqlite3.connect(called.folder / "hongyan.db")
    database.execute("DELETE FROM events")
    database.commit()
    database.close()
    watching = watch(called, after_cursor=0)
    watching.initial_metadata()
    account.post("message", openid=user, content="new")
    assert next(watching).event.text.content == "new"
    database = sqlite3.connect(called.folder / "hongyan.db")
    database.execute("DELETE FROM events")
    database.commit()
    database.close()
    late = watch(called, after_cursor=0)
    late.initial_metadata()
    costs_no_reads(called, late)
    watching.cancel()


def test_a_watchers_own_deadline_is_no_cancellation(called):
    failed = failure(lambda request, timeout: list(events(called).WatchEvents(request, timeout=timeout)),
                     called.api.events.WatchEventsRequest(), timeout=1)
    assert failed.code == grpc.StatusCode.DEADLINE_EXCEEDED


def test_X14_one_event_pushed_eight_times_at_once_is_recorded_once(called, account):
    """Over eight connections and under eight signatures, into one service: two of them on one storage wait for
    PostgreSQL."""
    body = message("oTwin", "once")

    def push(number):
        return post(called, signed(account, nonce=f"t{number}"), body)

    with concurrent.futures.ThreadPoolExecutor(8) as machines:
        assert list(machines.map(push, range(8))) == [(200, "success")] * 8
    assert stored(called) == ["text"]


def test_H21_receipts_of_a_big_template_run(called, account):
    """As many in a row as 20 000 a minute bring within a few seconds, over the connections of several machines."""
    stamp = str(int(time.time()))

    def receipts(first):
        connection = http.client.HTTPConnection(called.callback_address, timeout=LIMIT)
        for number in range(first, first + 250):
            body = (f"<xml><ToUserName>gh</ToUserName><FromUserName>oR{number}</FromUserName>"
                    f"<CreateTime>{stamp}</CreateTime><MsgType>event</MsgType><Event>TEMPLATESENDJOBFINISH</Event>"
                    f"<MsgID>{number}</MsgID><Status>success</Status></xml>")
            connection.request("POST", target(signed(account, nonce=f"n{number}")), body.encode())
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b"success")
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(8) as machines:
        list(machines.map(receipts, range(1, 2001, 250)))
    # By its own clock, since eight threads of Python's wait for each other. WeChat's patience is five seconds.
    soon = "1" if SCALE == 1 else "5"
    assert called.metric("hongyan_callback_seconds_count") == 2000
    assert called.metric("hongyan_callback_seconds_bucket", le=soon) == 2000
    connection = sqlite3.connect(called.folder / "hongyan.db")
    rows = connection.execute("SELECT count(DISTINCT openid), count(*) FROM events").fetchone()
    connection.close()
    assert rows == (2000, 2000)


# --- safe mode --------------------------------------------------------------------------------------------------------


def aes(data, *direction, of=AES_KEY):
    """AES-256-CBC by OpenSSL's own program, without padding."""
    key = base64.b64decode(of + "=")[:32]
    return subprocess.run(["openssl", "enc", *direction, "-aes-256-cbc", "-nopad", "-K", key.hex(), "-iv", key[:16].hex()],
                          input=data, capture_output=True, check=True).stdout


def encrypted(text, app_id, of=AES_KEY):
    full = os.urandom(16) + struct.pack(">I", len(text)) + text + app_id.encode()
    pad = 32 - len(full) % 32
    return base64.b64encode(aes(full + bytes([pad]) * pad, "-e", of=of)).decode()


def decrypted(text, of=AES_KEY):
    full = aes(base64.b64decode(text), "-d", of=of)
    full = full[:-full[-1]]
    length = struct.unpack(">I", full[16:20])[0]
    return full[20:20 + length].decode(), full[20 + length:].decode()


@pytest.mark.parametrize("mode", ["safe", "compatible"])
def test_encrypted_modes(start, account, mode):
    service = start({"main": account}, account_config={"main": {
        "callback": {"token": account.callback_token, "mode": mode, "encoding_aes_key": AES_KEY},
        "replies": [{"on": "text", "text": "收到"}]}})
    said = message("oSafe", "秘密")
    encrypt = encrypted(said, account.app_id)
    plain = signed(account, nonce="n1")
    query = {**plain, "encrypt_type": "aes",
             "msg_signature": signature(account.callback_token, plain["timestamp"], "n1", encrypt)}
    envelope = f"<xml><ToUserName><![CDATA[gh]]></ToUserName><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>".encode()

    assert post(service, plain, said) == (403, "")
    assert post(service, {**query, "msg_signature": "0" * 40}, envelope) == (403, "")
    assert post(service, query, said)[0] == 403
    for _ in range(2):  # the repeat is answered alike
        status, answer = post(service, query, envelope)
        assert status == 200
        fields = {name: answer.split(f"<{name}>")[1].split(f"</{name}>")[0].replace("<![CDATA[", "").replace("]]>", "")
                  for name in ("Encrypt", "MsgSignature", "TimeStamp", "Nonce")}
        assert fields["MsgSignature"] == signature(account.callback_token, fields["TimeStamp"], fields["Nonce"],
                                                   fields["Encrypt"])
        reply, app_id = decrypted(fields["Encrypt"])
        assert app_id == account.app_id and "<![CDATA[收到]]>" in reply and "<![CDATA[oSafe]]>" in reply
    found = listed(service)
    assert [event.text.content for event in found] == ["秘密"] and found[0].openid == "oSafe"


def test_X16_old_and_new_key_work_while_the_key_is_being_changed(start, account):
    """Each reply is sealed with the key that opened the push; a third key is a 400."""
    old, unknown = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "A" * 43
    service = start({"main": account}, account_config={"main": {
        "callback": {"token": account.callback_token, "mode": "safe", "encoding_aes_key": AES_KEY,
                     "previous_encoding_aes_key": old},
        "replies": [{"on": "text", "text": "收到"}]}})
    for number, key in enumerate((AES_KEY, old, unknown)):
        encrypt = encrypted(message("oKey", "k", number + 1), account.app_id, of=key)
        query = signed(account, nonce=f"k{number}", encrypt_type="aes")
        query["msg_signature"] = signature(account.callback_token, query["timestamp"], query["nonce"], encrypt)
        status, answer = post(service, query, f"<xml><ToUserName>gh</ToUserName><Encrypt>{encrypt}</Encrypt></xml>".encode())
        if key == unknown:
            assert status == 400
            continue
        assert status == 200
        reply, app_id = decrypted(answer.split("<Encrypt><![CDATA[")[1].split("]]>")[0], of=key)
        assert app_id == account.app_id and "收到" in reply
    assert len(listed(service)) == 2
