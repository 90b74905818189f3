// Encrypted callbacks against published samples, and against what an attacker would make of them.
// Forged cipher texts come from OpenSSL directly, with keys given in hex.
#include "server/wechat/callback_cipher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "server/wechat/signature.h"
#include "tests/support/cpu_time.h"
#include "tests/unit/wechat/callback_vectors.h"

namespace hongyan::wechat {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Key = CallbackCipher::Key;

const std::string kZeroKey(43, 'A');
const std::string kZeroKeyHex(64, '0');
constexpr char kOtherKey[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
constexpr char kOtherKeyHex[] = "69b71d79f8218a39259a7a29aabb2dbafc31cb3d35db7e39ebbf3d0010831051";
constexpr char kAppId[] = "wxba5fad812f8e6fb9";
constexpr char kPrefix[] = "0123456789abcdef";

absl::StatusOr<CallbackCipher> Make(const std::string& current, const std::string& previous = "",
                                    const std::string& app_id = kAppId) {
  return CallbackCipher::Create(base::Secret(current), base::Secret(previous), app_id);
}

CallbackCipher ZeroKeyCipher() { return *Make(kZeroKey); }

CallbackCipher CipherOf(const CallbackVector& sample) {
  return *Make(sample.encoding_aes_key, "", sample.app_id);
}

CallbackCipher::Prefix PrefixOf(const std::string& text) {
  CallbackCipher::Prefix prefix{};
  EXPECT_EQ(text.size(), prefix.size());
  std::copy_n(text.begin(), prefix.size(), prefix.begin());
  return prefix;
}

// AES-256-CBC over whole blocks of 16, without any padding.
std::string Aes(bool encrypt, const std::string& key_hex, const std::string& input) {
  const std::string key = absl::HexStringToBytes(key_hex);
  const auto* const key_bytes = reinterpret_cast<const unsigned char*>(key.data());
  std::string output(input.size() + 32, '\0');
  int written = 0;
  int rest = 0;
  auto* const out = reinterpret_cast<unsigned char*>(output.data());
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  EXPECT_EQ(EVP_CipherInit_ex(context, EVP_aes_256_cbc(), nullptr, key_bytes, key_bytes, encrypt),
            1);
  EVP_CIPHER_CTX_set_padding(context, 0);
  EXPECT_EQ(
      EVP_CipherUpdate(context, out, &written, reinterpret_cast<const unsigned char*>(input.data()),
                       static_cast<int>(input.size())),
      1);
  EXPECT_EQ(EVP_CipherFinal_ex(context, out + written, &rest), 1);
  EVP_CIPHER_CTX_free(context);
  output.resize(static_cast<std::size_t>(written + rest));
  return output;
}

std::string BigEndian(std::uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
          static_cast<char>(n)};
}

std::string Padded(std::string full) {
  const std::size_t pad = 32 - full.size() % 32;
  return full.append(pad, static_cast<char>(pad));
}

std::string Forged(const std::string& full_and_padding, const std::string& key_hex = kZeroKeyHex) {
  return absl::Base64Escape(Aes(true, key_hex, full_and_padding));
}

// With the length claimed and the tail given.
std::string ForgedBody(std::uint32_t claimed, const std::string& message,
                       const std::string& tail = kAppId) {
  return Forged(Padded(kPrefix + BigEndian(claimed) + message + tail));
}

// Refused, and in the same words as everything else.
::testing::AssertionResult IsRefused(const CallbackCipher& cipher, const std::string& encrypted) {
  const auto result = cipher.Decrypt(encrypted);
  if (result.ok()) return ::testing::AssertionFailure() << "decrypted to " << result->message;
  const absl::Status expected = absl::InvalidArgumentError("Encrypt can't be decrypted");
  if (result.status() == expected) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << result.status();
}

class PublishedCallback : public ::testing::TestWithParam<CallbackVector> {};

INSTANTIATE_TEST_SUITE_P(Vectors, PublishedCallback, ::testing::ValuesIn(kCallbackVectors),
                         [](const auto& test) { return test.param.name; });

TEST_P(PublishedCallback, IsDecrypted) {
  const auto result = CipherOf(GetParam()).Decrypt(GetParam().encrypt);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->message, GetParam().message);
  EXPECT_EQ(result->key, Key::kCurrent);
}

