"""Who follows the account: rows from events, profiles from WeChat, windows and what sends spend of them, unionids."""

import time

import pytest

from rpc_failure import expect, failure
from sandbox_process import SHIPPED, SHIPPED_DATA, USER, USER_LIST, USERS
from timing import LIMIT, SCALE, Stopwatch, eventually


@pytest.fixture
def called(start, account):
    service = start({"main": account})
    account.calls_back(service.callback_url + "main")
    return service


def subscribers(service):
    return service.api.subscribers_rpc.SubscriberServiceStub(service.channel)


def stored(service, openid):
    request = service.api.subscribers.GetSubscriberRequest(openid=openid)
    return subscribers(service).GetSubscriber(request, timeout=LIMIT).subscriber


def imported(service, **fields):
    """The progress of a whole import."""
    request = service.api.subscribers.SyncSubscribersRequest(**fields)
    return list(subscribers(service).SyncSubscribers(request, timeout=LIMIT))


def followed(service, account, openid, unionid=""):
    """A new follower whose profile is stored."""
    account.post("users", openid=openid, unionid=unionid, subscribed=False)
    account.post("follow", openid=openid)
    eventually(lambda: stored(service, openid).user.subscribe_scene != "", what="the profile is stored")


def test_follower_is_kept_with_the_profile_and_the_window(called, account):
    pb, stub = called.api.subscribers, subscribers(called)
    account.post("follow", openid="oFresh_3")
    account.wait(USER, openid="oFresh_3")
    request = pb.GetSubscriberRequest(openid="oFresh_3")
    eventually(lambda: stub.GetSubscriber(request, timeout=LIMIT).subscriber.user.subscribe_scene != "", what="profile")
    one = stub.GetSubscriber(request, timeout=LIMIT).subscriber
    assert one.account == "main" and one.user.subscribed and one.allowance_left == 3
    account.post("message", openid="oFresh_3", content="hi")
    one = stub.GetSubscriber(request, timeout=LIMIT).subscriber
    assert one.allowance_left >= 5 and one.window_expire_time.seconds - one.last_inbound_time.seconds == 48 * 3600
    account.post("unfollow", openid="oFresh_3")
    one = stub.GetSubscriber(request, timeout=LIMIT).subscriber
    assert not one.user.subscribed and one.unsubscribe_time.seconds > 0
    gone = [who.user.openid for who in stub.ListSubscribers(pb.ListSubscribersRequest(subscribed=False),
                                                            timeout=LIMIT).subscribers]
    assert gone == ["oFresh_3"]
    stub.DeleteSubscriber(pb.DeleteSubscriberRequest(openid="oFresh_3"), timeout=LIMIT)
    expect(failure(stub.GetSubscriber, request, timeout=LIMIT), "NOT_FOUND", "SUBSCRIBER_NOT_FOUND", "hongyan")


def test_subscriber_requests_are_checked(called):
    pb, stub = called.api.subscribers, subscribers(called)
    expect(failure(stub.GetSubscriber, pb.GetSubscriberRequest(), timeout=LIMIT), "INVALID_ARGUMENT", "INVALID_REQUEST",
           "hongyan")
    expect(failure(stub.GetSubscriber, pb.GetSubscriberRequest(unionid="uNobody"), timeout=LIMIT), "NOT_FOUND",
           "UNIONID_NOT_FOUND", "hongyan")
    for token in ("???", "abcd", "AAAA", "garbage"):
        failed = failure(stub.ListSubscribers, pb.ListSubscribersRequest(page_token=token), timeout=LIMIT)
        assert failed.fields == ["page_token"] and failed.code.name == "INVALID_ARGUMENT"


