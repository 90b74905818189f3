#include "server/wechat/signature.h"

#include <gtest/gtest.h>

#include <iterator>
#include <string>

#include "absl/strings/ascii.h"
#include "tests/unit/wechat/callback_vectors.h"

namespace hongyan::wechat {
namespace {

struct Vector {
  const char* token;
  const char* timestamp;
  const char* nonce;
  const char* signature;
};

// The first three are the platform's own samples, the others come from the tests of two public
// SDKs.
constexpr Vector kVectors[] = {
    {"AAAAA", "1714036504", "1514711492", "f464b24fc39322e44b38aa78f5edd27bd1441696"},
    {"AAAAA", "1714037059", "486452656", "899cf89e464efb63f54ddac96b0a0a235f53aa78"},
    {"AAAAA", "1714112445", "415670741", "6c5c811b55cc85e0e1b54100749188c20beb3f5d"},
    {"weixin", "1357982061", "1358161344", "335b26997f05c82243aad6b10a2d1853637e71a8"},
    {"huhujm", "1359208540", "1359227084", "efa917e2445cc9f0aa4386ca92f96de5a242e24e"},
};

class SignatureVectors : public ::testing::TestWithParam<Vector> {};

TEST_P(SignatureVectors, MatchAndEachChangeFails) {
  const auto& [token, timestamp, nonce, signature] = GetParam();
  const base::Secret secret(token);
  EXPECT_EQ(Signature({token, timestamp, nonce}), signature);
  EXPECT_TRUE(SignatureMatches(secret, timestamp, nonce, signature));
  EXPECT_FALSE(
      SignatureMatches(base::Secret(std::string(token) + "x"), timestamp, nonce, signature));
  EXPECT_FALSE(SignatureMatches(secret, "1714036505", nonce, signature));
  EXPECT_FALSE(SignatureMatches(secret, timestamp, "1", signature));
}

INSTANTIATE_TEST_SUITE_P(Published, SignatureVectors, ::testing::ValuesIn(kVectors));

TEST(SignatureTest, AnyNumberOfPartsInAnyOrder) {
  EXPECT_EQ(Signature({"c", "a", "b"}), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(Signature({"RMNlACHlV5ThzfRlVS4D4", "timestamp", "nonce", "encrypt"}),
            "8edac0945683c119ee71c9f6256d76c48aa08a96");
}

TEST(SignatureTest, H18_NearlyRightSignaturesFail) {
  const base::Secret token("AAAAA");
  const std::string right = kVectors[0].signature;
  const auto matches = [&](const std::string& signature) {
    return SignatureMatches(token, "1714036504", "1514711492", signature);
  };
  ASSERT_TRUE(matches(right));
  EXPECT_FALSE(matches(right.substr(0, 39)));
  EXPECT_FALSE(matches(right + "0"));
  EXPECT_FALSE(matches(absl::AsciiStrToUpper(right)));
  EXPECT_FALSE(matches(""));
  for (std::size_t i = 0; i < right.size(); ++i) {
    std::string wrong = right;
    wrong[i] = wrong[i] == '0' ? '1' : '0';
    EXPECT_FALSE(matches(wrong)) << i;
  }
}

class MsgSignatureVectors : public ::testing::TestWithParam<CallbackVector> {};

// The last one has no signature.
INSTANTIATE_TEST_SUITE_P(Published, MsgSignatureVectors,
                         ::testing::ValuesIn(std::begin(kCallbackVectors),
                                             std::prev(std::end(kCallbackVectors))),
                         [](const auto& test) { return test.param.name; });

TEST_P(MsgSignatureVectors, X10_MatchAndEachChangeFails) {
  const CallbackVector& sample = GetParam();
  const std::string right = sample.msg_signature;
  const base::Secret token(sample.token);
  const std::string nonce = sample.nonce;
  const std::string encrypt = sample.encrypt;
  const auto matches = [&](const std::string& signature) {
    return MsgSignatureMatches(token, sample.timestamp, nonce, encrypt, signature);
  };
  EXPECT_TRUE(matches(right));
  EXPECT_FALSE(MsgSignatureMatches(base::Secret(std::string(sample.token) + "x"), sample.timestamp,
                                   nonce, encrypt, right));
  EXPECT_FALSE(MsgSignatureMatches(token, "1714036505", nonce, encrypt, right));
  // Off by one.
  std::string near = nonce;
  --near.back();
  EXPECT_FALSE(MsgSignatureMatches(token, sample.timestamp, near, encrypt, right));
  EXPECT_FALSE(MsgSignatureMatches(token, sample.timestamp, nonce, "", right));
  EXPECT_FALSE(MsgSignatureMatches(token, sample.timestamp, nonce, encrypt + "=", right));
  // The signature that does not cover Encrypt is valid in its place, but not in this one.
  EXPECT_FALSE(matches(Signature({sample.token, sample.timestamp, nonce})));
  EXPECT_FALSE(matches(absl::AsciiStrToUpper(right)));
  EXPECT_FALSE(matches(right.substr(0, 39)));
  EXPECT_FALSE(matches(right + "0"));
  EXPECT_FALSE(matches(""));
}

}  // namespace
}  // namespace hongyan::wechat