TEST_P(PublishedCallback, IsEncryptedToTheSameBytes) {
  const auto result =
      CipherOf(GetParam()).Encrypt(GetParam().message, Key::kCurrent, PrefixOf(GetParam().prefix));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(*result, GetParam().encrypt);
}

TEST_P(PublishedCallback, HasTheSizesThatAreTold) {
  const std::string message = GetParam().message;
  std::string cipher_text;
  ASSERT_TRUE(absl::Base64Unescape(GetParam().encrypt, &cipher_text));
  EXPECT_EQ(cipher_text.size(), GetParam().cipher_bytes);
  EXPECT_EQ(20 + message.size() + std::string(GetParam().app_id).size() + GetParam().padding,
            GetParam().cipher_bytes);
}

TEST_P(PublishedCallback, X09_EveryByteOfEncryptCounts) {
  const CallbackVector& sample = GetParam();
  const base::Secret token(sample.token);
  const CallbackCipher cipher = CipherOf(sample);
  const std::string encrypt = sample.encrypt;
  for (std::size_t i = 0; i < encrypt.size(); ++i) {
    std::string changed = encrypt;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(
        MsgSignatureMatches(token, sample.timestamp, sample.nonce, changed, sample.msg_signature))
        << i;
    // The encryption alone notices some of it only, but the message is never the same.
    const auto result = cipher.Decrypt(changed);
    EXPECT_TRUE(!result.ok() || result->message != sample.message) << i;
  }
}

TEST_P(PublishedCallback, X09_OfAnotherAccountIsRefused) {
  for (const std::string app_id : {"wxba5fad812f8e6fb8", "wxBA5FAD812F8E6FB9", "w", "xx"}) {
    EXPECT_TRUE(IsRefused(*Make(GetParam().encoding_aes_key, "", app_id), GetParam().encrypt));
  }
}

TEST_P(PublishedCallback, X09_TruncatedIsRefused) {
  const CallbackCipher cipher = CipherOf(GetParam());
  const std::string encrypt = GetParam().encrypt;
  for (std::size_t n = 0; n < encrypt.size(); ++n) {
    EXPECT_TRUE(IsRefused(cipher, encrypt.substr(0, n))) << n;
  }
}

TEST(CallbackCipherTest, MessagesOfAnyLengthSurviveAndArePaddedTo32) {
  const CallbackCipher cipher = ZeroKeyCipher();
  for (std::size_t n = 0; n <= 100; ++n) {
    const std::string message(n, 'm');
    const auto encrypted = cipher.Encrypt(message, Key::kCurrent);
    ASSERT_TRUE(encrypted.ok()) << n;
    std::string cipher_text;
    ASSERT_TRUE(absl::Base64Unescape(*encrypted, &cipher_text));
    const std::string full = Aes(false, kZeroKeyHex, cipher_text);
    EXPECT_EQ(
        full.substr(16),
        Padded(kPrefix + BigEndian(static_cast<std::uint32_t>(n)) + message + kAppId).substr(16))
        << n;
    const auto back = cipher.Decrypt(*encrypted);
    ASSERT_TRUE(back.ok()) << n;
    EXPECT_EQ(back->message, message);
  }
}

TEST(CallbackCipherTest, MessageMayHoldAnyBytes) {
  const std::string message("\0\xff<xml>wxba5fad812f8e6fb9\0\x01\x01", 28);
  const CallbackCipher cipher = ZeroKeyCipher();
  const auto back = cipher.Decrypt(*cipher.Encrypt(message, Key::kCurrent));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->message, message);
}

TEST(CallbackCipherTest, EqualMessagesLookDifferent) {
  const CallbackCipher cipher = ZeroKeyCipher();
  EXPECT_NE(*cipher.Encrypt("x", Key::kCurrent), *cipher.Encrypt("x", Key::kCurrent));
}

