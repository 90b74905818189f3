// What keywords take, written down a second time from the platform's table, and how fresh the list
// is.
#include "server/core/template_catalog.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/wechat/api_json.h"
#include "tests/support/core_test.h"
#include "tests/support/error_details.h"

namespace hongyan::core {
namespace {

using absl::Minutes;
using absl::Seconds;
using absl::StatusCode;
using support::HttpStatus;
using support::IsOk;
using support::Json;
using support::kTemplateListPath;
using support::Refuses;
using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Times(int count, const std::string& text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

struct Value {
  std::string keyword;
  std::string value;
  bool good;
};

void PrintTo(const Value& value, std::ostream* out) {
  *out << value.keyword << " = '" << value.value << "' is " << (value.good ? "good" : "bad");
}

class CheckValueTest : public ::testing::TestWithParam<Value> {};

TEST_P(CheckValueTest, FollowsTheTable) {
  const ValueProblem problem = CheckValue(GetParam().keyword, GetParam().value);
  EXPECT_EQ(problem.empty(), GetParam().good) << problem.english;
  EXPECT_EQ(problem.english.empty(), problem.chinese.empty());
}

std::vector<Value> Table() {
  std::vector<Value> table;
  const auto good = [&](const std::string& keyword, const std::vector<std::string>& values) {
    for (const auto& value : values) table.push_back({keyword, value, true});
  };
  const auto bad = [&](const std::string& keyword, const std::vector<std::string>& values) {
    for (const auto& value : values) table.push_back({keyword, value, false});
  };
  good("thing1", {"夏日蜜桃茶", Times(20, "中"), Times(20, "x"), "a-1,。!", Times(10, "🍑")});
  bad("thing1", {Times(21, "中"), Times(21, "x"), Times(11, "🍑"), Times(10, "🍑") + "x"});
  good("thing10", {Times(20, "中")});
  bad("thing10", {Times(21, "中")});
  good("number2", {"0", "3.14", Times(32, "9"), Times(31, "9") + ".5"});
  bad("number2", {Times(33, "9"), "12a", "十二", "1,000", ".", "1.2.3"});
  good("letter3", {"abcXYZ", Times(32, "a")});
  bad("letter3", {Times(33, "a"), "abc1", "a b", "中"});
  good("symbol4", {"!", "!@#$%", "★"});
  bad("symbol4", {"!@#$%^", "a!", "1", "中"});
  good("character_string5", {"1024-77", "ABC_#9", Times(32, "1")});
  bad("character_string5", {Times(33, "1"), "订单1024", "é", "№1"});
  good("time6", {"15:01", "2019年10月1日 15:01", "15:01~16:30",
                 "2019年10月1日 15:01~2019年10月2日 16:00", "2026-03-01 15:01:00"});
  bad("time6", {"now", "下午三点", "15:01~", "99:99", "15"});
  good("date7", {"2019年10月1日", "2019年10月1日 15:01", "2019年10月1日~2019年10月7日"});
  bad("date7", {"明天", "10月1日", "2019", "15:01", "15:01~16:00"});
  good("amount8", {"¥39.80", "¥100", "$5", "€0.5", "100元", "¥39.8元", "39", Times(10, "9")});
  bad("amount8",
      {Times(11, "9"), "¥", "¥¥5", "五元", "5元整", "CNY", "1,000", "¥" + Times(11, "9")});
  good("phone_number9", {"+86-0766-66888866", "13800138000"});
  bad("phone_number9", {"+86-0766-668888660", "电话", "138x"});
  good("car_number10", {"粤A8Z888挂", "粤A8Z888", "A12345"});
  bad("car_number10", {"粤A8Z8888挂", "粤粤A8888", "粤A 888"});
  good("name11", {"张三", Times(10, "中"), Times(20, "x"), "O'Neil-Smith", "王x"});
  bad("name11", {Times(11, "中"), Times(21, "x"), "王" + Times(10, "x"), "R2D2", "王五5"});
  good("phrase12", {"配送中", Times(5, "中")});
  bad("phrase12", {Times(6, "中"), "abc", "中1", "中!"});
  good("enum13", {"anything", "任何值"});
  good("const14", {"anything", Times(40, "中")});
  good("short_thing15", {"已发货"});
  good("keyword1", {Times(200, "中"), "a\nb"});
  good("first", {Times(200, "中"), "a\nb"});
  good("remark", {"a\nb"});
  for (const char* keyword :
       {"thing1", "number2", "letter3", "symbol4", "character_string5", "time6", "date7", "amount8",
        "phone_number9", "car_number10", "name11", "phrase12", "enum13", "const14", "short_thing15",
        "keyword1", "first"}) {
    bad(keyword, {""});
  }
  for (const char* keyword :
       {"thing1", "character_string5", "name11", "const14", "car_number10", "phone_number9"}) {
    bad(keyword, {"1\n2", "1\t2", "1\x01", "1\r"});
  }
  return table;
}

INSTANTIATE_TEST_SUITE_P(, CheckValueTest, ::testing::ValuesIn(Table()));

TEST(ListKeywords, AreThePlaceholdersInOrderEachOnce) {
  EXPECT_THAT(ListKeywords("{{first.DATA}}\n商品:{{thing1.DATA}}\n时间:{{time2.DATA}} "
                           "{{thing1.DATA}}\n{{remark.DATA}}"),
              ElementsAre("first", "thing1", "time2", "remark"));
  EXPECT_THAT(ListKeywords("编号{{character_string10.DATA}}"), ElementsAre("character_string10"));
  EXPECT_THAT(ListKeywords(""), IsEmpty());
  EXPECT_THAT(ListKeywords("no {{placeholder}} {here.DATA} {{.DATA}} {{thing1.DATA"), IsEmpty());
}

wechat::TemplateMessage Message(std::map<std::string, std::string> data,
                                const std::string& id = "tmpl") {
  wechat::TemplateMessage message;
  message.template_id = id;
  message.data = std::move(data);
  return message;
}

const wechat::TemplateInfo kOrder{"tmpl", "订单", "{{thing1.DATA}}\n{{time2.DATA}}"};

TEST(CheckAgainst, TakesExactlyTheKeywords) {
  EXPECT_THAT(CheckAgainst(Message({{"thing1", "茶"}, {"time2", "15:01"}}), kOrder), IsOk());
}

TEST(CheckAgainst, MissingKeywordIsNamed) {
  const absl::Status status = CheckAgainst(Message({{"thing1", "茶"}}), kOrder);
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument, "INVALID_TEMPLATE_VALUE"));
  EXPECT_THAT(support::FieldsOf(status), ElementsAre(HasSubstr("time2")));
}

TEST(CheckAgainst, StrangeKeywordIsNamed) {
  const absl::Status status =
      CheckAgainst(Message({{"thing1", "茶"}, {"time2", "15:01"}, {"thing3", "x"}}), kOrder);
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument, "INVALID_TEMPLATE_VALUE"));
  EXPECT_THAT(support::FieldsOf(status), ElementsAre(HasSubstr("thing3")));
}