def test_errors_name_the_account(called):
    pb, stub = called.api.subscribers, subscribers(called)
    for method, request in ((stub.GetSubscriber, pb.GetSubscriberRequest()),
                            (stub.GetSubscriber, pb.GetSubscriberRequest(openid="")),
                            (stub.GetSubscriber, pb.GetSubscriberRequest(unionid="uNobody")),
                            (stub.ListSubscribers, pb.ListSubscribersRequest(page_token="?")),
                            (stub.ListSubscribers, pb.ListSubscribersRequest(page_size=-1)),
                            (stub.DeleteSubscriber, pb.DeleteSubscriberRequest()),
                            (stub.DeleteSubscriber, pb.DeleteSubscriberRequest(openid="o b")),
                            (stub.DeleteSubscriber, pb.DeleteSubscriberRequest(openid="oNobody"))):
        assert failure(method, request, timeout=LIMIT).metadata["account"] == "main", request


def test_page_token_goes_on_with_the_same_conditions_only(called, account):
    pb, stub = called.api.subscribers, subscribers(called)
    for name in ("oPage_1", "oPage_2", "oPage_3"):
        account.post("follow", openid=name)
    first = stub.ListSubscribers(pb.ListSubscribersRequest(subscribed=True, page_size=1), timeout=LIMIT)
    again = dict(subscribed=True, page_token=first.next_page_token)
    # Another size, or the only account by its name, is no other condition.
    rest = stub.ListSubscribers(pb.ListSubscribersRequest(account="main", page_size=5, **again), timeout=LIMIT)
    assert [who.user.openid for who in rest.subscribers] == ["oPage_2", "oPage_3"]
    for other in (dict(again, subscribed=False), dict(again, tag_id=0), dict(page_token=first.next_page_token)):
        failed = failure(stub.ListSubscribers, pb.ListSubscribersRequest(**other), timeout=LIMIT)
        assert failed.fields == ["page_token"], other


# --- housekeeping -----------------------------------------------------------------------------------------------------


@pytest.fixture
def reading(start, account):
    """A service that died in an import, was started again, and is now reading the profiles that were left: WeChat takes
    its time to answer."""
    service = start(account, {"wechat": {"timeout": "60s"}})
    openids = [account.user() for _ in range(3)]
    account.fault({"delay_before_ms": 60000}, USERS)
    call = subscribers(service).SyncSubscribers(service.api.subscribers.SyncSubscribersRequest(), timeout=60)
    account.wait(USERS)
    assert call.is_active()
    service.process.kill()
    service.process.wait(LIMIT)
    service.start()
    account.wait(USERS, 2)
    return service, openids


def test_sigterm_ends_the_service_while_housekeeping_reads_profiles(reading):
    service, _ = reading
    stopwatch = Stopwatch()
    service.stop()
    assert stopwatch.seconds() < 5 * SCALE


def test_import_does_not_wait_for_housekeeping(reading, account):
    service, openids = reading
    account.sandbox.clear_faults()  # whom it has asked for already still come late
    stub, request = subscribers(service), service.api.subscribers.SyncSubscribersRequest()
    stopwatch = Stopwatch()
    steps = list(stub.SyncSubscribers(request, timeout=LIMIT))
    assert stopwatch.seconds() < 10 * SCALE
    assert steps[-1].HasField("finish_time") and steps[-1].listed == steps[-1].fetched == 3, steps
    assert account.arrivals(USERS) == 3
    assert {stored(service, openid).user.subscribe_scene != "" for openid in openids} == {True}


# --- unionid ----------------------------------------------------------------------------------------------------------