TEST(CallbackCipherTest, SizesAreBounded) {
  const CallbackCipher cipher = ZeroKeyCipher();
  const auto longest = cipher.Encrypt(std::string(kMaxPlainBytes, 'x'), Key::kCurrent);
  ASSERT_TRUE(longest.ok());
  EXPECT_EQ(cipher.Decrypt(*longest)->message.size(), kMaxPlainBytes);
  EXPECT_EQ(cipher.Encrypt(std::string(kMaxPlainBytes + 1, 'x'), Key::kCurrent).status().code(),
            absl::StatusCode::kInvalidArgument);
  // 64 KiB of base64 are read, the next block not.
  const auto sealed = [](std::uint32_t n) { return ForgedBody(n, std::string(n, 'x')); };
  constexpr std::uint32_t kMost = 48 * 1024 - 1 - 20 - 18;
  ASSERT_EQ(sealed(kMost).size(), kMaxEncryptedBytes);
  EXPECT_TRUE(cipher.Decrypt(sealed(kMost)).ok());
  EXPECT_TRUE(IsRefused(cipher, sealed(kMost + 1)));
  EXPECT_TRUE(IsRefused(cipher, std::string(1 << 20, 'A')));
}

TEST(CallbackCipherTest, LastTwoBitsOfTheKeyAreIgnored) {
  // G is 000110, E 000100, F 000101, H 000111: the same 256 bits.
  for (const char last : {'E', 'F', 'G', 'H'}) {
    const std::string encoded = std::string(kOtherKey).substr(0, 42) + last;
    const auto cipher = Make(encoded);
    ASSERT_TRUE(cipher.ok()) << last;
    const auto result =
        cipher->Decrypt(Forged(Padded(kPrefix + BigEndian(5) + "hello" + kAppId), kOtherKeyHex));
    ASSERT_TRUE(result.ok()) << last;
    EXPECT_EQ(result->message, "hello");
  }
}

TEST(CallbackCipherTest, KeysOfAnotherFormAreRefusedAndNotQuoted) {
  const std::string good = kOtherKey;
  for (const std::string& bad :
       {std::string(), good.substr(0, 42), good + "=", good + "A", good.substr(0, 42) + "=",
        good.substr(0, 42) + "+", good.substr(0, 42) + "/", good.substr(0, 42) + " ",
        good.substr(0, 42) + "\n", "\n" + good, good.substr(0, 42) + std::string(1, '\0'),
        good.substr(0, 41) + "é", std::string(1 << 20, 'A')}) {
    const absl::Status current = Make(bad).status();
    EXPECT_EQ(current.code(), absl::StatusCode::kInvalidArgument) << bad.size();
    EXPECT_THAT(std::string(current.message()), Not(HasSubstr("abcdefg")));
    if (bad.empty()) continue;
    const absl::Status previous = Make(good, bad).status();
    EXPECT_EQ(previous.code(), absl::StatusCode::kInvalidArgument) << bad.size();
    EXPECT_THAT(std::string(previous.message()), HasSubstr("previous_encoding_aes_key"));
    EXPECT_THAT(std::string(previous.message()), Not(HasSubstr("abcdefg")));
  }
  EXPECT_FALSE(Make(good, "", "").ok());
  EXPECT_FALSE(Make(good, "", std::string(1000, 'w')).ok());
}

TEST(CallbackCipherFault, X09_NotCanonicalBase64) {
  const CallbackCipher cipher = ZeroKeyCipher();
  // Two '=' at the end and leftover bits in the character before them; V3 has '+' and '/'.
  const std::string good = kCallbackVectors[1].encrypt;
  const std::string with_signs = kCallbackVectors[0].encrypt;
  ASSERT_TRUE(cipher.Decrypt(good).ok());
  ASSERT_TRUE(cipher.Decrypt(with_signs).ok());
  std::string url_safe = with_signs;
  std::replace(url_safe.begin(), url_safe.end(), '+', '-');
  std::replace(url_safe.begin(), url_safe.end(), '/', '_');
  std::string leftover = good;
  ASSERT_EQ(leftover[85], 'Q');
  leftover[85] = 'R';
  for (const std::string& bad : {"\n" + good,
                                 good + "\n",
                                 good + " ",
                                 " " + good,
                                 good.substr(0, 64) + "\n" + good.substr(64),
                                 good.substr(0, 64) + "\r\n" + good.substr(64),
                                 good.substr(0, 87),
                                 good.substr(0, 86),
                                 good + "=",
                                 good + "====",
                                 good + "AAAA",
                                 good + good,
                                 leftover,
                                 url_safe,
                                 good + std::string(1, '\0'),
                                 good.substr(0, 40) + "*" + good.substr(41),
                                 good.substr(0, 40) + "=" + good.substr(41),
                                 std::string("===="),
                                 std::string("="),
                                 std::string("中文")}) {
    EXPECT_TRUE(IsRefused(cipher, bad)) << absl::CEscape(bad);
  }
}