TEST(CheckAgainst, EveryProblemIsNamed) {
  const absl::Status status =
      CheckAgainst(Message({{"thing1", Times(21, "x")}, {"thing3", "x"}}), kOrder);
  EXPECT_THAT(support::FieldsOf(status),
              ElementsAre(HasSubstr("thing1"), HasSubstr("time2"), HasSubstr("thing3")));
  EXPECT_THAT(support::FieldsOf(status), ::testing::Each(::testing::StartsWith("template.data")));
}

TEST(CheckAgainst, FirstAndRemarkMayBeThereOrNot) {
  const wechat::TemplateInfo old{"tmpl", "", "{{first.DATA}}{{keyword1.DATA}}{{remark.DATA}}"};
  EXPECT_THAT(CheckAgainst(Message({{"keyword1", "x"}}), old), IsOk());
  EXPECT_THAT(CheckAgainst(Message({{"first", "a"}, {"keyword1", "x"}, {"remark", "b"}}), old),
              IsOk());
  // Where the template no longer has them, WeChat drops them silently.
  const wechat::TemplateInfo typed{"tmpl", "", "{{thing1.DATA}}"};
  EXPECT_THAT(CheckAgainst(Message({{"first", "a"}, {"thing1", "x"}, {"remark", "b"}}), typed),
              IsOk());
}

