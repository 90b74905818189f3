"""Followers by the hundred thousand, for whoever has to list them all."""

import json
import pathlib

from stand_in import ALICE, BOBBY, SHIPPED, accepted, refused


def memory_kib(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def pages(sandbox, token):
    """All openids as a client gets them: page by page until one without data."""
    start, found = "", []
    while True:
        page = sandbox.json("GET", sandbox.path("/cgi-bin/user/get", token, next_openid=start))
        if "data" not in page:
            assert page["count"] == 0 and page["next_openid"] == ""
            return found, page["total"]
        assert page["count"] == len(page["data"]["openid"]) <= 10000
        assert page["next_openid"] == page["data"]["openid"][-1]
        found.append(page["data"]["openid"])
        start = page["next_openid"]


def test_a_million_followers_cost_nothing_and_come_in_pages(sandbox):
    before = memory_kib(sandbox.process)
    made = sandbox.control("followers", {"count": 1000000, "prefix": "oBig"})
    assert made == {"first": "oBig" + "0" * 24, "last": "oBig" + f"{999999:024d}"}
    assert memory_kib(sandbox.process) - before < 20000
    assert sandbox.control("accounts")["accounts"][0]["followers"] == 1000002
    page = sandbox.json("GET", sandbox.path("/cgi-bin/user/get", sandbox.token()))
    assert page["total"] == 1000002 and page["count"] == 10000


def test_pages_hold_every_follower_once_in_order(sandbox):
    sandbox.control("followers", {"count": 25000, "prefix": "oCrowd"})
    sandbox.control("followers", {"count": 7000, "prefix": "oT"})
    sandbox.control("followers", {"count": 5000, "prefix": "oCrowd"})
    token = sandbox.token()
    found, total = pages(sandbox, token)
    expected = [f"oCrowd{n:022d}" for n in range(30000)] + [f"oT{n:026d}" for n in range(7000)] + [ALICE, BOBBY]
    everyone = [openid for page in found for openid in page]
    assert everyone == sorted(expected) and total == len(expected)
    assert [len(page) for page in found] == [10000, 10000, 10000, 7002]
    refused(sandbox.json("GET", sandbox.path("/cgi-bin/user/get", token, next_openid="oCrowd1")), 40003)


def test_members_are_as_good_as_other_followers(sandbox):
    sandbox.control("followers", {"count": 100, "prefix": "oCrowd"})
    token = sandbox.token()
    openid = f"oCrowd{42:022d}"
    info = sandbox.user_info(token, openid)
    assert info["subscribe"] == 1 and info["openid"] == openid and info["unionid"] == "u" + openid[1:]
    assert info["subscribe_scene"] == "ADD_SCENE_QR_CODE" and info["qr_scene"] > 0
    assert info["tagid_list"] == [] and sandbox.user_info(token, f"oCrowd{40:022d}")["tagid_list"] == [2]
    refused(sandbox.user_info(token, f"oCrowd{100:022d}"), 40003)
    refused(sandbox.user_info(token, f"oCrowd{42:021d}"), 40003)
    users = [{"openid": f"oCrowd{n:022d}"} for n in range(100)]
    batch = sandbox.json("POST", sandbox.path("/cgi-bin/user/info/batchget", token), {"user_list": users})
    assert [user["openid"] for user in batch["user_info_list"]] == [user["openid"] for user in users]
    assert len({user["unionid"] for user in batch["user_info_list"]}) == 100
    accepted(sandbox.send_text(token, openid=openid))
    accepted(sandbox.send_template(token, openid=openid, template_id=SHIPPED))


def test_members_leave_and_come_back(sandbox):
    sandbox.control("followers", {"count": 3, "prefix": "oCrowd"})
    token, openid = sandbox.token(), f"oCrowd{1:022d}"
    sandbox.control("unfollow", {"openid": openid})
    assert sandbox.user_info(token, openid)["subscribe"] == 0
    found, total = pages(sandbox, token)
    assert total == 4 and found == [[f"oCrowd{0:022d}", f"oCrowd{2:022d}", ALICE, BOBBY]]
    sandbox.control("follow", {"openid": openid, "scene": "7"})
    assert sandbox.user_info(token, openid)["qr_scene"] == 7
    assert pages(sandbox, token)[1] == 5


def test_tags_of_a_user(sandbox):
    sandbox.control("users", {"openid": ALICE, "tag_ids": [134, 2]})
    target = sandbox.path("/cgi-bin/tags/getidlist", sandbox.token())
    assert sandbox.json("POST", target, {"openid": ALICE}) == {"tagid_list": [134, 2]}
    refused(sandbox.json("POST", target, {"openid": "oNobody"}), 40003)


def test_wrong_crowds_are_refused_by_name(sandbox):
    def refusal(**order):
        status, data = sandbox.request("POST", "/sandbox/followers", order)
        assert status == 400
        return json.loads(data)["error"]

    sandbox.control("followers", {"count": 1, "prefix": "oCrowd"})
    assert "count" in refusal() and "count" in refusal(count=5000001) and "count" in refusal(count=5000000)
    assert "prefix" in refusal(count=1, prefix="o" * 21) and "prefix" in refusal(count=1, prefix="o/")
    assert "prefix" in refusal(count=1, prefix="oCrowd0") and "prefix" in refusal(count=1, prefix="oC")
    assert sandbox.control("accounts")["accounts"][0]["followers"] == 3


def test_A12_odd_fields_stand_in_the_answers_as_they_are(sandbox):
    odd = {"qr_scene": "", "groupid": 99999999999, "tagid_list": [2, None], "remark": {"x": 1}}
    sandbox.control("users", {"openid": ALICE, "odd_fields": odd})
    token = sandbox.token()
    info = sandbox.user_info(token, ALICE)
    assert {name: info[name] for name in odd} == odd and info["subscribe"] == 1
    assert sandbox.user_info(token, BOBBY)["qr_scene"] == 0
    sandbox.control("users", {"openid": ALICE, "odd_fields": {}})
    assert sandbox.user_info(token, ALICE)["qr_scene"] == 0