TEST(CallbackCipherFault, X09_LengthOfTheCipherText) {
  const CallbackCipher cipher = ZeroKeyCipher();
  std::string bytes;
  ASSERT_TRUE(absl::Base64Unescape(kCallbackVectors[0].encrypt, &bytes));
  EXPECT_TRUE(IsRefused(cipher, ""));
  for (std::size_t n = 1; n < bytes.size(); ++n) {
    EXPECT_TRUE(IsRefused(cipher, absl::Base64Escape(bytes.substr(0, n)))) << n;
  }
  for (const std::size_t n : {1, 15, 16, 17, 31, 32}) {
    EXPECT_TRUE(IsRefused(cipher, absl::Base64Escape(bytes + std::string(n, 'x')))) << n;
  }
  // All is right but that the padding has AES's block and not that of the protocol.
  const std::string full = kPrefix + BigEndian(5) + "hello" + kAppId;  // 43 bytes
  EXPECT_TRUE(IsRefused(cipher, Forged(full + std::string(5, '\x05'))));
  EXPECT_TRUE(cipher.Decrypt(Forged(full + std::string(21, '\x15'))).ok());
}

TEST(CallbackCipherFault, X09_Padding) {
  const CallbackCipher cipher = ZeroKeyCipher();
  const auto full = [](std::size_t message) {
    return kPrefix + BigEndian(static_cast<std::uint32_t>(message)) + std::string(message, 'x') +
           kAppId;
  };
  // Each number from 1 to 32 is read; with one byte of it changed it isn't.
  for (std::size_t pad = 1; pad <= 32; ++pad) {
    const std::string plain = full(128 - 38 - pad) + std::string(pad, static_cast<char>(pad));
    EXPECT_TRUE(cipher.Decrypt(Forged(plain)).ok()) << pad;
    for (std::size_t i = 1; i <= pad; ++i) {
      for (const int difference : {1, 32, 128}) {
        std::string changed = plain;
        changed[plain.size() - i] = static_cast<char>(changed[plain.size() - i] ^ difference);
        EXPECT_TRUE(IsRefused(cipher, Forged(changed))) << pad << ' ' << i;
      }
    }
  }
  // None at all, with a length that would fit; too much, all bytes alike.
  EXPECT_TRUE(IsRefused(cipher, Forged(full(64 - 38))));
  for (const std::size_t pad : {33, 48, 64, 89}) {
    EXPECT_TRUE(
        IsRefused(cipher, Forged(full(128 - 38 - pad) + std::string(pad, static_cast<char>(pad)))))
        << pad;
  }
  // Numbers beyond 32 and beyond the whole, and 0, at the end of otherwise good bytes.
  for (const int last : {0, 33, 64, 65, 127, 128, 255}) {
    std::string plain = full(64 - 38);
    plain.back() = static_cast<char>(last);
    EXPECT_TRUE(IsRefused(cipher, Forged(plain))) << last;
    EXPECT_TRUE(IsRefused(cipher, Forged(std::string(64, static_cast<char>(last))))) << last;
  }
  // 32 bytes where 32 belong, with another number.
  for (const int number : {0, 31, 33, 64, 128, 255}) {
    EXPECT_TRUE(
        IsRefused(cipher, Forged(full(96 - 70) + std::string(32, static_cast<char>(number)))))
        << number;
  }
  // Padding that reaches into the header.
  EXPECT_TRUE(IsRefused(cipher, Forged(std::string(32, ' ') + std::string(32, ' '))));
}