class TemplateCatalogTest : public support::CoreTest {
 protected:
  void ListHas(const std::vector<std::string>& ids) {
    std::string list;
    for (const auto& id : ids) {
      absl::StrAppend(&list, list.empty() ? "" : ",", R"({"template_id":")", id,
                      R"(","content":"{{thing1.DATA}}"})");
    }
    http_.Always(kTemplateListPath, Json(absl::StrCat(R"({"template_list":[)", list, "]}")));
  }
  absl::Status Check(const std::string& id) {
    const model::Message message = wechat::Compile(Message({{"thing1", "茶"}}, id));
    return Await(catalog_.Check(message, Within(Seconds(30))));
  }
  std::size_t fetches() const { return http_.count(kTemplateListPath); }

  TemplateCatalog& catalog_ = accounts_.all().front().templates;
};

TEST_F(TemplateCatalogTest, ListIsFetchedOnceInTenMinutes) {
  ListHas({"tmpl"});
  EXPECT_THAT(Check("tmpl"), IsOk());
  clock_.Advance(Minutes(9));
  EXPECT_THAT(Check("tmpl"), IsOk());
  EXPECT_EQ(fetches(), 1u);
  clock_.Advance(Seconds(61));
  ListHas({"other"});
  EXPECT_THAT(Check("tmpl"), StatusIs(StatusCode::kInvalidArgument, "INVALID_TEMPLATE_ID"));
  EXPECT_EQ(fetches(), 2u);
}

TEST_F(TemplateCatalogTest, UnknownTemplateIsLookedForAgainAtMostOnceAMinute) {
  ListHas({"tmpl"});
  EXPECT_THAT(Check("tmpl"), IsOk());
  const absl::Status unknown = Check("new");
  EXPECT_THAT(unknown, StatusIs(StatusCode::kInvalidArgument, "INVALID_TEMPLATE_ID"));
  EXPECT_THAT(support::FieldsOf(unknown), ElementsAre("template.template_id"));
  EXPECT_EQ(fetches(), 1u);
  clock_.Advance(Seconds(61));
  ListHas({"tmpl", "new"});
  EXPECT_THAT(Check("new"), IsOk());
  EXPECT_EQ(fetches(), 2u);
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(Check("nobody"), StatusIs(StatusCode::kInvalidArgument));
    clock_.Advance(Seconds(1));
  }
  EXPECT_LE(fetches(), 4u);
}

TEST_F(TemplateCatalogTest, ListThatCantBeHadIsTheError) {
  http_.Always(kTemplateListPath, Refuses(48001));
  EXPECT_THAT(Check("tmpl"), StatusIs(StatusCode::kPermissionDenied, "API_UNAUTHORIZED"));
  http_.Always(kTemplateListPath, HttpStatus(502));
  EXPECT_THAT(Check("tmpl"), StatusIs(StatusCode::kUnavailable, "WECHAT_UNREACHABLE"));
  ListHas({"tmpl"});
  EXPECT_THAT(Check("tmpl"), IsOk());
}

TEST_F(TemplateCatalogTest, OldListIsNotHeldAgainstAMessage) {
  ListHas({"tmpl"});
  EXPECT_THAT(Check("tmpl"), IsOk());
  clock_.Advance(Minutes(11));
  http_.Always(kTemplateListPath, HttpStatus(502));
  EXPECT_THAT(Check("tmpl"), StatusIs(StatusCode::kUnavailable));
}

TEST_F(TemplateCatalogTest, ValuesAreChecked) {
  ListHas({"tmpl"});
  EXPECT_THAT(Await(catalog_.Check(wechat::Compile(Message({{"thing1", Times(21, "x")}})),
                                   Within(Seconds(1)))),
              StatusIs(StatusCode::kInvalidArgument, "INVALID_TEMPLATE_VALUE"));
}

TEST_F(TemplateCatalogTest, A12_OddEntryHidesNoOther) {
  http_.Always(kTemplateListPath, Json(R"({"template_list":[{"template_id":"tmpl","content":
      "{{thing1.DATA}}"},7,{"template_id":"odd","content":["{{thing1.DATA}}"]}]})"));
  EXPECT_THAT(Check("tmpl"), IsOk());
  EXPECT_THAT(Await(catalog_.Check(wechat::Compile(Message({{"thing1", Times(21, "x")}}, "tmpl")),
                                   Within(Seconds(1)))),
              StatusIs(StatusCode::kInvalidArgument, "INVALID_TEMPLATE_VALUE"));
  // Nothing is held against a template that the list doesn't tell readably.
  EXPECT_THAT(Check("odd"), IsOk());
  EXPECT_THAT(Check("perhaps the seventh"), IsOk());
  EXPECT_EQ(fetches(), 1u);
}

}  // namespace
}  // namespace hongyan::core
