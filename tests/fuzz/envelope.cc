// An encrypted push. Each input is taken five times over: as a body from a stranger, as the text of
// an Encrypt, as a ciphertext, as what is inside the encryption, and as a message that is encrypted
// as WeChat does.
#include "server/wechat/envelope.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/wechat/callback_cipher.h"
#include "server/wechat/event_xml.h"
#include "server/wechat/push_opener.h"
#include "server/wechat/signature.h"
#include "tests/fuzz/check.h"

namespace hongyan::fuzz {
namespace {

using base::Secret;
using model::BodyFormat;
using wechat::CallbackCipher;

constexpr char kAppId[] = "wxba5fad812f8e6fb9";
constexpr char kTimestamp[] = "1714036504";
constexpr char kNonce[] = "1514711492";
constexpr std::size_t kBlock = 32;

struct Account {
  Secret token{"AAAAA"};
  CallbackCipher cipher =
      *CallbackCipher::Create(Secret(std::string(43, 'A')), Secret(std::string(43, 'B')), kAppId);
  wechat::PushOpener plain{token, std::nullopt};
  wechat::PushOpener safe{token, cipher};
};

const Account& TheAccount() {
  static const Account* const account = new Account;
  return *account;
}

absl::StatusOr<wechat::OpenedPush> OpenSafe(absl::string_view encrypt, absl::string_view body) {
  const std::string signature =
      wechat::Signature({TheAccount().token.Reveal(), kTimestamp, kNonce, encrypt});
  return TheAccount().safe.Open(kTimestamp, kNonce, signature, body);
}

std::string InXml(absl::string_view encrypt) {
  return absl::StrCat("<xml><ToUserName>gh_1</ToUserName><Encrypt>", wechat::Cdata(encrypt),
                      "</Encrypt></xml>");
}

// A body from a stranger, who knows no token.
void CheckBody(absl::string_view body) {
  const Account& account = TheAccount();
  FUZZ_CHECK(!account.safe.Open(kTimestamp, kNonce, std::string(40, '0'), body).ok());
  const auto envelope = wechat::ReadEnvelope(body);
  const auto plain = account.plain.Open(kTimestamp, kNonce, "", body);
  // A body is either one or the other.
  FUZZ_CHECK(!(envelope.ok() && plain.ok()));
  FUZZ_CHECK(!plain.ok() || (!plain->key && plain->text == body));
  if (envelope.ok()) (void)OpenSafe(envelope->encrypt, body);
}

// All that is not a wrong signature or a good push looks the same from outside.
void CheckEncrypt(absl::string_view encrypt) {
  const auto decrypted = TheAccount().cipher.Decrypt(encrypt);
  FUZZ_CHECK(decrypted.ok() || decrypted.status() == TheAccount().cipher.Decrypt("").status());
  const auto opened = OpenSafe(encrypt, InXml(encrypt));
  FUZZ_CHECK(decrypted.ok() || !opened.ok());
  if (opened.ok()) FUZZ_CHECK(opened->text == decrypted->message && opened->key == decrypted->key);
}

// AES-256-CBC without padding, with the key of 43 × A: all zeros.
std::string Encrypted(const std::string& full) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
      EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  const unsigned char key[32] = {};
  std::string out(full.size() + 16, '\0');
  int size = 0;
  FUZZ_CHECK(EVP_EncryptInit_ex(context.get(), EVP_aes_256_cbc(), nullptr, key, key) == 1);
  EVP_CIPHER_CTX_set_padding(context.get(), 0);
  FUZZ_CHECK(EVP_EncryptUpdate(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                               reinterpret_cast<const unsigned char*>(full.data()),
                               static_cast<int>(full.size())) == 1);
  out.resize(static_cast<std::size_t>(size));
  return absl::Base64Escape(out);
}

// The platform's layout, read the plain way: random[16] | length | message | appid | padding.
std::optional<std::string> MessageIn(absl::string_view full) {
  const auto pad = static_cast<unsigned char>(full.back());
  if (pad < 1 || pad > kBlock) return std::nullopt;
  const absl::string_view padding = full.substr(full.size() - pad);
  if (std::any_of(padding.begin(), padding.end(), [&](char c) { return c != full.back(); })) {
    return std::nullopt;
  }
  full.remove_suffix(pad);
  if (full.size() < 20) return std::nullopt;
  std::uint64_t length = 0;
  for (const char c : full.substr(16, 4)) length = length * 256 + static_cast<unsigned char>(c);
  full.remove_prefix(20);
  if (length > full.size() || full.substr(length) != kAppId) return std::nullopt;
  return std::string(full.substr(0, length));
}

void CheckInside(std::string full) {
  if (full.empty() || full.size() % kBlock != 0) return;
  const auto decrypted = TheAccount().cipher.Decrypt(Encrypted(full));
  const auto message = MessageIn(full);
  FUZZ_CHECK(decrypted.ok() == message.has_value());
  if (message) FUZZ_CHECK(decrypted->message == *message);
}

// With the length, the appid and the padding made right, one after the other, so that the rest is
// looked at.
void CheckUnpadded(absl::string_view inside) {
  const std::string header = std::string(16, 'r') + std::string(2, '\0') +
                             static_cast<char>(inside.size() >> 8) +
                             static_cast<char>(inside.size());
  for (const absl::string_view before : {absl::string_view(), absl::string_view(header)}) {
    for (const absl::string_view app_id : {"", kAppId, "wxba5fad812f8e6fb"}) {
      std::string full = absl::StrCat(before, inside, app_id);
      const std::size_t pad = kBlock - full.size() % kBlock;
      // A whole block of the input's choice, then what is right.
      if (pad == kBlock && !inside.empty()) {
        CheckInside(full + std::string(kBlock, inside[0]));
      }
      full.append(pad, static_cast<char>(pad));
      CheckInside(std::move(full));
    }
  }
}

void CheckMessage(absl::string_view message) {
  const Account& account = TheAccount();
  for (const auto key : {CallbackCipher::Key::kCurrent, CallbackCipher::Key::kPrevious}) {
    const auto encrypt = account.cipher.Encrypt(message, key);
    FUZZ_CHECK(encrypt.ok() == (message.size() <= wechat::kMaxPlainBytes));
    if (!encrypt.ok()) continue;
    const auto decrypted = account.cipher.Decrypt(*encrypt);
    FUZZ_CHECK(decrypted.ok() && decrypted->message == message && decrypted->key == key);

    const auto parsed = wechat::ParsePush(message);
    const auto opened = OpenSafe(*encrypt, InXml(*encrypt));
    FUZZ_CHECK(opened.ok() == parsed.ok());
    if (!opened.ok()) continue;
    FUZZ_CHECK(opened->text == message && opened->event.fields == parsed->fields);
    FUZZ_CHECK(!wechat::MsgSignatureMatches(account.token, kTimestamp, kNonce, *encrypt,
                                            std::string(40, '0')));

    // The reply goes back under the same key, and can be opened like a push.
    const auto sealed =
        account.safe.Seal(*opened, std::string(message), absl::FromUnixSeconds(1714036504), kNonce);
    FUZZ_CHECK(sealed.ok());
    const auto envelope = wechat::ReadEnvelope(*sealed);
    FUZZ_CHECK(envelope.ok() && envelope->format == opened->envelope_format);
    const auto reopened = OpenSafe(envelope->encrypt, *sealed);
    FUZZ_CHECK(reopened.ok() && reopened->text == message && reopened->key == key);
  }
}

}  // namespace
}  // namespace hongyan::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view input = hongyan::fuzz::View(data, size);
  hongyan::fuzz::CheckBody(input);
  hongyan::fuzz::CheckEncrypt(input);
  hongyan::fuzz::CheckEncrypt(absl::Base64Escape(input));
  hongyan::fuzz::CheckInside(std::string(input.substr(0, size - size % hongyan::fuzz::kBlock)));
  hongyan::fuzz::CheckUnpadded(input);
  hongyan::fuzz::CheckMessage(input);
  return 0;
}
