#include "push_envelope.h"

#include <boost/json/serialize.hpp>
#include <utility>

#include "callback_cipher.h"

namespace hongyan::sandbox {
namespace {

// Appended piece by piece: GCC 12 takes "text" + std::string() for an overlapping copy.
std::string JsonMember(const char* name, const std::string& text) {
  std::string out = "\"";
  out.append(name).append("\":");
  return out.append(boost::json::serialize(boost::json::value(text)));
}

std::string XmlElement(const char* name, const std::string& text) {
  std::string out = "<";
  out.append(name).append("><![CDATA[").append(text).append("]]></");
  return out.append(name).append(">");
}

// The plain message with one more field at its end; unchanged if it is not what it should be.
std::string WithEncrypt(std::string message, CallbackFormat format, const std::string& encrypt) {
  const bool is_json = format == CallbackFormat::kJson;
  const size_t end = message.rfind(is_json ? "}" : "</xml>");
  if (end == std::string::npos) return message;
  const std::string tail = message.substr(end);
  message.resize(end);
  if (is_json) message.append(",");
  message.append(is_json ? JsonMember("Encrypt", encrypt) : XmlElement("Encrypt", encrypt));
  return message.append(tail);
}

}  // namespace

std::string SafeBody(const AccountSettings& settings, const std::string& encrypt) {
  if (settings.callback.format == CallbackFormat::kJson) {
    return "{" + JsonMember("ToUserName", settings.original_id) + "," +
           JsonMember("Encrypt", encrypt) + "}";
  }
  return "<xml>" + XmlElement("ToUserName", settings.original_id) + XmlElement("Encrypt", encrypt) +
         "</xml>";
}

SealedPush Seal(const AccountSettings& settings, const std::string& message, CallbackMode mode,
                const std::string& key, std::string random16, Random& random) {
  SealedPush sealed;
  const CallbackFormat format = settings.callback.format;
  sealed.content_type = format == CallbackFormat::kJson ? "application/json" : "text/xml";
  if (mode == CallbackMode::kPlain) {
    sealed.body = message;
    return sealed;
  }
  if (random16.empty()) random16 = random.HexText(16);
  sealed.encrypt = Encrypt(key, random16, message, settings.app_id);
  sealed.body = mode == CallbackMode::kSafe ? SafeBody(settings, sealed.encrypt)
                                            : WithEncrypt(message, format, sealed.encrypt);
  return sealed;
}

void Complete(Stamp* stamp, const std::string& token, const std::string& encrypt,
              Platform& platform) {
  if (stamp->timestamp.empty()) {
    stamp->timestamp = std::to_string(ToSeconds(platform.clock.Now()));
  }
  if (stamp->nonce.empty()) {
    stamp->nonce = platform.random.Text(1, "123456789") + platform.random.Text(9, "0123456789");
  }
  if (stamp->signature.empty()) {
    stamp->signature = CallbackSignature({token, stamp->timestamp, stamp->nonce});
  }
  if (stamp->msg_signature.empty() && !encrypt.empty()) {
    stamp->msg_signature = CallbackSignature({token, stamp->timestamp, stamp->nonce, encrypt});
  }
}

std::string SignedQuery(const Stamp& stamp, const std::string& openid, const std::string& encrypt) {
  std::string query = "signature=";
  query.append(PercentEncode(stamp.signature));
  query.append("&timestamp=").append(PercentEncode(stamp.timestamp));
  query.append("&nonce=").append(PercentEncode(stamp.nonce));
  if (!openid.empty()) query.append("&openid=").append(PercentEncode(openid));
  if (!encrypt.empty()) {
    query.append("&encrypt_type=aes&msg_signature=").append(PercentEncode(stamp.msg_signature));
  }
  return query;
}

}  // namespace hongyan::sandbox
