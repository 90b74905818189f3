// Many users in pages, put back in order.
#include "server/core/user_directory.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/support/core_test.h"
#include "tests/support/error_details.h"

namespace hongyan::core {
namespace {

using absl::Seconds;
using absl::StatusCode;
using support::Held;
using support::HttpStatus;
using support::IsOk;
using support::Json;
using support::kUserBatchPath;
using support::kUserPath;
using support::Refuses;
using support::Reply;
using support::Slowly;
using support::StatusIs;
using ::testing::ElementsAre;

using Users = absl::StatusOr<std::vector<model::User>>;

// The openids of a batchget body.
std::vector<std::string> AskedFor(const std::string& body) {
  std::vector<std::string> openids;
  for (const auto& part : std::vector<std::string>(absl::StrSplit(body, "\"openid\":\""))) {
    openids.push_back(part.substr(0, part.find('"')));
  }
  openids.erase(openids.begin());
  return openids;
}

// In the other order than asked, without those in `unknown`.
Reply Users_(std::vector<std::string> openids, const std::set<std::string>& unknown = {}) {
  std::reverse(openids.begin(), openids.end());
  std::vector<std::string> entries;
  for (const auto& openid : openids) {
    if (unknown.count(openid) > 0) continue;
    entries.push_back(absl::StrCat(R"({"subscribe":1,"openid":")", openid, R"(","remark":"of )",
                                   openid, R"("})"));
  }
  return Json(absl::StrCat(R"({"user_info_list":[)", absl::StrJoin(entries, ","), "]}"));
}

class UserDirectoryTest : public support::CoreTest {
 protected:
  Users BatchGet(std::vector<std::string> openids, const std::string& lang = "") {
    return Await(directory_.BatchGet(main_, std::move(openids), lang, Within(Seconds(60))));
  }
  void AnswersAll() {
    http_.Respond(kUserBatchPath, [](const auto& request) {
      return Slowly(Seconds(1), Users_(AskedFor(request.body)));
    });
  }

  UserDirectory directory_{clock_, loop_.executor()};
};

TEST_F(UserDirectoryTest, TenThousandWithDuplicatesComeInTheOrderAsked) {
  AnswersAll();
  std::vector<std::string> openids;
  for (int i = 0; i < 10000; ++i) openids.push_back(absl::StrCat("o", (i * 7919) % 9000));
  const Users users = BatchGet(openids);
  ASSERT_THAT(users, IsOk());
  ASSERT_EQ(users->size(), openids.size());
  for (std::size_t i = 0; i < openids.size(); ++i) {
    ASSERT_EQ((*users)[i].openid, openids[i]) << i;
    ASSERT_EQ((*users)[i].profile.remark, "of " + openids[i]) << i;
  }
  EXPECT_EQ(http_.count(kUserBatchPath), 90u) << "each openid is asked for once";
  EXPECT_LE(http_.most_at_once(kUserBatchPath), 4);
  EXPECT_GE(http_.most_at_once(kUserBatchPath), 2);
  std::set<std::string> asked;
  for (const auto& request : http_.requests(kUserBatchPath)) {
    const auto page = AskedFor(request.body);
    EXPECT_LE(page.size(), 100u);
    for (const auto& openid : page) EXPECT_TRUE(asked.insert(openid).second) << openid;
  }
}

TEST_F(UserDirectoryTest, PageHoldsAHundred) {
  AnswersAll();
  for (const int count : {1, 100, 101}) {
    std::vector<std::string> openids;
    for (int i = 0; i < count; ++i) openids.push_back(absl::StrCat("o", i));
    const std::size_t before = http_.count(kUserBatchPath);
    EXPECT_THAT(BatchGet(openids), IsOk());
    EXPECT_EQ(http_.count(kUserBatchPath) - before, count > 100 ? 2u : 1u);
  }
}

TEST_F(UserDirectoryTest, OpenidThatWechatLeftOutHasNothingButItself) {
  http_.Respond(kUserBatchPath,
                [](const auto& request) { return Users_(AskedFor(request.body), {"o2"}); });
  const Users users = BatchGet({"o3", "o2", "o1"});
  ASSERT_THAT(users, IsOk());
  ASSERT_EQ(users->size(), 3u);
  EXPECT_EQ((*users)[0].openid, "o3");
  EXPECT_EQ((*users)[1].openid, "o2");
  EXPECT_EQ((*users)[1].subscribed, std::nullopt);
  EXPECT_EQ((*users)[1].profile.remark, "");
  EXPECT_EQ((*users)[2].subscribed, true);
}

TEST_F(UserDirectoryTest, A12_OddRowConcernsItsPersonAlone) {
  http_.Always(kUserBatchPath, Json(R"({"user_info_list":[
      {"subscribe":1,"openid":"o1","remark":"of o1","qr_scene":"","sex":"","groupid":99999999999},
      {"subscribe":1,"openid":7,"remark":"nobody's"},
      "o3",
      {"subscribe":1,"openid":"o4","remark":"of o4"}]})"));
  const Users users = BatchGet({"o4", "o3", "o2", "o1"});
  ASSERT_THAT(users, IsOk());
  ASSERT_EQ(users->size(), 4u);
  EXPECT_EQ((*users)[0].profile.remark, "of o4");
  EXPECT_EQ((*users)[1].openid, "o3");
  EXPECT_EQ((*users)[1].profile.remark, "");
  EXPECT_EQ((*users)[2].profile.remark, "");
  EXPECT_EQ((*users)[3].profile.remark, "of o1");
  EXPECT_EQ((*users)[3].subscribed, true);
  EXPECT_EQ(http_.count(kUserBatchPath), 1u);
}

