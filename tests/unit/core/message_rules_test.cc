// Every limit of a message from both sides, and the field that its error names.
#include "server/core/message_rules.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/core_test.h"
#include "tests/support/error_details.h"
#include "tests/support/status_matchers.h"

namespace hongyan::core {
namespace {

using absl::StatusCode;
using support::IsOk;
using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::StartsWith;

// A good message and a bad change of it: exactly one of the two bodies is there.
struct Draft {
  model::Notification notification;
  std::optional<wechat::TextMessage> text = {};
  std::optional<wechat::TemplateMessage> message = {};

  absl::Status Check() const {
    return text ? AddMessage(notification, *text).status()
                : AddMessage(notification, *message).status();
  }
};

Draft Text() {
  Draft draft;
  draft.notification.openid = "oABC";
  draft.text = wechat::TextMessage{"您好", ""};
  return draft;
}
Draft Template() {
  Draft draft;
  draft.notification.openid = "oABC";
  draft.message = wechat::TemplateMessage{"tmpl", {{"thing1", "茶"}}, "", "", ""};
  return draft;
}
std::string Chars(std::size_t count, char c = 'x') { return std::string(count, c); }

using Change = std::function<void(Draft&)>;

// A change of a good notification; `field` is what its error names, empty when it stays good.
struct Rule {
  const char* name;
  Draft base;
  Change change;
  std::string field;
};

void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }

Rule ForText(const char* name, std::string field,
             std::function<void(wechat::TextMessage&)> change) {
  return {name, Text(), [change = std::move(change)](Draft& draft) { change(*draft.text); },
          std::move(field)};
}
Rule ForTemplate(const char* name, std::string field,
                 std::function<void(wechat::TemplateMessage&)> change) {
  return {name, Template(), [change = std::move(change)](Draft& draft) { change(*draft.message); },
          std::move(field)};
}
Rule ForAny(const char* name, std::string field, std::function<void(model::Notification&)> change) {
  return {name, Text(), [change = std::move(change)](Draft& draft) { change(draft.notification); },
          std::move(field)};
}
Rule ForContent(const char* name, std::string field, std::string content) {
  return ForText(name, std::move(field), [content = std::move(content)](wechat::TextMessage& text) {
    text.content = content;
  });
}
Rule ForOpenid(const char* name, std::string field, std::string openid) {
  return ForAny(name, std::move(field),
                [openid = std::move(openid)](model::Notification& n) { n.openid = openid; });
}
Rule ForUrl(const char* name, std::string field, std::string url) {
  return ForTemplate(
      name, std::move(field),
      [url = std::move(url)](wechat::TemplateMessage& message) { message.url = url; });
}
Rule ForKeyword(const char* name, std::string field, std::string keyword) {
  return ForTemplate(name, std::move(field),
                     [keyword = std::move(keyword)](wechat::TemplateMessage& message) {
                       message.data = {{keyword, "v"}};
                     });
}

class G01_Rules : public ::testing::TestWithParam<Rule> {};

TEST_P(G01_Rules, NameTheField) {
  Draft draft = GetParam().base;
  GetParam().change(draft);
  const absl::Status status = draft.Check();
  if (GetParam().field.empty()) {
    EXPECT_THAT(status, IsOk());
  } else {
    EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument));
    EXPECT_NE(base::GetReason(status), "");
    EXPECT_THAT(support::FieldsOf(status), ElementsAre(StartsWith(GetParam().field)));
  }
}

TEST(MessageRules, AMalformedOpenidIsTheReasonAMissingOneIsNot) {
  EXPECT_THAT(CheckOpenid("o A"), StatusIs(StatusCode::kInvalidArgument, "INVALID_OPENID"));
  EXPECT_THAT(CheckOpenid(Chars(129)), StatusIs(StatusCode::kInvalidArgument, "INVALID_OPENID"));
  EXPECT_THAT(CheckOpenid(""), StatusIs(StatusCode::kInvalidArgument, "INVALID_REQUEST"));
  EXPECT_THAT(CheckUnionid("o A"), StatusIs(StatusCode::kInvalidArgument, "INVALID_REQUEST"));
}

TEST(MessageRules, UnionidInsteadOfTheOpenidHasItsRule) {
  for (const std::string& unionid : {std::string(), Chars(129)}) {
    Draft draft = Text();
    draft.notification.unionid = unionid;
    EXPECT_THAT(support::FieldsOf(draft.Check()), ElementsAre("unionid"));
  }
}