TEST(CallbackCipherFault, X09_MessageLength) {
  const CallbackCipher cipher = ZeroKeyCipher();
  ASSERT_TRUE(cipher.Decrypt(ForgedBody(5, "hello")).ok());
  for (const std::uint32_t claimed :
       {0u, 1u, 4u, 6u, 22u, 23u, 24u, 43u, 44u, 64u, 0x7fffffffu, 0x80000000u, 0xffffffecu,
        0xffffffedu, 0xfffffffeu, 0xffffffffu, 0x05000000u, 0x100005u}) {
    EXPECT_TRUE(IsRefused(cipher, ForgedBody(claimed, "hello"))) << claimed;
  }
}

TEST(CallbackCipherFault, X09_AppId) {
  const CallbackCipher cipher = ZeroKeyCipher();
  const std::string id = kAppId;
  for (const std::string& tail :
       {std::string(), id.substr(0, 17), id.substr(1), id + "x", id + id, id + std::string(1, '\0'),
        "x" + id, std::string("wxb11529c136998cb6"), std::string("WXBA5FAD812F8E6FB9"),
        std::string(18, '\0')}) {
    EXPECT_TRUE(IsRefused(cipher, ForgedBody(5, "hello", tail))) << absl::CEscape(tail);
  }
  for (std::size_t i = 0; i < id.size(); ++i) {
    std::string changed = id;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_TRUE(IsRefused(cipher, ForgedBody(5, "hello", changed))) << i;
  }
  // Nothing depends on the 18 characters that an appid has today.
  EXPECT_TRUE(Make(kZeroKey, "", id + "x")->Decrypt(ForgedBody(5, "hello", id + "x")).ok());
  EXPECT_TRUE(IsRefused(*Make(kZeroKey, "", id + "x"), ForgedBody(5, "hello", id)));
  EXPECT_TRUE(IsRefused(*Make(kZeroKey, "", id.substr(1)), ForgedBody(5, "hello", id)));
}

// With appids that no account has, which could be taken for padding.
TEST(CallbackCipherFault, X09_PaddingAndAppIdDoNotOverlap) {
  const std::string zero_at_end("wxba5fad812f8e6fb\0", 18);
  const CallbackCipher zero = *Make(kZeroKey, "", zero_at_end);
  ASSERT_TRUE(zero.Decrypt(ForgedBody(26, std::string(26, 'x'), zero_at_end)).ok());
  EXPECT_TRUE(
      IsRefused(zero, Forged(kPrefix + BigEndian(26) + std::string(26, 'x') + zero_at_end)));
  // A blank is 32: the padding would begin within the appid.
  const std::string blanks_at_end = "wxba5fad8         ";
  const CallbackCipher blank = *Make(kZeroKey, "", blanks_at_end);
  ASSERT_TRUE(blank.Decrypt(ForgedBody(0, "", blanks_at_end)).ok());
  EXPECT_TRUE(
      IsRefused(blank, Forged(kPrefix + BigEndian(0) + blanks_at_end + std::string(26, ' '))));
  // No room for the appid at all.
  EXPECT_TRUE(IsRefused(blank, Forged(kPrefix + BigEndian(0) + std::string(12, '\x0c'))));
  EXPECT_TRUE(IsRefused(*Make(kZeroKey, "", std::string(200, 'w')), ForgedBody(0, "", "w")));
}

// An attacker could read messages if the time of a refusal told its reason. The appid is so long
// that looking at it or not makes a difference that can be measured.
TEST(CallbackCipherFault, X09_TakesTheSameTimeWhateverIsWrong) {
  const std::string app_id(256, 'w');
  const CallbackCipher cipher = *Make(kZeroKey, "", app_id);
  const std::string full =
      kPrefix + BigEndian(5) + "hello" + app_id;  // 281 bytes, so 7 are missing
  ASSERT_TRUE(cipher.Decrypt(Forged(full + std::string(7, '\x07'))).ok());
  const std::string last = app_id.substr(1) + "x";
  const std::vector<std::string> wrong = {Forged(full + std::string(7, '\0')),
                                          Forged(full + std::string(7, '\x21')),
                                          Forged(full + "\x06" + std::string(6, '\x07')),
                                          ForgedBody(6, "hello", app_id),
                                          ForgedBody(0xffffffff, "hello", app_id),
                                          ForgedBody(5, "hello", "x" + app_id.substr(1)),
                                          ForgedBody(5, "hello", last)};
  std::vector<std::function<void()>> ways;
  for (const std::string& encrypted : wrong) {
    ASSERT_TRUE(IsRefused(cipher, encrypted));
    ways.push_back([&cipher, &encrypted] { EXPECT_FALSE(cipher.Decrypt(encrypted).ok()); });
  }
  EXPECT_TRUE(support::TakeTheSame(ways, 1.04, 50, 20));
}

