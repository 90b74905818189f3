// The order of verifying, deciphering and parsing, on the published samples.
#include "server/wechat/push_opener.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/wechat/signature.h"
#include "tests/unit/wechat/callback_vectors.h"

namespace hongyan::wechat {
namespace {

constexpr const CallbackVector& kJson = kCallbackVectors[0];  // V3
constexpr const CallbackVector& kXml = kCallbackVectors[2];   // V5
constexpr char kOtherKey[] = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";

PushOpener Encrypted(const CallbackVector& v, const std::string& key,
                     const std::string& previous = "") {
  auto cipher = CallbackCipher::Create(base::Secret(key), base::Secret(previous), v.app_id);
  return PushOpener(base::Secret(v.token), *std::move(cipher));
}
PushOpener Plain(const CallbackVector& v) {
  return PushOpener(base::Secret(v.token), std::nullopt);
}

std::string JsonEnvelope(const CallbackVector& v) {
  return absl::StrCat(R"({"ToUserName":"gh_97417a04a28d","Encrypt":")", v.encrypt, R"("})");
}
std::string XmlEnvelope(const CallbackVector& v, const std::string& beside = "") {
  return absl::StrCat("<xml><ToUserName><![CDATA[gh_1]]></ToUserName>", beside,
                      "<Encrypt><![CDATA[", v.encrypt, "]]></Encrypt></xml>");
}
absl::StatusOr<OpenedPush> Open(const PushOpener& opener, const CallbackVector& v,
                                const std::string& body) {
  return opener.Open(v.timestamp, v.nonce, v.msg_signature, body);
}

TEST(PushOpenerTest, OpensThePublishedPushes) {
  const auto json = Open(Encrypted(kJson, kJson.encoding_aes_key), kJson, JsonEnvelope(kJson));
  ASSERT_TRUE(json.ok()) << json.status().message();
  EXPECT_EQ(json->text, kJson.message);
  EXPECT_EQ(json->event.Field("debug_str"), "hello world");
  const auto xml = Open(Encrypted(kXml, kXml.encoding_aes_key), kXml, XmlEnvelope(kXml));
  ASSERT_TRUE(xml.ok()) << xml.status().message();
  EXPECT_EQ(xml->event.content, "hello");
}

TEST(PushOpenerTest, KeyBeforeTheLastChangeStillWorksAndSealsTheReply) {
  const PushOpener opener = Encrypted(kXml, kOtherKey, kXml.encoding_aes_key);
  const auto push = Open(opener, kXml, XmlEnvelope(kXml));
  ASSERT_TRUE(push.ok()) << push.status().message();
  EXPECT_EQ(push->key, CallbackCipher::Key::kPrevious);
  const auto sealed = opener.Seal(*push, "<xml>r</xml>", absl::FromUnixSeconds(1700000000), "n1");
  ASSERT_TRUE(sealed.ok());
  // WeChat, which still has the old key, can read it.
  const std::size_t from = sealed->find("<Encrypt><![CDATA[") + 18;
  const std::string encrypt = sealed->substr(from, sealed->find("]]>", from) - from);
  const auto old =
      CallbackCipher::Create(base::Secret(kXml.encoding_aes_key), base::Secret(), kXml.app_id);
  const auto read = old->Decrypt(encrypt);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->message, "<xml>r</xml>");
}

TEST(PushOpenerTest, X10_WrongMsgSignatureIsForbiddenBeforeAnythingIsDeciphered) {
  const PushOpener opener = Encrypted(kXml, kXml.encoding_aes_key);
  std::string wrong = kXml.msg_signature;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  EXPECT_TRUE(absl::IsPermissionDenied(
      opener.Open(kXml.timestamp, kXml.nonce, wrong, XmlEnvelope(kXml)).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(
      opener.Open(kXml.timestamp, kXml.nonce, "", XmlEnvelope(kXml)).status()));
  // Signed, but not what the key makes sense of.
  CallbackVector forged = kXml;
  forged.encrypt = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  const std::string signature = Signature({kXml.token, kXml.timestamp, kXml.nonce, forged.encrypt});
  EXPECT_TRUE(absl::IsInvalidArgument(
      opener.Open(kXml.timestamp, kXml.nonce, signature, XmlEnvelope(forged)).status()));
}

TEST(PushOpenerTest, AnothersAppidIsNotOurs) {
  auto cipher =
      CallbackCipher::Create(base::Secret(kXml.encoding_aes_key), base::Secret(), "wxother");
  const PushOpener opener(base::Secret(kXml.token), *std::move(cipher));
  EXPECT_TRUE(absl::IsInvalidArgument(Open(opener, kXml, XmlEnvelope(kXml)).status()));
}

TEST(PushOpenerTest, EncryptedModesTakeNothingPlain) {
  const PushOpener opener = Encrypted(kXml, kXml.encoding_aes_key);
  EXPECT_TRUE(absl::IsPermissionDenied(Open(opener, kXml, kXml.message).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Open(opener, kXml, "neither").status()));
}

TEST(PushOpenerTest, CompatibleModeDropsThePlainCopy) {
  const auto push =
      Open(Encrypted(kXml, kXml.encoding_aes_key), kXml,
           XmlEnvelope(kXml, "<FromUserName>oForged</FromUserName><Content>forged</Content>"));
  ASSERT_TRUE(push.ok()) << push.status().message();
  EXPECT_EQ(push->event.content, "hello");
  EXPECT_EQ(push->event.from_user, "mycreate");
}

TEST(PushOpenerTest, PlainModeTakesNothingEncryptedAndSealsNothing) {
  const PushOpener opener = Plain(kXml);
  EXPECT_TRUE(absl::IsPermissionDenied(Open(opener, kXml, XmlEnvelope(kXml)).status()));
  const auto push = Open(opener, kXml, kXml.message);
  ASSERT_TRUE(push.ok());
  EXPECT_EQ(push->event.content, "hello");
  EXPECT_EQ(*opener.Seal(*push, "reply", absl::Now(), "n"), "reply");
}

}  // namespace
}  // namespace hongyan::wechat
