#include "server/config/replies.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "tests/unit/config/config_test.h"

namespace hongyan::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kRule[] = "accounts[0].replies[0]";

class RepliesTest : public ConfigTest {
 protected:
  // One account in one line, with these rules.
  LoadResult LoadRules(const std::string& rules) {
    return LoadParts(
        absl::StrCat("callback: {token: '${WX_CALLBACK_TOKEN}'}, replies: [", rules, "]"));
  }
  LoadResult LoadParts(const std::string& parts) {
    return Load(absl::StrCat(
        "accounts:\n  - {name: main, app_id: wx1, app_secret: '${WX_APP_SECRET}', ", parts, "}\n"));
  }
  // The rule `{on: text, REPLY}` has this one problem.
  void ExpectRefused(const std::string& reply, const std::string& key, const std::string& part) {
    EXPECT_THAT(LoadRules(absl::StrCat("{on: text, ", reply, "}")).problems,
                ElementsAre(IsProblem(absl::StrCat(kRule, ".", key), 2, part)))
        << reply;
  }
  v1::ReplyRule Accepted(const std::string& rule) {
    const LoadResult result = LoadRules(rule);
    EXPECT_THAT(result.problems, IsEmpty()) << rule;
    EXPECT_THAT(result.warnings, IsEmpty()) << rule;
    return result.settings.accounts(0).replies(0);
  }
};

TEST_F(RepliesTest, ARuleNeedsATypeAndAReply) {
  EXPECT_THAT(LoadRules("{}").problems,
              ElementsAre(IsProblem("accounts[0].replies[0].on", 2, "is required"),
                          IsProblem("accounts[0].replies[0].text", 2, "is required")));
  EXPECT_THAT(LoadRules("{on: '', text: x}").problems,
              ElementsAre(IsProblem("accounts[0].replies[0].on", 2, "is empty")));
}

TEST_F(RepliesTest, TextsAndExpressions) {
  const v1::ReplyRule rule = Accepted("{on: text, match: '^帮助$', text: \"一\\n二\"}");
  EXPECT_EQ(rule.on(), "text");
  EXPECT_EQ(rule.match(), "^帮助$");
  EXPECT_EQ(rule.text(), "一\n二");
  for (const std::string& match :
       {std::string("'('"), std::string("'[a'"), std::string("'(?=x)'"), std::string("'(x)\\1'"),
        std::string("'((a{1000}){1000}){1000}'")}) {
    ExpectRefused(absl::StrCat("match: ", match, ", text: x"), "match", "is no RE2 expression");
  }
  ExpectRefused(absl::StrCat("match: ", std::string(4097, 'a'), ", text: x"), "match",
                "4097 bytes");
  Accepted(absl::StrCat("{on: text, text: ", std::string(2048, 'a'), "}"));
  ExpectRefused(absl::StrCat("text: ", std::string(2049, 'a')), "text", "2049 bytes");
  ExpectRefused("text: ''", "text", "is empty");
  variables_["BELL"] = "a\x07";
  ExpectRefused("text: '${BELL}'", "text", "control characters");
  variables_["FROM_WINDOWS"] = "a\r\nb";
  ExpectRefused("text: '${FROM_WINDOWS}'", "text", "carriage return");
}

TEST_F(RepliesTest, EveryKindOfReply) {
  const auto reply = [this](const std::string& parts) {
    return ToReply(Accepted(absl::StrCat("{on: text, ", parts, "}")));
  };
  EXPECT_EQ(std::get<wechat::TextReply>(reply("text: t")).content, "t");
  EXPECT_EQ(std::get<wechat::ImageReply>(reply("image: {media_id: M1}")).media_id, "M1");
  EXPECT_EQ(std::get<wechat::VoiceReply>(reply("voice: {media_id: M2}")).media_id, "M2");
  const auto video =
      std::get<wechat::VideoReply>(reply("video: {media_id: M, title: 标题, description: d}"));
  EXPECT_EQ(video.media_id, "M");
  EXPECT_EQ(video.title, "标题");
  EXPECT_EQ(video.description, "d");
  const auto music = std::get<wechat::MusicReply>(
      reply("music: {thumb_media_id: T, title: t, description: d, music_url: 'http://m', "
            "hq_music_url: 'https://h'}"));
  EXPECT_EQ(music.thumb_media_id, "T");
  EXPECT_EQ(music.title, "t");
  EXPECT_EQ(music.description, "d");
  EXPECT_EQ(music.music_url, "http://m");
  EXPECT_EQ(music.hq_music_url, "https://h");
  const auto news = std::get<wechat::NewsReply>(
      reply("news: {title: t, description: d, url: 'https://u', picture_url: 'https://p'}"));
  EXPECT_EQ(news.title, "t");
  EXPECT_EQ(news.description, "d");
  EXPECT_EQ(news.url, "https://u");
  EXPECT_EQ(news.picture_url, "https://p");
  EXPECT_EQ(std::get<wechat::TransferReply>(reply("transfer: {}")).kf_account, "");
  EXPECT_EQ(std::get<wechat::TransferReply>(reply("transfer: {kf_account: a@b}")).kf_account,
            "a@b");
}

