#include "server/wechat/envelope.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include "absl/strings/str_cat.h"
#include "server/wechat/event_xml.h"
#include "server/wechat/signature.h"

namespace hongyan::wechat {

absl::StatusOr<Envelope> ReadEnvelope(absl::string_view body) {
  const auto push = ParsePush(body);
  if (!push.ok()) return push.status();
  if (!push->HasEncrypt()) return absl::FailedPreconditionError("nothing in it is encrypted");
  return Envelope{push->format, push->to_user, std::string(push->Field("Encrypt"))};
}

std::string WriteReplyEnvelope(model::BodyFormat format, const base::Secret& token,
                               absl::string_view encrypt, absl::Time now, absl::string_view nonce) {
  const std::string timestamp = absl::StrCat(absl::ToUnixSeconds(now));
  const std::string signature = Signature({token.Reveal(), timestamp, nonce, encrypt});
  if (format == model::BodyFormat::kXml) {
    return absl::StrCat("<xml><Encrypt>", Cdata(encrypt), "</Encrypt><MsgSignature>",
                        Cdata(signature), "</MsgSignature><TimeStamp>", timestamp,
                        "</TimeStamp><Nonce>", Cdata(nonce), "</Nonce></xml>");
  }
  return boost::json::serialize(
      boost::json::object{{"Encrypt", boost::json::string_view(encrypt.data(), encrypt.size())},
                          {"MsgSignature", signature},
                          {"TimeStamp", absl::ToUnixSeconds(now)},
                          {"Nonce", boost::json::string_view(nonce.data(), nonce.size())}});
}

}  // namespace hongyan::wechat
