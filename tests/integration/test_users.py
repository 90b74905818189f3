"""Looking followers up."""

import pytest

from rpc_failure import expect, failure
from sandbox_process import USER, USERS
from timing import ONE_REPEAT, eventually

WARNING = "odd field in an answer of WeChat, taken as absent"


def test_user_info_field_by_field(service, main):
    openid = main.user(unionid="u-1", remark="老客户 🌟", tag_ids=[2, 128], group_id=3, subscribe_time=1700000000,
                       subscribe_scene="ADD_SCENE_QR_CODE", qr_scene=98765, qr_scene_str="柜台", language="zh_CN")
    user = service.user_info(openid, lang="zh_CN")
    assert user.openid == openid and user.unionid == "u-1" and user.subscribed
    assert user.remark == "老客户 🌟" and list(user.tag_ids) == [2, 128] and user.group_id == 3
    assert user.subscribe_time.seconds == 1700000000 and user.subscribe_scene == "ADD_SCENE_QR_CODE"
    assert user.qr_scene == 98765 and user.qr_scene_str == "柜台" and user.language == "zh_CN"
    assert user.nickname == "" and user.city == ""


def test_who_does_not_follow_is_no_error(service, main):
    openid = main.user(subscribed=False, remark="gone")
    user = service.user_info(openid)
    assert user.openid == openid and not user.subscribed and not user.HasField("subscribe_time")


def test_U22_openid_of_another_account(service, main, sandbox):
    foreign = sandbox.new_account().user()
    failed = failure(service.user_info, foreign)
    expect(failed, "INVALID_ARGUMENT", "INVALID_OPENID")
    assert failed.fields == ["openid"] and failed.metadata["errcode"] == "40003"
    failed = failure(service.users_info, [main.user(), foreign])
    expect(failed, "INVALID_ARGUMENT", "INVALID_OPENID")
    assert failed.fields == ["openids"]


def test_250_openids_come_back_in_order_with_duplicates_in_pages_of_100(service, main):
    known = [main.user(remark=f"r{i}") for i in range(250)]
    asked = known[::-1] + known[:3] + [known[0]]
    before = main.arrivals(USERS)
    users = service.users_info(asked, lang="en")
    assert [user.openid for user in users] == asked
    assert [user.remark for user in users[:3]] == ["r249", "r248", "r247"]
    assert users[250] == users[253] == users[249]
    pages = [len(entry["body"]["user_list"]) for entry in main.ledger(USERS)[before:]]
    assert sorted(pages) == [50, 100, 100]
    assert all(item["lang"] == "en" for item in main.ledger(USERS)[-1]["body"]["user_list"])


def test_one_failing_page_fails_the_call(service, main):
    known = [main.user() for _ in range(150)]
    main.fault({"errcode": 45009}, USERS, times=1, after=1)
    failed = failure(service.users_info, known)
    expect(failed, "RESOURCE_EXHAUSTED", "QUOTA_EXHAUSTED")


@pytest.mark.parametrize("openids, field", [
    ([], "openids"), (["o"] * 10001, "openids"), (["oOk", ""], "openids[1]"), (["o\n"], "openids[0]")],
    ids=["none", "10001", "empty", "control"])
def test_G01_bad_lists(service, main, openids, field):
    before = main.arrivals(USERS)
    failed = failure(service.users_info, openids)
    expect(failed, "INVALID_ARGUMENT", "INVALID_OPENID" if openids == ["o\n"] else "INVALID_REQUEST", "hongyan")
    assert failed.fields == [field] and main.arrivals(USERS) == before


def test_lang_is_checked(service, openid):
    failed = failure(service.user_info, openid, lang="fr")
    assert failed.fields == ["lang"] and "zh_CN" in failed.message
    failed = failure(service.users_info, [openid], lang="ZH_cn")
    assert failed.fields == ["lang"]


@pytest.mark.parametrize("effect", [{"http_status": 502}, {"close": "after_read"}, {"raw_answer": "<html>"},
                                    {"truncate": 10}, {"errcode": -1}], ids=str)
