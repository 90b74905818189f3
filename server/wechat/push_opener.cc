#include "server/wechat/push_opener.h"

#include <utility>

#include "server/wechat/envelope.h"
#include "server/wechat/signature.h"

namespace hongyan::wechat {

PushOpener::PushOpener(base::Secret token, std::optional<CallbackCipher> cipher)
    : token_(std::move(token)), cipher_(std::move(cipher)) {}

absl::StatusOr<OpenedPush> PushOpener::Open(absl::string_view timestamp, absl::string_view nonce,
                                            absl::string_view msg_signature,
                                            absl::string_view body) const {
  OpenedPush opened;
  if (cipher_) {
    const auto envelope = ReadEnvelope(body);
    if (absl::IsFailedPrecondition(envelope.status())) {
      return absl::PermissionDeniedError("not encrypted");
    }
    if (!envelope.ok()) return envelope.status();
    if (!MsgSignatureMatches(token_, timestamp, nonce, envelope->encrypt, msg_signature)) {
      return absl::PermissionDeniedError("wrong msg_signature");
    }
    auto decrypted = cipher_->Decrypt(envelope->encrypt);
    if (!decrypted.ok()) return decrypted.status();
    opened.text = std::move(decrypted->message);
    opened.key = decrypted->key;
    opened.envelope_format = envelope->format;
  } else {
    opened.text = std::string(body);
  }
  auto event = ParsePush(opened.text);
  if (!event.ok()) return event.status();
  if (!cipher_ && event->HasEncrypt()) {
    return absl::PermissionDeniedError("encrypted, in plain mode");
  }
  opened.event = *std::move(event);
  return opened;
}

absl::StatusOr<std::string> PushOpener::Seal(const OpenedPush& push, std::string reply,
                                             absl::Time now, absl::string_view nonce) const {
  if (!push.key) return reply;
  const auto encrypt = cipher_->Encrypt(reply, *push.key);
  if (!encrypt.ok()) return encrypt.status();
  return WriteReplyEnvelope(push.envelope_format, token_, *encrypt, now, nonce);
}

}  // namespace hongyan::wechat