TEST(MessageRules, EachWrongFieldIsNamed) {
  model::Notification text;
  text.idempotency_key = "a\nb";
  text.labels = {{"", "x"}};
  const absl::Status status = AddMessage(text, wechat::TextMessage{"", "no account"}).status();
  EXPECT_THAT(support::FieldsOf(status), ElementsAre("openid", "idempotency_key", "labels",
                                                     "text.content", "text.kf_account"));
  EXPECT_EQ(status.message(), "openid: is required");

  model::Notification message;
  message.openid = "oABC";
  const wechat::TemplateMessage bad{"", {}, "ftp://a", "", std::string(2000, 'p')};
  EXPECT_THAT(support::FieldsOf(AddMessage(message, bad).status()),
              ElementsAre("template.template_id", "template.data", "template.url",
                          "template.mini_program.app_id", "template.mini_program.page_path"));
  const wechat::TemplateMessage values{
      "id", {{"a1", "\x01"}, {"b2", "v"}, {"c3", "\x02"}}, "", "", ""};
  EXPECT_THAT(support::FieldsOf(AddMessage(message, values).status()),
              ElementsAre("template.data.a1", "template.data.c3"));
}

const auto kNameOf = [](const auto& info) { return info.param.name; };

INSTANTIATE_TEST_SUITE_P(Recipient, G01_Rules,
                         ::testing::Values(ForOpenid("Empty", "openid", ""),
                                           ForOpenid("Longest", "", Chars(128)),
                                           ForOpenid("TooLong", "openid", Chars(129)),
                                           ForOpenid("Blank", "openid", "o ABC"),
                                           ForOpenid("Nul", "openid", std::string("o\0A", 3)),
                                           ForOpenid("Escape", "openid", "o\x1b[0m"),
                                           ForOpenid("Delete", "openid", "o\x7f"),
                                           ForOpenid("LineBreak", "openid", "oABC\n"),
                                           ForOpenid("Chinese", "openid", "o中"),
                                           ForOpenid("DashAndUnderscore", "", "o6_bm-jrP")),
                         kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Content, G01_Rules,
    ::testing::Values(ForContent("Empty", "text.content", ""),
                      ForContent("Longest", "", Chars(2048)),
                      ForContent("OneByteTooLong", "text.content", Chars(2049)),
                      // 682 characters of three bytes are 2046; bytes count, not characters.
                      ForContent("LongestChinese", "",
                                 [] {
                                   std::string s;
                                   for (int i = 0; i < 682; ++i) s += "中";
                                   return s + "xx";
                                 }()),
                      ForContent("ChineseTooLong", "text.content",
                                 [] {
                                   std::string s;
                                   for (int i = 0; i < 683; ++i) s += "中";
                                   return s;
                                 }()),
                      ForContent("LineBreaksLinksAndEmoji", "",
                                 "a\nb\n<a href=\"https://x\">🚚</a>"),
                      ForContent("Nul", "text.content", std::string("a\0b", 3)),
                      ForContent("Control", "text.content", "a\x01"),
                      ForContent("Escape", "text.content", "a\x1b]0;x\x07"),
                      ForContent("BackspaceAndFormFeed", "text.content", "a\b\f")),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    KfAccount, G01_Rules,
    ::testing::Values(
        ForText("Good", "", [](auto& text) { text.kf_account = "test1@kftest"; }),
        ForText("Blank", "text.kf_account", [](auto& text) { text.kf_account = "a b"; }),
        ForText("Control", "text.kf_account", [](auto& text) { text.kf_account = "a\n"; })),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    TemplateId, G01_Rules,
    ::testing::Values(
        ForTemplate("Empty", "template.template_id", [](auto& m) { m.template_id = ""; }),
        ForTemplate("Blank", "template.template_id", [](auto& m) { m.template_id = "a b"; }),
        ForTemplate("Nul", "template.template_id",
                    [](auto& m) { m.template_id = std::string("a\0", 2); }),
        ForTemplate("Long", "template.template_id",
                    [](auto& m) { m.template_id = Chars(100000); })),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Data, G01_Rules,
    ::testing::Values(ForTemplate("Empty", "template.data", [](auto& m) { m.data.clear(); }),
                      ForTemplate("FiftyKeywords", "",
                                  [](auto& m) {
                                    m.data.clear();
                                    for (int i = 0; i < 50; ++i)
                                      m.data[absl::StrCat("thing", i)] = "v";
                                  }),
                      ForTemplate("FiftyOneKeywords", "template.data",
                                  [](auto& m) {
                                    m.data.clear();
                                    for (int i = 0; i < 51; ++i)
                                      m.data[absl::StrCat("thing", i)] = "v";
                                  }),
                      ForKeyword("LongestKeyword", "", Chars(64)),
                      ForKeyword("KeywordTooLong", "template.data", Chars(65)),
                      ForKeyword("EmptyKeyword", "template.data", ""),
                      ForKeyword("Dot", "template.data", "a.b"),
                      ForKeyword("BlankInKeyword", "template.data", "a b"),
                      ForKeyword("ChineseKeyword", "template.data", "键"),
                      ForKeyword("Quote", "template.data", "a\""),
                      ForKeyword("Underscore", "", "character_string4"),
                      ForTemplate("SixteenKibOfValues", "",
                                  [](auto& m) {
                                    m.data = {{"a", Chars(8192)}, {"b", Chars(8192)}};
                                  }),
                      ForTemplate("MoreThanSixteenKib", "template.data",
                                  [](auto& m) {
                                    m.data = {{"a", Chars(8192)}, {"b", Chars(8193)}};
                                  }),
                      ForTemplate("OneMegabyte", "template.data",
                                  [](auto& m) {
                                    m.data = {{"a", Chars(1 << 20)}};
                                  }),
                      ForTemplate("ControlInValue", "template.data",
                                  [](auto& m) {
                                    m.data = {{"a", "x\x01"}};
                                  }),
                      ForTemplate("NulInValue", "template.data",
                                  [](auto& m) {
                                    m.data = {{"a", std::string("x\0", 2)}};
                                  })),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Link, G01_Rules,
    ::testing::Values(ForUrl("Https", "", "https://example.com/o/1024?a=b#c"),
                      ForUrl("Http", "", "http://example.com"),
                      ForUrl("Chinese", "", "https://example.com/订单"),
                      ForUrl("Ftp", "template.url", "ftp://example.com"),
                      ForUrl("Script", "template.url", "javascript:alert(1)"),
                      ForUrl("NoScheme", "template.url", "example.com"),
                      ForUrl("Blank", "template.url", "https://example.com/a b"),
                      ForUrl("LineBreak", "template.url", "https://example.com/\n"),
                      ForUrl("Longest", "", "https://" + Chars(2040)),
                      ForUrl("TooLong", "template.url", "https://" + Chars(2041)),
                      ForTemplate("MiniProgram", "",
                                  [](auto& m) {
                                    m.mini_program_app_id = "wx1";
                                    m.mini_program_page_path = "index?foo=订单";
                                  }),
                      ForTemplate("MiniProgramWithoutPage", "",
                                  [](auto& m) { m.mini_program_app_id = "wx1"; }),
                      ForTemplate("PageWithoutMiniProgram", "template.mini_program.app_id",
                                  [](auto& m) { m.mini_program_page_path = "index"; }),
                      ForTemplate("ControlInPage", "template.mini_program.page_path",
                                  [](auto& m) {
                                    m.mini_program_app_id = "wx1";
                                    m.mini_program_page_path = "a\x01";
                                  })),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Key, G01_Rules,
    ::testing::Values(
        ForAny("Longest", "", [](model::Notification& n) { n.idempotency_key = Chars(255); }),
        ForAny("TooLong", "idempotency_key",
               [](model::Notification& n) { n.idempotency_key = Chars(256); }),
        ForAny("Blank", "", [](model::Notification& n) { n.idempotency_key = "a b"; }),
        ForAny("Chinese", "", [](model::Notification& n) { n.idempotency_key = "订单-1"; }),
        ForAny("ChineseTooLong", "idempotency_key",
               [](model::Notification& n) { n.idempotency_key = Chars(253) + "键"; }),
        ForAny("LineEnd", "idempotency_key",
               [](model::Notification& n) { n.idempotency_key = "a\nb"; }),
        ForAny("Delete", "idempotency_key",
               [](model::Notification& n) { n.idempotency_key = "a\x7F"; }),
        ForAny("C1", "idempotency_key",
               [](model::Notification& n) { n.idempotency_key = "a\xC2\x85"; }),
        ForAny("NoBreakSpace", "",
               [](model::Notification& n) { n.idempotency_key = "a\xC2\xA0"; })),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(Labels, G01_Rules,
                         ::testing::Values(ForAny("Sixteen", "",
                                                  [](model::Notification& n) {
                                                    for (int i = 0; i < 16; ++i)
                                                      n.labels[absl::StrCat("k", i)] = "v";
                                                  }),
                                           ForAny("Seventeen", "labels",
                                                  [](model::Notification& n) {
                                                    for (int i = 0; i < 17; ++i)
                                                      n.labels[absl::StrCat("k", i)] = "v";
                                                  }),
                                           ForAny("Longest", "",
                                                  [](model::Notification& n) {
                                                    n.labels = {{Chars(64), Chars(64)}};
                                                  }),
                                           ForAny("KeyTooLong", "labels",
                                                  [](model::Notification& n) {
                                                    n.labels = {{Chars(65), ""}};
                                                  }),
                                           ForAny("ValueTooLong", "labels",
                                                  [](model::Notification& n) {
                                                    n.labels = {{"k", Chars(65)}};
                                                  })),
                         kNameOf);

TEST(CheckOpenid, NamesTheFieldItIsGiven) {
  EXPECT_THAT(support::FieldsOf(CheckOpenid("", "openids[3]")), ElementsAre("openids[3]"));
}

TEST(CheckLang, TakesWechatsThree) {
  for (const char* lang : {"", "zh_CN", "zh_TW", "en"})
    EXPECT_THAT(CheckLang(lang), IsOk()) << lang;
  for (const char* lang : {"zh", "ZH_CN", "en_US", "fr", " en"}) {
    EXPECT_THAT(CheckLang(lang), StatusIs(StatusCode::kInvalidArgument)) << lang;
    EXPECT_THAT(support::FieldsOf(CheckLang(lang)), ElementsAre("lang"));
  }
}

}  // namespace
}  // namespace hongyan::core