// Whatever comes, always the same way; with the address sanitizer no byte outside is read.
TEST(CallbackCipherFault, X09_RandomPlainTextsAreRefused) {
  const CallbackCipher cipher = ZeroKeyCipher();
  std::mt19937 random(20240501);
  for (int round = 0; round < 5000; ++round) {
    std::string plain(32 * (1 + random() % 4), '\0');
    for (char& c : plain) c = static_cast<char>(random());
    // A padding that is right and a length that is nearly so bring most rounds past the first
    // checks.
    const std::size_t pad = 1 + random() % 32;
    if (round % 4 != 0) std::fill(plain.end() - static_cast<long>(pad), plain.end(), pad);
    if (round % 2 != 0) plain.replace(16, 4, BigEndian(random() % 128));
    ASSERT_TRUE(IsRefused(cipher, Forged(plain))) << round;
  }
}

TEST(CallbackCipherFault, X16_OldAndNewKeyWorkDuringRotation) {
  const CallbackCipher before = *Make(kZeroKey);
  const CallbackCipher during = *Make(kOtherKey, kZeroKey);
  const CallbackCipher after = *Make(kOtherKey);
  const std::string old_push = ForgedBody(3, "old");
  const std::string new_push =
      Forged(Padded(kPrefix + BigEndian(3) + "new" + kAppId), kOtherKeyHex);

  const auto with_old = during.Decrypt(old_push);
  ASSERT_TRUE(with_old.ok());
  EXPECT_EQ(with_old->message, "old");
  EXPECT_EQ(with_old->key, Key::kPrevious);
  const auto with_new = during.Decrypt(new_push);
  ASSERT_TRUE(with_new.ok());
  EXPECT_EQ(with_new->message, "new");
  EXPECT_EQ(with_new->key, Key::kCurrent);
  EXPECT_TRUE(IsRefused(before, new_push));
  EXPECT_TRUE(IsRefused(after, old_push));

  // The reply takes the key that worked, which is the only one that the other side has.
  const auto old_reply = during.Encrypt("reply", with_old->key);
  ASSERT_TRUE(old_reply.ok());
  EXPECT_EQ(before.Decrypt(*old_reply)->message, "reply");
  EXPECT_TRUE(IsRefused(after, *old_reply));
  const auto new_reply = during.Encrypt("reply", with_new->key);
  ASSERT_TRUE(new_reply.ok());
  EXPECT_EQ(after.Decrypt(*new_reply)->message, "reply");
  EXPECT_TRUE(IsRefused(before, *new_reply));
}

TEST(CallbackCipherFault, X16_SameKeyTwiceIsTheCurrentOne) {
  EXPECT_EQ(Make(kZeroKey, kZeroKey)->Decrypt(ForgedBody(3, "old"))->key, Key::kCurrent);
}

TEST(CallbackCipherFault, X16_UnknownKeyIsRefused) {
  const CallbackCipher cipher = *Make(kOtherKey, kZeroKey);
  const std::string unknown(64, '1');
  const std::string body = Padded(kPrefix + BigEndian(3) + "new" + kAppId);
  EXPECT_TRUE(IsRefused(cipher, Forged(body, unknown)));
  // One bit of the current key.
  std::string near = kOtherKeyHex;
  near[63] = '0';
  EXPECT_TRUE(IsRefused(cipher, Forged(body, near)));
}

TEST(CallbackCipherFault, X16_NoReplyUnderAPreviousKeyThatIsNotThere) {
  EXPECT_EQ(ZeroKeyCipher().Encrypt("x", Key::kPrevious).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace hongyan::wechat
