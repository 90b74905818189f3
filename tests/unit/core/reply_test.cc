#include "server/core/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace hongyan::core {
namespace {

using ::testing::HasSubstr;

// What is wrong with it; "" when nothing is.
std::string Problem(const Reply& reply) { return std::string(CheckReply(reply).message()); }

TEST(ReplyTest, WhatIsRequiredMustBeThere) {
  EXPECT_THAT(Problem(wechat::TextReply{}), HasSubstr("text.content"));
  EXPECT_THAT(Problem(wechat::ImageReply{}), HasSubstr("image.media_id"));
  EXPECT_THAT(Problem(wechat::VoiceReply{}), HasSubstr("voice.media_id"));
  EXPECT_THAT(Problem(wechat::VideoReply{"", "t", "d"}), HasSubstr("video.media_id"));
  EXPECT_THAT(Problem(wechat::MusicReply{"t", "d", "", "", ""}), HasSubstr("music.thumb_media_id"));
  EXPECT_THAT(Problem(wechat::NewsReply{"", "", "https://u", ""}), HasSubstr("news.title"));
  EXPECT_THAT(Problem(wechat::NewsReply{"t", "", "", ""}), HasSubstr("news.url"));
}

TEST(ReplyTest, WhatIsOptionalMayBeMissing) {
  EXPECT_EQ(Problem(wechat::VideoReply{"M", "", ""}), "");
  EXPECT_EQ(Problem(wechat::MusicReply{"", "", "", "", "T"}), "");
  EXPECT_EQ(Problem(wechat::NewsReply{"t", "", "https://u", ""}), "");
  EXPECT_EQ(Problem(wechat::TransferReply{}), "");
  EXPECT_EQ(Problem(wechat::TransferReply{"a@b"}), "");
}

TEST(ReplyTest, X17_LimitsAreInBytesOfUtf8) {
  std::string full;
  for (int i = 0; i < 682; ++i) full += "中";
  EXPECT_EQ(Problem(wechat::TextReply{full + "ab"}), "");
  EXPECT_THAT(Problem(wechat::TextReply{full + "中"}), HasSubstr("2049 bytes"));
  EXPECT_THAT(Problem(wechat::ImageReply{std::string(129, 'M')}), HasSubstr("1 to 128"));
  EXPECT_THAT(Problem(wechat::ImageReply{"M 1"}), HasSubstr("visible ASCII"));
  EXPECT_THAT(Problem(wechat::NewsReply{"t", "", "ftp://u", ""}), HasSubstr("news.url"));
  EXPECT_THAT(Problem(wechat::NewsReply{"t", "", "https://u v", ""}), HasSubstr("without blanks"));
  EXPECT_THAT(Problem(wechat::NewsReply{"t", "", "https://u", "x"}), HasSubstr("news.picture_url"));
  EXPECT_THAT(Problem(wechat::TextReply{"a\x01"}), HasSubstr("control characters"));
}

TEST(ReplyTest, ProblemsDoNotTellTheValue) {
  EXPECT_THAT(Problem(wechat::ImageReply{"Planted Value"}), Not(HasSubstr("Planted")));
  EXPECT_THAT(Problem(wechat::NewsReply{"t", "", "Planted", ""}), Not(HasSubstr("Planted")));
}

TEST(ReplyTest, KindsHaveNames) {
  EXPECT_EQ(ReplyKind(wechat::TextReply{}), "text");
  EXPECT_EQ(ReplyKind(wechat::NewsReply{}), "news");
  EXPECT_EQ(ReplyKind(wechat::TransferReply{}), "transfer");
}

}  // namespace
}  // namespace hongyan::core
