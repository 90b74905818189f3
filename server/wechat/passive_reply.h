// What WeChat is answered with besides `success`: the passive replies (被动回复), as plain values and as bytes.
//
// Contract: the writers turn any value into well-formed bytes: UTF-8 as it is, control characters replaced, `]]>` split
//           over two CDATA sections. They don't judge: which values WeChat takes is core::CheckReply's matter. What is
//           optional and empty is left out; an article always has its four elements.
// Threads:  any; pure.
// Source:
// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Passive_user_reply_message.html
#pragma once

#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hongyan::wechat {

struct TextReply {
  std::string content;
  bool operator==(const TextReply&) const = default;
};

struct ImageReply {
  std::string media_id;
  bool operator==(const ImageReply&) const = default;
};

struct VoiceReply {
  std::string media_id;
  bool operator==(const VoiceReply&) const = default;
};

struct VideoReply {
  std::string media_id;
  std::string title;        // optional
  std::string description;  // optional
  bool operator==(const VideoReply&) const = default;
};

struct MusicReply {
  std::string title;         // optional
  std::string description;   // optional
  std::string music_url;     // optional
  std::string hq_music_url;  // optional
  std::string thumb_media_id;
  bool operator==(const MusicReply&) const = default;
};

// One article: more are for events only.
struct NewsReply {
  std::string title;
  std::string description;  // optional
  std::string url;
  std::string picture_url;  // optional
  bool operator==(const NewsReply&) const = default;
};

// Customer service (客服) takes over.
struct TransferReply {
  std::string kf_account;  // empty: whoever is free
  bool operator==(const TransferReply&) const = default;
};

using Reply = std::variant<TextReply, ImageReply, VoiceReply, VideoReply, MusicReply, NewsReply,
                           TransferReply>;

// `to` is the push's sender, `from` its receiver.
std::string WriteReplyXml(absl::string_view to, absl::string_view from, absl::Time now,
                          const Reply& reply);
std::string WriteReplyJson(absl::string_view to, absl::string_view from, absl::Time now,
                           const Reply& reply);

}  // namespace hongyan::wechat
