// What WeChat is answered with besides `success`: the passive replies (被动回复), as plain values
// and as bytes.
//
// Contract: the writers turn any value into well-formed bytes: UTF-8 as it is, control characters
//           replaced, `]]>` split over two CDATA sections. They don't judge: which values WeChat
//           takes is core::CheckReply's matter. What is optional and empty is left out; an article
//           always has its four elements.
// Threads:  any; pure.
// Source:
// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Passive_user_reply_message.html
//
// To add a kind: its struct here and in Reply, and its fields under the same names in
// event_handler.proto and config.proto. Writers, checks and the readers of both protos walk kForm
// and kFields, which are in WeChat's order.
#pragma once

#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hongyan::wechat {

struct ReplyForm {
  const char* name;      // of the kind in our protos, event_handler.proto and config.proto
  const char* msg_type;  // WeChat's MsgType
  const char* element;   // of WeChat's that holds the fields; nullptr: there is none around them
  bool is_list = false;  // `element` holds articles, of which there is one
};

enum class ReplyValue { kText, kId, kUrl };  // core::ReplyProblems has the rules
enum class Presence {
  kRequired,
  kOptional,      // left out when empty
  kAlwaysWritten  // may be empty
};

template <typename T>
struct ReplyField {
  const char* name;         // in our protos
  const char* wechat_name;  // in WeChat's XML and JSON
  std::string T::*member;
  ReplyValue value;
  Presence presence;
};

struct TextReply {
  std::string content;
  bool operator==(const TextReply&) const = default;

  static constexpr ReplyForm kForm = {"text", "text", nullptr};
  static constexpr ReplyField<TextReply> kFields[] = {
      {"content", "Content", &TextReply::content, ReplyValue::kText, Presence::kRequired},
  };
};

struct ImageReply {
  std::string media_id;
  bool operator==(const ImageReply&) const = default;

  static constexpr ReplyForm kForm = {"image", "image", "Image"};
  static constexpr ReplyField<ImageReply> kFields[] = {
      {"media_id", "MediaId", &ImageReply::media_id, ReplyValue::kId, Presence::kRequired},
  };
};

struct VoiceReply {
  std::string media_id;
  bool operator==(const VoiceReply&) const = default;

  static constexpr ReplyForm kForm = {"voice", "voice", "Voice"};
  static constexpr ReplyField<VoiceReply> kFields[] = {
      {"media_id", "MediaId", &VoiceReply::media_id, ReplyValue::kId, Presence::kRequired},
  };
};

struct VideoReply {
  std::string media_id;
  std::string title;
  std::string description;
  bool operator==(const VideoReply&) const = default;

  static constexpr ReplyForm kForm = {"video", "video", "Video"};
  static constexpr ReplyField<VideoReply> kFields[] = {
      {"media_id", "MediaId", &VideoReply::media_id, ReplyValue::kId, Presence::kRequired},
      {"title", "Title", &VideoReply::title, ReplyValue::kText, Presence::kOptional},
      {"description", "Description", &VideoReply::description, ReplyValue::kText,
       Presence::kOptional},
  };
};

struct MusicReply {
  std::string title;
  std::string description;
  std::string music_url;
  std::string hq_music_url;
  std::string thumb_media_id;
  bool operator==(const MusicReply&) const = default;

  static constexpr ReplyForm kForm = {"music", "music", "Music"};
  static constexpr ReplyField<MusicReply> kFields[] = {
      {"title", "Title", &MusicReply::title, ReplyValue::kText, Presence::kOptional},
      {"description", "Description", &MusicReply::description, ReplyValue::kText,
       Presence::kOptional},
      {"music_url", "MusicUrl", &MusicReply::music_url, ReplyValue::kUrl, Presence::kOptional},
      {"hq_music_url", "HQMusicUrl", &MusicReply::hq_music_url, ReplyValue::kUrl,
       Presence::kOptional},
      {"thumb_media_id", "ThumbMediaId", &MusicReply::thumb_media_id, ReplyValue::kId,
       Presence::kRequired},
  };
};

// One article: more are for events only.
struct NewsReply {
  std::string title;
  std::string description;
  std::string url;
  std::string picture_url;
  bool operator==(const NewsReply&) const = default;

  static constexpr ReplyForm kForm = {"news", "news", "Articles", true};
  static constexpr ReplyField<NewsReply> kFields[] = {
      {"title", "Title", &NewsReply::title, ReplyValue::kText, Presence::kRequired},
      {"description", "Description", &NewsReply::description, ReplyValue::kText,
       Presence::kAlwaysWritten},
      {"picture_url", "PicUrl", &NewsReply::picture_url, ReplyValue::kUrl,
       Presence::kAlwaysWritten},
      {"url", "Url", &NewsReply::url, ReplyValue::kUrl, Presence::kRequired},
  };
};

// Customer service (客服) takes over.
struct TransferReply {
  std::string kf_account;  // empty: whoever is free
  bool operator==(const TransferReply&) const = default;

  static constexpr ReplyForm kForm = {"transfer", "transfer_customer_service", "TransInfo"};
  static constexpr ReplyField<TransferReply> kFields[] = {
      {"kf_account", "KfAccount", &TransferReply::kf_account, ReplyValue::kId, Presence::kOptional},
  };
};

using Reply = std::variant<TextReply, ImageReply, VoiceReply, VideoReply, MusicReply, NewsReply,
                           TransferReply>;

// `to` is the push's sender, `from` its receiver.
std::string WriteReplyXml(absl::string_view to, absl::string_view from, absl::Time now,
                          const Reply& reply);
std::string WriteReplyJson(absl::string_view to, absl::string_view from, absl::Time now,
                           const Reply& reply);

}  // namespace hongyan::wechat