TEST_F(RepliesTest, TheProtoHasEveryKindWithItsFields) {
  for (const absl::string_view kind : core::ReplyKinds()) {
    const auto* key = v1::ReplyRule::descriptor()->FindFieldByName(std::string(kind));
    ASSERT_NE(key, nullptr) << kind;
    if (kind == "text") continue;  // not a section
    core::ReadReply(kind, [&](const std::string& field) {
      EXPECT_NE(key->message_type()->FindFieldByName(field), nullptr) << kind << "." << field;
      return "";
    });
  }
}

TEST_F(RepliesTest, WhatAKindCannotDoWithoutIsNamed) {
  ExpectRefused("image: {}", "image.media_id", "is required");
  ExpectRefused("voice: {media_id: ''}", "voice.media_id", "is empty");
  ExpectRefused("image: {media_id: 'a b'}", "image.media_id", "visible ASCII");
  ExpectRefused(absl::StrCat("image: {media_id: ", std::string(129, 'M'), "}"), "image.media_id",
                "1 to 128 visible ASCII");
  ExpectRefused("video: {title: t}", "video.media_id", "is required");
  ExpectRefused("music: {title: t}", "music.thumb_media_id", "is required");
  ExpectRefused("music: {thumb_media_id: T, music_url: 'ftp://m'}", "music.music_url",
                "must be http://");
  ExpectRefused("news: {url: 'https://u'}", "news.title", "is required");
  ExpectRefused("news: {title: t}", "news.url", "is required");
  ExpectRefused("news: {title: t, url: 'https://u v'}", "news.url", "without blanks");
  ExpectRefused("image: M1", "image", "must be a section");
}

TEST_F(RepliesTest, EveryProblemOfAReplyIsTold) {
  EXPECT_THAT(LoadRules("{on: text, music: {music_url: x,\n hq_music_url: y}}").problems,
              ElementsAre(IsProblem("accounts[0].replies[0].music.thumb_media_id", 2, "required"),
                          IsProblem("accounts[0].replies[0].music.music_url", 2, "must be http"),
                          IsProblem("accounts[0].replies[0].music.hq_music_url", 3, "must be")));
}

TEST_F(RepliesTest, ARuleHasExactlyOneReply) {
  EXPECT_THAT(LoadRules("{on: text, text: x,\n image: {media_id: M}}").problems,
              ElementsAre(IsProblem("accounts[0].replies[0].image", 3, "beside text")));
}

TEST_F(RepliesTest, UnknownTypesAreRefusedWithTheKnownOnes) {
  for (const char* on : {"Text", "te xt", "1text", "文本", "subcribe", "CLICK", "event"}) {
    EXPECT_THAT(
        LoadRules(absl::StrCat("{on: '", on, "', text: x}")).problems,
        ElementsAre(IsProblem("accounts[0].replies[0].on", 2, "known are text, image, voice")))
        << on;
  }
  EXPECT_THAT(AllText(LoadRules("{on: subcribe, text: x}")), HasSubstr("subscription_receipt"));
  for (const char* on : {"scan_code", "shortvideo", "scancode_push", "debug_demo", "unknown"}) {
    Accepted(absl::StrCat("{on: ", on, ", text: x}"));
  }
}

TEST_F(RepliesTest, EventKeysAreForEvents) {
  EXPECT_EQ(Accepted("{on: click, event_key: MENU_1, text: x}").event_key(), "MENU_1");
  Accepted("{on: subscribe, event_key: qrscene_7, transfer: {}}");
  ExpectRefused("event_key: A, text: x", "event_key", "is for events");
  EXPECT_THAT(LoadRules("{on: click, event_key: '', text: x}").problems,
              ElementsAre(IsProblem("accounts[0].replies[0].event_key", 2, "is empty")));
}

TEST_F(RepliesTest, NumberOfRulesHasALimit) {
  const auto many = [this](int count) {
    std::string rules;
    for (int i = 0; i < count; ++i) rules += "{on: text, text: x},";
    return LoadRules(rules).problems;
  };
  EXPECT_THAT(many(200), IsEmpty());
  EXPECT_THAT(many(201), ElementsAre(IsProblem("accounts[0].replies", 2, "has 201 items")));
}

TEST_F(RepliesTest, WithoutACallbackTheyAreWarnedAbout) {
  EXPECT_THAT(LoadParts("replies: [{on: text, text: x}]").warnings,
              ElementsAre(IsProblem("accounts[0].replies", 2, "will never be used")));
}

}  // namespace
}  // namespace hongyan::config