def test_unionid_is_a_recipient_of_every_send(called, account, api):
    followed(called, account, "oUnion_1", "uUnion_1")
    stub, pb = called.stub(), api.pb
    sent = stub.SendText(pb.SendTextRequest(unionid="uUnion_1", content="a"), timeout=LIMIT).delivery
    assert sent.openid == "oUnion_1" and sent.state == pb.DELIVERY_STATE_ACCEPTED
    template = pb.Template(template_id=SHIPPED, data=SHIPPED_DATA)
    sent = stub.SendTemplate(pb.SendTemplateRequest(unionid="uUnion_1", template=template), timeout=LIMIT).delivery
    assert sent.openid == "oUnion_1" and sent.msg_id
    batch = stub.SendBatch(pb.SendBatchRequest(notifications=[
        pb.Notification(unionid="uUnion_1", text=pb.Text(content="c")),
        pb.Notification(unionid="uNobody", text=pb.Text(content="d"))]), timeout=LIMIT)
    states = {answer.index: answer.delivery.state for answer in batch}
    assert states == {0: pb.DELIVERY_STATE_ACCEPTED, 1: pb.DELIVERY_STATE_FAILED}
    stub.SetTyping(pb.SetTypingRequest(unionid="uUnion_1"), timeout=LIMIT)
    texts = account.texts("oUnion_1")
    assert texts[0] == "a" and texts[-1] == "c"


def test_unionid_of_nobody_sends_nothing(called, account, api):
    pb = api.pb
    before = account.arrivals()
    for request in (pb.SendTextRequest(unionid="uNobody", content="x"),
                    pb.SendTextRequest(unionid="uNobody", content="x", validate_only=True)):
        expect(failure(called.stub().SendText, request, timeout=LIMIT), "NOT_FOUND", "UNIONID_NOT_FOUND", "hongyan")
    failed = failure(called.stub().SendText, pb.SendTextRequest(unionid="", content="x"), timeout=LIMIT)
    assert failed.fields == ["unionid"] and failed.code.name == "INVALID_ARGUMENT"
    assert account.arrivals() == before


# --- windows ----------------------------------------------------------------------------------------------------------


def test_sends_spend_the_allowance(called, account):
    followed(called, account, "oSpend_1")
    account.post("message", openid="oSpend_1", content="hi")
    before = stored(called, "oSpend_1").allowance_left
    called.send_text("oSpend_1", "1")
    called.send_text("oSpend_1", "2")
    assert stored(called, "oSpend_1").allowance_left == before - 2
    # The outcome of the third is unknown: it may have counted.
    account.fault({"close": "after_count"}, openid="oSpend_1")
    failure(called.send_text, "oSpend_1", "3")
    assert stored(called, "oSpend_1").allowance_left == before - 3


@pytest.mark.parametrize("errcode, open", [(45015, False), (45047, True)])
def test_refusal_tells_what_is_left_and_whether_the_window_is_open(called, account, errcode, open):
    followed(called, account, "oClosed_1")
    account.post("message", openid="oClosed_1", content="hi")
    assert stored(called, "oClosed_1").allowance_left >= 5
    account.fault({"errcode": errcode}, openid="oClosed_1")
    failure(called.send_text, "oClosed_1", "late")
    one = stored(called, "oClosed_1")
    assert one.allowance_left == 0 and one.HasField("window_expire_time") == open


# --- profiles ---------------------------------------------------------------------------------------------------------


def test_changed_profile_is_read_again(called, account):
    followed(called, account, "oChanged_1", "uChanged_1")
    account.post("users", openid="oChanged_1", remark="新备注", unionid="uChanged_1")
    account.post("user_info", openid="oChanged_1", event="user_info_modified", revoke_info="205")
    eventually(lambda: stored(called, "oChanged_1").user.remark == "新备注", what="the profile is read again")


def test_person_whose_account_is_gone_is_erased(called, account):
    followed(called, account, "oGone_1", "uGone_1")
    account.post("user_info", openid="oGone_1", event="user_authorization_cancellation", revoke_info="")
    one = stored(called, "oGone_1")
    assert not one.user.subscribed and one.user.unionid == "" and one.unsubscribe_time.seconds > 0


def test_restarted_import_reads_all_profiles_again(called, account):
    followed(called, account, "oRenewed_1", "uRenewed_1")
    account.post("users", openid="oRenewed_1", remark="换了备注", tag_ids=[7])
    imported(called)
    assert stored(called, "oRenewed_1").user.remark == "", "it was read a moment ago"
    assert imported(called, restart=True)[-1].fetched == 1
    one = stored(called, "oRenewed_1").user
    assert one.remark == "换了备注" and list(one.tag_ids) == [7]


