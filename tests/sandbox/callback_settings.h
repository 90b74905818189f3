// How an account wants its callbacks: the page 服务器配置 of the platform's console.
//
// Contract: plain values. compatible and safe need an encoding_aes_key of 43 letters and digits.
// Source:   https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Access_Overview.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hongyan::sandbox {

// 明文, 兼容, 安全.
enum class CallbackMode { kPlain, kCompatible, kSafe };
enum class CallbackFormat { kXml, kJson };

struct CallbackSettings {
  std::string url;
  std::string token;
  std::string encoding_aes_key;
  CallbackMode mode = CallbackMode::kPlain;
  CallbackFormat format = CallbackFormat::kXml;
  // A push without a good answer is tried twice more, unless its call says otherwise.
  bool retry = false;
};

enum class ReceiptTime { kNone, kEarly, kLate };

// The TEMPLATESENDJOBFINISH that follows each accepted template message.
struct ReceiptSettings {
  ReceiptTime when = ReceiptTime::kNone;
  int64_t times = 1;
  // Of late ones, after the message.
  int64_t delay_ms = 0;
  std::string status = "success";
  // MsgID 0 instead of the message's.
  bool zero_msgid = false;
};

inline std::string_view NameOf(CallbackMode mode) {
  if (mode == CallbackMode::kSafe) return "safe";
  return mode == CallbackMode::kCompatible ? "compatible" : "plain";
}
inline std::string_view NameOf(CallbackFormat format) {
  return format == CallbackFormat::kJson ? "json" : "xml";
}

}  // namespace hongyan::sandbox
