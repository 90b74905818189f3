#include "garbage.h"

#include <string_view>
#include <utility>

#include "callback_body.h"
#include "callback_cipher.h"
#include "push_envelope.h"

namespace hongyan::sandbox {
namespace {

namespace json = boost::json;

constexpr int64_t kHourSeconds = 3600;
constexpr size_t kOversizedBytes = size_t{2} << 20;

// A push on its way to becoming garbage. What a kind changes before sealing is inside the cipher
// in safe mode; what it changes after it is outside.
struct Draft {
  const AccountSettings& settings;
  Platform& platform;
  std::string message;
  CallbackMode mode;
  std::string key;
  Stamp stamp;
  SealedPush sealed;
};

// Before sealing.
void WrongSignature(Draft& draft) {
  draft.stamp.signature = draft.stamp.msg_signature = draft.platform.random.HexText(40);
}
void OldTimestamp(Draft& draft) {
  draft.stamp.timestamp = std::to_string(ToSeconds(draft.platform.clock.Now()) - kHourSeconds);
}
void FutureTimestamp(Draft& draft) {
  draft.stamp.timestamp = std::to_string(ToSeconds(draft.platform.clock.Now()) + kHourSeconds);
}
void Dtd(Draft& draft) {
  draft.message = "<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/hostname\">]>" + draft.message;
}
void Oversized(Draft& draft) {
  const size_t end = draft.message.rfind(draft.message.front() == '{' ? '}' : '<');
  const std::string blanks(kOversizedBytes, ' ');
  draft.message.insert(end == std::string::npos ? 0 : end, blanks);
}
void TruncatedMessage(Draft& draft) { draft.message.resize(draft.message.size() * 2 / 3); }
void Binary(Draft& draft) { draft.message = std::string("\x00\xff\xfe\x80garbage\x01", 12); }
void NoMarkup(Draft& draft) { draft.message = "key=value&other=1"; }
void Unencrypted(Draft& draft) { draft.mode = CallbackMode::kPlain; }
void WrongKey(Draft& draft) { draft.key = draft.platform.random.Text(32, kUrlSafeAlphabet); }
void WrongMsgSignature(Draft& draft) {
  draft.stamp.msg_signature = draft.platform.random.HexText(40);
}

// After sealing: another cipher in the body. Whoever sends it knows the token, so it is signed.
void Reseal(Draft& draft, const std::string& encrypt) {
  const size_t at = draft.sealed.body.find(draft.sealed.encrypt);
  if (at != std::string::npos) draft.sealed.body.replace(at, draft.sealed.encrypt.size(), encrypt);
  draft.sealed.encrypt = encrypt;
}
void TruncatedCipher(Draft& draft) {
  Reseal(draft, draft.sealed.encrypt.substr(0, draft.sealed.encrypt.size() / 2 - 1));
}
void NotBase64(Draft& draft) { Reseal(draft, "!" + draft.sealed.encrypt); }
void ForeignAppId(Draft& draft) {
  Reseal(draft, Encrypt(draft.key, draft.platform.random.HexText(16), draft.message,
                        "wx0000000000000000"));
}
void BadPadding(Draft& draft) {
  std::string bytes =
      PadTo32(Compose(draft.platform.random.HexText(16), draft.message, draft.settings.app_id));
  bytes.back() = 33;
  Reseal(draft, EncryptBytes(draft.key, bytes));
}
void BadLength(Draft& draft) {
  std::string bytes =
      Compose(draft.platform.random.HexText(16), draft.message, draft.settings.app_id);
  for (size_t i = 16; i < 20; ++i) bytes[i] = static_cast<char>(0xFF);
  Reseal(draft, EncryptBytes(draft.key, PadTo32(bytes)));
}

struct Kind {
  std::string_view name;
  void (*before)(Draft&);
  void (*after)(Draft&);
  // Makes sense only where pushes are encrypted.
  bool encrypted_only = false;
};

constexpr Kind kKinds[] = {
    {"wrong_signature", WrongSignature, nullptr},
    {"no_signature", nullptr, nullptr},
    {"old_timestamp", OldTimestamp, nullptr},
    {"future_timestamp", FutureTimestamp, nullptr},
    {"dtd", Dtd, nullptr},
    {"oversized", Oversized, nullptr},
    {"truncated", TruncatedMessage, nullptr},
    {"binary", Binary, nullptr},
    {"form", NoMarkup, nullptr},
    {"empty", nullptr, nullptr},
    {"unencrypted", Unencrypted, nullptr, true},
    {"wrong_msg_signature", WrongMsgSignature, nullptr, true},
    {"wrong_key", WrongKey, nullptr, true},
    {"truncated_cipher", nullptr, TruncatedCipher, true},
    {"not_base64", nullptr, NotBase64, true},
    {"foreign_app_id", nullptr, ForeignAppId, true},
    {"bad_padding", nullptr, BadPadding, true},
    {"bad_length", nullptr, BadLength, true},
};

std::string StrangerOf(int64_t number) {
  std::string openid = kStranger;
  return openid.append(std::to_string(number));
}

std::string MessageOf(Platform& platform, const AccountSettings& settings, int64_t number) {
  Envelope envelope;
  envelope.to_user = settings.original_id;
  envelope.from_user = StrangerOf(number);
  envelope.create_time = ToSeconds(platform.clock.Now());
  envelope.msg_type = "text";
  const json::object fields = {{"Content", "garbage"}, {"MsgId", 99000000000000000 + number}};
  return settings.callback.format == CallbackFormat::kJson ? WriteCallbackJson(envelope, fields)
                                                           : WriteCallbackXml(envelope, fields);
}

}  // namespace

json::array GarbageKinds() {
  json::array names;
  for (const Kind& kind : kKinds) names.push_back(json::value(kind.name));
  return names;
}

std::string Forge(Platform& platform, const AccountSettings& settings, const std::string& kind,
                  int64_t number, PushRequest* request) {
  const Kind* found = nullptr;
  for (const Kind& each : kKinds) {
    if (each.name == kind) found = &each;
  }
  if (found == nullptr) return "kinds: " + kind + ": unknown; see GET /sandbox/garbage";
  const CallbackSettings& callback = settings.callback;
  if (found->encrypted_only && callback.mode == CallbackMode::kPlain) {
    return "kinds: " + kind + ": the account is in plain mode";
  }
  Draft draft = {settings,
                 platform,
                 MessageOf(platform, settings, number),
                 callback.mode,
                 AesKey(callback.encoding_aes_key).value_or(""),
                 {},
                 {}};
  if (found->before != nullptr) found->before(draft);
  draft.sealed = Seal(settings, draft.message, draft.mode, draft.key, "", platform.random);
  if (found->after != nullptr) found->after(draft);
  if (kind == "empty") draft.sealed.body.clear();
  Complete(&draft.stamp, callback.token, draft.sealed.encrypt, platform);
  request->method = "POST";
  request->url = callback.url;
  if (kind != "no_signature") {
    request->query = SignedQuery(draft.stamp, StrangerOf(number), draft.sealed.encrypt);
  }
  request->content_type = draft.sealed.content_type;
  request->body = std::move(draft.sealed.body);
  return "";
}

}  // namespace hongyan::sandbox