def test_stranger_holds_up_no_import(called, account):
    """A push from somebody whom WeChat's user/info doesn't know, as its debugging tools send them."""
    account.post("users", openid="oGood_1", unionid="uGood_1")
    account.post("push", openid="oStranger_1", type="text", create_time=int(time.time()))
    assert stored(called, "oStranger_1").user.subscribed
    imported(called)
    assert stored(called, "oGood_1").user.unionid == "uGood_1"
    asked = account.arrivals(USERS)
    imported(called)
    assert account.arrivals(USERS) == asked, "it isn't asked again at once"


def test_A12_odd_rows_hold_up_no_import(called, account):
    openids = [account.user(remark=f"r{i}") for i in range(250)]
    account.user(openid=openids[7], odd_fields={"qr_scene": "", "sex": "", "tagid_list": [None, 3]})
    account.user(openid=openids[120], odd_fields={"openid": 7})
    account.user(openid=openids[121], odd_fields={"subscribe": ""})
    last = imported(called)[-1]
    assert last.HasField("finish_time") and last.listed == 250 and last.fetched == 248 and last.unreadable == 2, last
    assert last.departed == 0
    assert stored(called, openids[7]).user.remark == "r7" and list(stored(called, openids[7]).user.tag_ids) == [3]
    for openid in (openids[120], openids[121]):
        one = stored(called, openid)
        assert one.user.subscribed and one.user.remark == ""
    assert stored(called, openids[122]).user.remark == "r122"
    asked = account.arrivals(USERS)
    assert imported(called)[-1].HasField("finish_time") and account.arrivals(USERS) == asked, "they aren't asked again at once"


def test_A12_list_with_entries_that_are_no_openids_makes_nobody_leave(called, account):
    for name in ("oGap_1", "oGap_2", "oGap_3"):
        followed(called, account, name)
    eventually(lambda: time.time() > stored(called, "oGap_3").last_inbound_time.seconds + 1, what="a second later")
    page = '{"total":3,"count":3,"data":{"openid":["oGap_1",null,7]},"next_openid":"oGap_3"}'
    account.fault({"raw_answer": page}, api=USER_LIST, times=1)
    last = imported(called)[-1]
    assert last.HasField("finish_time") and last.unreadable == 2 and last.departed == 0
    assert all(stored(called, name).user.subscribed for name in ("oGap_1", "oGap_2", "oGap_3"))


@pytest.mark.parametrize("answer", ['{}', '{"errcode":0,"errmsg":"ok"}', '{"total":3,"count":0,"next_openid":""}'])
def test_answer_that_is_no_list_makes_nobody_leave(called, account, answer):
    for name in ("oList_1", "oList_2", "oList_3"):
        followed(called, account, name)
    # Who did something since the import began isn't looked for, and the events have whole seconds.
    eventually(lambda: time.time() > stored(called, "oList_3").last_inbound_time.seconds + 1, what="a second later")
    account.fault({"raw_answer": answer}, api=USER_LIST, times=1)
    failed = failure(imported, called)
    assert failed.code.name == "UNAVAILABLE" and "user/get" in failed.metadata["api"]
    assert all(stored(called, name).user.subscribed for name in ("oList_1", "oList_2", "oList_3"))
    assert imported(called)[-1].departed == 0


def test_missed_follow_is_repaired_by_the_import(called, account):
    followed(called, account, "oMissed_1", "uMissed_1")
    account.post("unfollow", openid="oMissed_1")
    left = stored(called, "oMissed_1")
    assert not left.user.subscribed
    # Follows again, and the push is lost. The list may be older than a leave of its own second.
    account.post("users", openid="oMissed_1", subscribed=True, remark="回来了")
    eventually(lambda: time.time() > left.unsubscribe_time.seconds + 1, what="the second is over")
    imported(called)
    one = stored(called, "oMissed_1")
    assert one.user.subscribed and one.user.remark == "回来了" and not one.HasField("unsubscribe_time")