def test_U03_reads_are_retried(service, main, openid, effect):
    main.fault(effect, USER, openid=openid, times=1)
    assert service.user_info(openid).openid == openid
    assert main.arrivals(USER, openid=openid) == 2


def test_U03_a_read_that_never_succeeds_is_unavailable(service, main, openid):
    main.fault({"http_status": 503}, USER, openid=openid)
    failed = failure(service.user_info, openid, timeout=ONE_REPEAT)
    expect(failed, "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")
    assert failed.metadata == {"account": "main", "api": USER} and failed.retry_seconds >= 1
    assert main.arrivals(USER, openid=openid) == 2


def test_U15_control_characters_and_invalid_utf8_are_made_harmless(service, main, openid):
    import base64
    raw = b'{"subscribe":1,"openid":"%s","remark":"a\x01b\x0bc\xff\xfed","city":"\xe4\xb8\xad","tagid_list":[]}'
    main.fault({"raw_answer_base64": base64.b64encode(raw % openid.encode()).decode()}, USER, openid=openid)
    user = service.user_info(openid)
    assert user.subscribed and user.city == "中"
    assert user.remark[0] == "a" and user.remark[-1] == "d" and "b" in user.remark
    assert all(ord(c) >= 0x20 for c in user.remark) and "\ufffd" in user.remark


def test_fields_gone_since_2021_are_passed_on_where_present(service, main, openid):
    main.fault({"raw_answer": f'{{"subscribe":1,"openid":"{openid}","nickname":"小红","sex":2,"city":"深圳",'
                              '"province":"广东","country":"中国","headimgurl":"http://h/0","new_field":{"x":[1]}}'},
               USER, openid=openid)
    user = service.user_info(openid)
    assert (user.nickname, user.sex, user.city, user.province, user.country) == ("小红", 2, "深圳", "广东", "中国")
    assert user.head_image_url == "http://h/0"


ODD = {"qr_scene": "", "sex": "", "subscribe_time": "", "groupid": 99999999999999, "tagid_list": [2, None, 128]}


def test_A12_odd_row_of_one_follower_fails_nobody(service, main):
    openids = [main.user(remark=f"r{i}", tag_ids=[2]) for i in range(120)]
    main.user(openid=openids[60], odd_fields=ODD)
    users = service.users_info(openids)
    assert [user.openid for user in users] == openids and [user.remark for user in users] == [f"r{i}" for i in range(120)]
    odd, sound = users[60], users[61]
    assert odd.subscribed and list(odd.tag_ids) == [2, 128] and list(sound.tag_ids) == [2]
    assert (odd.qr_scene, odd.sex, odd.group_id, odd.HasField("subscribe_time")) == (0, 0, 0, False)
    assert sound.HasField("subscribe_time")
    one = service.user_info(openids[60])
    assert one.remark == "r60" and list(one.tag_ids) == [2, 128]
    # One warning a field, without a word of what the person's row says.
    def warned():
        return sorted(line["field"] for line in service.log(event=WARNING, api=USERS) if line["field"] in ODD)

    eventually(lambda: warned() == sorted(ODD), what="the warnings")
    assert all(openids[60] not in str(line) and "r60" not in str(line) for line in service.log(event=WARNING))
    service.users_info(openids)
    assert warned() == sorted(ODD)


@pytest.mark.parametrize("row", [{"openid": ""}, {"openid": None}, {"openid": 7}, {"openid": ["o"]}], ids=str)
def test_A12_unusable_row_concerns_its_person_alone(service, main, row):
    openids = [main.user(remark=f"r{i}") for i in range(3)]
    main.user(openid=openids[1], odd_fields=row)
    users = service.users_info(openids)
    assert [user.openid for user in users] == openids and [user.remark for user in users] == ["r0", "", "r2"]
    # Nothing says that the person left.
    assert [user.subscribed for user in users] == [True, False, True]
    assert [user.subscribed_unknown for user in users] == [False, True, False]
