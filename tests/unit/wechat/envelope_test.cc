// The envelopes of encrypted pushes and replies.
#include "server/wechat/envelope.h"

#include <gtest/gtest.h>

#include <string>

#include "server/wechat/callback_cipher.h"
#include "server/wechat/signature.h"
#include "tests/unit/wechat/callback_vectors.h"

namespace hongyan::wechat {
namespace {

std::string Xml(const std::string& inside) { return "<xml>" + inside + "</xml>"; }

absl::StatusCode GetCode(const std::string& body) { return ReadEnvelope(body).status().code(); }

constexpr auto kRefused = absl::StatusCode::kInvalidArgument;
constexpr auto kPlain = absl::StatusCode::kFailedPrecondition;

class PublishedEnvelope : public ::testing::TestWithParam<CallbackVector> {};

INSTANTIATE_TEST_SUITE_P(Vectors, PublishedEnvelope, ::testing::ValuesIn(kCallbackVectors),
                         [](const auto& test) { return test.param.name; });

TEST_P(PublishedEnvelope, ReadsTheSameInEveryForm) {
  const std::string encrypt = GetParam().encrypt;
  for (const std::string& body :
       {Xml("<ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[" + encrypt +
            "]]></Encrypt>"),
        Xml("\n  <ToUserName>gh_1</ToUserName>\n  <Encrypt>" + encrypt + "</Encrypt>\n"),
        Xml("<Encrypt>\n<![CDATA[" + encrypt + "]]>\n</Encrypt><ToUserName>gh_1</ToUserName>"),
        "{\"ToUserName\":\"gh_1\",\"Encrypt\":\"" + encrypt + "\"}",
        "\xEF\xBB\xBF{ \"Encrypt\" : \"" + encrypt + "\",\n\"ToUserName\" : \"gh_1\" }\n"}) {
    const auto envelope = ReadEnvelope(body);
    ASSERT_TRUE(envelope.ok()) << envelope.status() << body;
    EXPECT_EQ(envelope->to_user, "gh_1");
    EXPECT_EQ(envelope->encrypt, encrypt);
    EXPECT_EQ(envelope->format, body.find('<') == std::string::npos ? model::BodyFormat::kJson
                                                                    : model::BodyFormat::kXml);
  }
}

// From the body of the request to the message, in the order of a callback.
TEST_P(PublishedEnvelope, LeadsToTheMessage) {
  const CallbackVector& sample = GetParam();
  const auto envelope = ReadEnvelope(Xml("<Encrypt>" + std::string(sample.encrypt) + "</Encrypt>"));
  ASSERT_TRUE(envelope.ok());
  if (*sample.msg_signature != '\0') {
    EXPECT_TRUE(MsgSignatureMatches(base::Secret(sample.token), sample.timestamp, sample.nonce,
                                    envelope->encrypt, sample.msg_signature));
  }
  const auto cipher =
      CallbackCipher::Create(base::Secret(sample.encoding_aes_key), base::Secret(), sample.app_id);
  ASSERT_TRUE(cipher.ok());
  const auto decrypted = cipher->Decrypt(envelope->encrypt);
  ASSERT_TRUE(decrypted.ok());
  EXPECT_EQ(decrypted->message, sample.message);
}

TEST(Envelope, X11_PlainCopyOfCompatibleModeIsDropped) {
  const auto envelope = ReadEnvelope(
      Xml("<ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oU]]></FromUserName>"
          "<CreateTime>1348831860</CreateTime><MsgType><![CDATA[text]]></MsgType>"
          "<Content><![CDATA[hi]]></Content><MsgId>1</MsgId><Encrypt><![CDATA[abc=]]></Encrypt>"));
  ASSERT_TRUE(envelope.ok());
  EXPECT_EQ(envelope->to_user, "gh_1");
  EXPECT_EQ(envelope->encrypt, "abc=");
}

TEST(Envelope, X10_NothingEncryptedIsToldApart) {
  EXPECT_EQ(GetCode(Xml("<ToUserName>gh_1</ToUserName><MsgType>text</MsgType>")), kPlain);
  EXPECT_EQ(GetCode(R"({"ToUserName":"gh_1","MsgType":"text"})"), kPlain);
  EXPECT_EQ(GetCode("<xml/>"), kPlain);
  EXPECT_EQ(GetCode("{}"), kPlain);
  // Names are case-sensitive, and another element's Encrypt is another thing.
  EXPECT_EQ(GetCode(Xml("<encrypt>x</encrypt>")), kPlain);
  EXPECT_EQ(GetCode(R"({"encrypt":"x"})"), kPlain);
  EXPECT_EQ(GetCode(Xml("<A><Encrypt>x</Encrypt></A>")), kPlain);
  EXPECT_EQ(GetCode(R"({"A":{"Encrypt":"x"}})"), kPlain);
  EXPECT_EQ(GetCode(Xml("<Encrypt><A>x</A></Encrypt>")), kPlain);
  EXPECT_EQ(GetCode(R"({"Encrypt":{"A":"x"}})"), kPlain);
  EXPECT_EQ(GetCode(Xml("<!-- <Encrypt>x</Encrypt> -->")), kPlain);
  EXPECT_EQ(GetCode(Xml("<A><![CDATA[<Encrypt>x</Encrypt>]]></A>")), kPlain);
}

TEST(Envelope, X07_TwoOfAFieldAreRefused) {
  EXPECT_EQ(GetCode(Xml("<Encrypt>x</Encrypt><Encrypt>x</Encrypt>")), kRefused);
  EXPECT_EQ(GetCode(R"({"Encrypt":"x","Encrypt":"x"})"), kRefused);
  EXPECT_EQ(GetCode(R"({"Encrypt":"x","\u0045ncrypt":"y"})"), kRefused);
  EXPECT_EQ(GetCode(R"({"Encrypt":["x","y"]})"), kRefused);
  EXPECT_EQ(
      GetCode(Xml("<ToUserName>a</ToUserName><ToUserName>b</ToUserName><Encrypt>x</Encrypt>")),
      kRefused);
}

TEST(Envelope, X01_BrokenBodiesAreRefused) {
  for (const std::string body :
       {"", " ", "Encrypt", "[]", "[\"Encrypt\"]", "\"Encrypt\"", "<Encrypt>x</Encrypt>",
        "<root><Encrypt>x</Encrypt></root>", "<xml><Encrypt>x</Encrypt></xml><a/>",
        "<xml><Encrypt>x</Encrypt></xml>junk", "{\"Encrypt\":\"x\"}{}", "{\"Encrypt\":x}",
        "<xml><Encrypt a='1'>x</Encrypt></xml>"}) {
    EXPECT_EQ(GetCode(body), kRefused) << body;
  }
}

TEST(Envelope, X02_EveryPrefixIsRefused) {
  for (const std::string& good : {Xml("<ToUserName>gh_1</ToUserName><Encrypt>abc=</Encrypt>"),
                                  std::string(R"({"ToUserName":"gh_1","Encrypt":"abc="})")}) {
    ASSERT_TRUE(ReadEnvelope(good).ok());
    for (std::size_t n = 0; n < good.size(); ++n) {
      EXPECT_EQ(GetCode(good.substr(0, n)), kRefused) << n;
    }
  }
}

TEST(Envelope, X04_DtdsAndEntitiesAreRefused) {
  EXPECT_EQ(GetCode("<!DOCTYPE xml [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" +
                    Xml("<Encrypt>&e;</Encrypt>")),
            kRefused);
}

TEST(Envelope, X09_EmptyEncryptIsLeftToTheCipher) {
  const auto cipher =
      CallbackCipher::Create(base::Secret(std::string(43, 'A')), base::Secret(), "wx1");
  ASSERT_TRUE(cipher.ok());
  for (const std::string& body : {Xml("<Encrypt/>"), Xml("<Encrypt><![CDATA[]]></Encrypt>"),
                                  std::string(R"({"Encrypt":""})")}) {
    const auto envelope = ReadEnvelope(body);
    ASSERT_TRUE(envelope.ok()) << body;
    EXPECT_EQ(envelope->encrypt, "");
    EXPECT_FALSE(cipher->Decrypt(envelope->encrypt).ok());
  }
}

TEST(Envelope, ToUserNameMayBeAbsent) {
  const auto envelope = ReadEnvelope(Xml("<Encrypt>abc=</Encrypt>"));
  ASSERT_TRUE(envelope.ok());
  EXPECT_EQ(envelope->to_user, "");
}

// V4: the platform's sample of a reply.
const CallbackVector& kReply = kCallbackVectors[1];

std::string WriteSample(model::BodyFormat format, absl::string_view nonce) {
  return WriteReplyEnvelope(format, base::Secret(kReply.token), kReply.encrypt,
                            absl::FromUnixSeconds(1713424427), nonce);
}

TEST(ReplyEnvelope, V4_XmlIsExact) {
  EXPECT_EQ(WriteSample(model::BodyFormat::kXml, "415670741"),
            "<xml><Encrypt><![CDATA[ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/"
            "5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==]]></Encrypt><MsgSignature><![CDATA["
            "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1]]></MsgSignature><TimeStamp>1713424427"
            "</TimeStamp><Nonce><![CDATA[415670741]]></Nonce></xml>");
}

TEST(ReplyEnvelope, V4_JsonIsExact) {
  EXPECT_EQ(WriteSample(model::BodyFormat::kJson, "415670741"),
            R"({"Encrypt":"ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/)"
            R"(5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==",)"
            R"("MsgSignature":"1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1",)"
            R"("TimeStamp":1713424427,"Nonce":"415670741"})");
}

TEST(ReplyEnvelope, PartsOfASecondAreDropped) {
  const auto now = absl::FromUnixMillis(1713424427999);
  EXPECT_EQ(WriteReplyEnvelope(model::BodyFormat::kJson, base::Secret(kReply.token), kReply.encrypt,
                               now, "415670741"),
            WriteSample(model::BodyFormat::kJson, "415670741"));
}

TEST(ReplyEnvelope, X17_NothingBreaksOutOfItsField) {
  for (const std::string nonce : {"a]]></Nonce><a/>", "\",\"Encrypt\":\"x", "a\\", "<b>&amp;"}) {
    for (const model::BodyFormat format : {model::BodyFormat::kXml, model::BodyFormat::kJson}) {
      const auto reply = ParsePush(WriteSample(format, nonce));
      ASSERT_TRUE(reply.ok()) << nonce;
      EXPECT_EQ(reply->fields.size(), 4u);
      EXPECT_EQ(reply->Field("Nonce"), nonce);
      EXPECT_EQ(reply->Field("Encrypt"), kReply.encrypt);
    }
  }
}

}  // namespace
}  // namespace hongyan::wechat