def test_missed_follow_is_repaired_by_a_message(called, account):
    followed(called, account, "oMissed_2")
    account.post("unfollow", openid="oMissed_2")
    left = stored(called, "oMissed_2").unsubscribe_time.seconds
    account.post("users", openid="oMissed_2", subscribed=True)
    account.post("push", openid="oMissed_2", type="text", create_time=left + 2)
    one = stored(called, "oMissed_2")
    assert one.user.subscribed and one.allowance_left == 5 and not one.HasField("unsubscribe_time")


def events_of(service, openid):
    request = service.api.events.ListEventsRequest(page_size=1000)
    stub = service.api.events_rpc.EventServiceStub(service.channel)
    return [event for event in stub.ListEvents(request, timeout=LIMIT).events if event.openid == openid]


def deleted(service, openid):
    request = service.api.subscribers.DeleteSubscriberRequest(openid=openid)
    return subscribers(service).DeleteSubscriber(request, timeout=LIMIT)


def test_deleted_person_leaves_no_events(called, account):
    followed(called, account, "oForgotten_1")
    account.post("message", openid="oForgotten_1", content="my secret diagnosis")
    assert len(events_of(called, "oForgotten_1")) == 2
    deleted(called, "oForgotten_1")
    assert not events_of(called, "oForgotten_1")
    # A reader of all events rests behind those that are gone, and hears the next one.
    stub = called.api.events_rpc.EventServiceStub(called.channel)
    watch = stub.WatchEvents(called.api.events.WatchEventsRequest(after_cursor=0), timeout=LIMIT)
    watch.initial_metadata()
    account.post("message", openid=account.user(), content="next")
    after = next(watch).event
    assert after.text.content == "next"
    account.post("message", openid="oForgotten_1", content="once more")
    once_more = next(watch).event
    assert once_more.text.content == "once more" and once_more.cursor > after.cursor
    deleted(called, "oForgotten_1")
    reads = called.metric("hongyan_storage_reads_total")
    for _ in range(100):
        called.http("/livez")
    assert called.metric("hongyan_storage_reads_total") - reads < 10
    watch.cancel()


@pytest.mark.seconds(10)
def test_profile_on_its_way_brings_nobody_back_who_was_deleted(called, account):
    account.fault({"delay_before_ms": int(2000 * SCALE)}, api=USER, openid="oRace_1", times=1)
    account.post("follow", openid="oRace_1", unionid="uRace_1")
    account.wait(USER, openid="oRace_1")
    before = called.metric("hongyan_wechat_requests_total", api=USER)
    deleted(called, "oRace_1")
    eventually(lambda: called.metric("hongyan_wechat_requests_total", api=USER) > before, what="the profile's answer")
    # What the answer makes is written before another one's profile, which is asked for only now.
    followed(called, account, "oAfter_1")
    request = called.api.subscribers.GetSubscriberRequest(openid="oRace_1")
    expect(failure(subscribers(called).GetSubscriber, request, timeout=LIMIT), "NOT_FOUND", "SUBSCRIBER_NOT_FOUND",
           "hongyan")


def test_events_of_a_person_whose_account_is_gone_are_removed(called, account):
    followed(called, account, "oGone_2", "uGone_2")
    account.post("message", openid="oGone_2", content="words")
    account.post("user_info", openid="oGone_2", event="user_authorization_cancellation", revoke_info="")
    assert [event.type for event in events_of(called, "oGone_2")] == ["user_info_change"]


def test_change_of_a_stranger_stores_nothing(called, account):
    account.post("user_info", openid=account.user(), event="user_authorization_revoke", revoke_info="205")
    pb = called.api.subscribers
    assert not subscribers(called).ListSubscribers(pb.ListSubscribersRequest(), timeout=LIMIT).subscribers
