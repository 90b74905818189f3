#include "server/endpoints/handler/reply_convert.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace hongyan::endpoints {
namespace {

std::optional<core::Reply> Converted(const std::string& text) {
  v1::HandleEventResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response)) << text;
  return FromProto(response);
}

TEST(ReplyConvertTest, EveryKindComesOver) {
  EXPECT_EQ(Converted("text {content: '好'}"), core::Reply(wechat::TextReply{"好"}));
  EXPECT_EQ(Converted("image {media_id: 'M'}"), core::Reply(wechat::ImageReply{"M"}));
  EXPECT_EQ(Converted("voice {media_id: 'M'}"), core::Reply(wechat::VoiceReply{"M"}));
  EXPECT_EQ(Converted("video {media_id: 'M' title: 't' description: 'd'}"),
            core::Reply(wechat::VideoReply{"M", "t", "d"}));
  EXPECT_EQ(Converted("music {title: 't' description: 'd' music_url: 'm' hq_music_url: 'h' "
                      "thumb_media_id: 'T'}"),
            core::Reply(wechat::MusicReply{"t", "d", "m", "h", "T"}));
  EXPECT_EQ(Converted("news {title: 't' description: 'd' url: 'u' picture_url: 'p'}"),
            core::Reply(wechat::NewsReply{"t", "d", "u", "p"}));
  EXPECT_EQ(Converted("transfer {kf_account: 'a@b'}"), core::Reply(wechat::TransferReply{"a@b"}));
  EXPECT_EQ(Converted("transfer {}"), core::Reply(wechat::TransferReply{}));
}

TEST(ReplyConvertTest, TheProtoHasEveryKindWithItsFieldsAndNoOther) {
  const auto& descriptor = *v1::HandleEventResponse::descriptor();
  const std::vector<absl::string_view> kinds = core::ReplyKinds();
  EXPECT_EQ(descriptor.FindOneofByName("reply")->field_count(), static_cast<int>(kinds.size()));
  for (const absl::string_view kind : kinds) {
    const auto* reply = descriptor.FindFieldByName(std::string(kind));
    ASSERT_NE(reply, nullptr) << kind;
    core::ReadReply(kind, [&](const std::string& field) {
      EXPECT_NE(reply->message_type()->FindFieldByName(field), nullptr) << kind << "." << field;
      return "";
    });
  }
  EXPECT_EQ(core::ReadReply("sticker", [](const std::string&) { return ""; }), std::nullopt);
}

TEST(ReplyConvertTest, NoReplyIsNone) {
  EXPECT_EQ(Converted(""), std::nullopt);
  v1::HandleEventResponse later;
  ASSERT_TRUE(later.ParseFromString(std::string("\x7a\x02\x0a\x00", 4)));  // a kind of field 15
  EXPECT_EQ(FromProto(later), std::nullopt);
}

TEST(ReplyConvertTest, WhatHasNoMeaningIsDropped) {
  EXPECT_EQ(Converted("text {content: 'x' kf_account: 'a@b'}"),
            core::Reply(wechat::TextReply{"x"}));
  EXPECT_EQ(Converted("video {media_id: 'M' thumb_media_id: 'T'}"),
            core::Reply(wechat::VideoReply{"M", "", ""}));
}

}  // namespace
}  // namespace hongyan::endpoints