TEST_F(UserDirectoryTest, UsersThatNobodyAskedForAreIgnored) {
  http_.Always(kUserBatchPath, Users_({"o9", "o1"}));
  const Users users = BatchGet({"o1"});
  ASSERT_THAT(users, IsOk());
  EXPECT_EQ(users->size(), 1u);
}

TEST_F(UserDirectoryTest, LangIsPassedOn) {
  AnswersAll();
  EXPECT_THAT(BatchGet({"o1"}, "en"), IsOk());
  EXPECT_EQ(http_.requests(kUserBatchPath).front().body,
            R"({"user_list":[{"openid":"o1","lang":"en"}]})");
}

TEST_F(UserDirectoryTest, OneFailedPageFailsTheCall) {
  http_.Respond(kUserBatchPath, [](const auto& request) {
    const auto asked = AskedFor(request.body);
    const bool bad = std::find(asked.begin(), asked.end(), "bad") != asked.end();
    return Slowly(Seconds(1), bad ? Refuses(40003) : Users_(asked));
  });
  std::vector<std::string> openids = {"bad"};
  for (int i = 0; i < 2000; ++i) openids.push_back(absl::StrCat("o", i));
  EXPECT_THAT(BatchGet(openids), StatusIs(StatusCode::kInvalidArgument, "INVALID_OPENID"));
  EXPECT_LT(http_.count(kUserBatchPath), 21u) << "nothing more is begun";
}

TEST_F(UserDirectoryTest, LostPageIsReadAgain) {
  http_.Next(kUserBatchPath, HttpStatus(502));
  AnswersAll();
  EXPECT_THAT(BatchGet({"o1"}), IsOk());
}

TEST_F(UserDirectoryTest, CancelledCallEndsAndBeginsNothingMore) {
  http_.Always(kUserBatchPath, Held(Users_({})));
  std::vector<std::string> openids;
  for (int i = 0; i < 1000; ++i) openids.push_back(absl::StrCat("o", i));
  auto call = Start(directory_.BatchGet(main_, openids, "", Within(Seconds(60))));
  clock_.Advance(Seconds(1));
  ASSERT_FALSE(call.done());
  call.Cancel();
  EXPECT_THAT(call.value(), StatusIs(StatusCode::kCancelled, "CANCELLED"));
  http_.Release();
  clock_.Advance(Seconds(60));
  EXPECT_EQ(http_.count(kUserBatchPath), 4u);
}

TEST_F(UserDirectoryTest, G01_TooManyAndNoneAreRefused) {
  for (const std::size_t count : {0u, 10001u}) {
    const Users users = BatchGet(std::vector<std::string>(count, "o1"));
    EXPECT_THAT(users, StatusIs(StatusCode::kInvalidArgument, "INVALID_REQUEST"));
    EXPECT_THAT(support::FieldsOf(users.status()), ElementsAre("openids"));
  }
  EXPECT_TRUE(http_.requests().empty());
}

TEST_F(UserDirectoryTest, G01_BadOpenidIsNamedWithItsPlace) {
  const Users users = BatchGet({"o1", "o2", "", "o4"});
  EXPECT_THAT(users, StatusIs(StatusCode::kInvalidArgument, "INVALID_REQUEST"));
  EXPECT_THAT(support::FieldsOf(users.status()), ElementsAre("openids[2]"));
  EXPECT_TRUE(http_.requests().empty());
}

TEST_F(UserDirectoryTest, G01_BadLangIsNamed) {
  EXPECT_THAT(support::FieldsOf(BatchGet({"o1"}, "fr").status()), ElementsAre("lang"));
  EXPECT_TRUE(http_.requests().empty());
}

TEST_F(UserDirectoryTest, OneUserIsRead) {
  http_.Always(kUserPath, Json(R"({"subscribe":0,"openid":"o1"})"));
  const auto user = Await(directory_.Get(main_, "o1", "", Within(Seconds(1))));
  ASSERT_THAT(user, IsOk());
  EXPECT_EQ(user->openid, "o1");
  EXPECT_EQ(user->subscribed, false);
  EXPECT_EQ(http_.requests(kUserPath).front().query, "access_token=t1&openid=o1");
}

TEST_F(UserDirectoryTest, G01_OneUserIsChecked) {
  EXPECT_THAT(support::FieldsOf(Await(directory_.Get(main_, "", "", Within(Seconds(1)))).status()),
              ElementsAre("openid"));
  EXPECT_THAT(
      support::FieldsOf(Await(directory_.Get(main_, "o1", "x", Within(Seconds(1)))).status()),
      ElementsAre("lang"));
  EXPECT_TRUE(http_.requests().empty());
}

}  // namespace
}  // namespace hongyan::core
