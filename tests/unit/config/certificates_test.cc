#include "server/config/certificates.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/unit/config/config_test.h"

namespace hongyan::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Pem {
  std::string certificate;
  std::string key;
  std::string locked_key;  // with a password
};

std::string Content(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

// A fresh key and its self-signed certificate, valid from `from` for a day.
Pem MakePem(absl::Time from) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> cert(X509_new(), X509_free);
  ASN1_TIME_set(X509_getm_notBefore(cert.get()), absl::ToTimeT(from));
  ASN1_TIME_set(X509_getm_notAfter(cert.get()), absl::ToTimeT(from + absl::Hours(24)));
  X509_set_pubkey(cert.get(), key.get());
  X509_sign(cert.get(), key.get(), EVP_sha256());
  const auto write = [](auto print) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
    print(bio.get());
    return Content(bio.get());
  };
  Pem pem;
  pem.certificate = write([&](BIO* bio) { PEM_write_bio_X509(bio, cert.get()); });
  pem.key = write([&](BIO* bio) {
    PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  char password[] = "word";
  pem.locked_key = write([&](BIO* bio) {
    PEM_write_bio_PrivateKey(bio, key.get(), EVP_aes_128_cbc(), nullptr, 0, nullptr, password);
  });
  return pem;
}

class CertificatesTest : public ConfigTest {
 protected:
  CertificatesTest() {
    const Pem one = MakePem(World().now - absl::Hours(1));
    files_["one.pem"].content = one.certificate;
    files_["one.key"].content = one.key;
    files_["locked.key"].content = one.locked_key;
    files_["two.key"].content = MakePem(World().now).key;
    files_["text"].content = "hello";
    files_["empty"].content = "";
  }

  // `more`: further lines of the listener.
  LoadResult LoadTls(const std::string& tls, const std::string& listener = "grpc",
                     const std::string& more = "") {
    return LoadWith(absl::StrCat(listener, ":\n  tls: {", tls, "}\n", more));
  }
};

TEST_F(CertificatesTest, AMatchingPairIsTaken) {
  const LoadResult result =
      LoadTls("cert_file: one.pem, key_file: one.key, client_ca_file: one.pem");
  ASSERT_THAT(result.problems, IsEmpty());
  EXPECT_THAT(result.warnings, IsEmpty());
  EXPECT_TRUE(result.settings.grpc().has_tls());
  EXPECT_EQ(result.settings.grpc().tls().cert_file(), "one.pem");
  EXPECT_EQ(result.settings.grpc().tls().key_file(), "one.key");
  EXPECT_EQ(result.settings.grpc().tls().client_ca_file(), "one.pem");
  const LoadResult callback = LoadTls("cert_file: one.pem, key_file: one.key", "callback");
  ASSERT_THAT(callback.problems, IsEmpty());
  EXPECT_EQ(callback.settings.callback().tls().key_file(), "one.key");
}

TEST_F(CertificatesTest, K05_W06_WithAClientAuthorityInsecureOpensNothing) {
  const std::string open = "  listen: '0.0.0.0:0'\n";
  const std::string insecure = "auth: {insecure: true}\n";
  const std::string pair = "cert_file: one.pem, key_file: one.key";
  const std::string mutual = pair + ", client_ca_file: one.pem";
  EXPECT_THAT(LoadTls(mutual, "grpc", open).warnings, IsEmpty());
  const LoadResult both = LoadTls(mutual, "grpc", open + insecure);
  EXPECT_THAT(both.problems, IsEmpty());
  EXPECT_THAT(both.warnings, ElementsAre(IsProblem("auth.insecure", 8, "waives nothing")));
  EXPECT_THAT(LoadTls(pair, "grpc", open + insecure).warnings,
              ElementsAre(IsProblem("grpc.listen", 7, "no client certificate is demanded")));
}

TEST_F(CertificatesTest, A18_WithCallbackTlsOneAddressHasAQuarterOfTheConnections) {
  const auto limit = [this](const std::string& more) {
    return LoadTls("cert_file: one.pem, key_file: one.key", "callback", more)
        .settings.callback()
        .max_connections_per_address();
  };
  EXPECT_EQ(limit(""), 256);
  EXPECT_EQ(limit("  max_connections: 100\n"), 25);
  EXPECT_EQ(limit("  max_connections: 1\n"), 1);
  EXPECT_EQ(limit("  max_connections_per_address: 7\n"), 7);
  EXPECT_EQ(limit("  max_connections_per_address: 0\n"), 0);
}

TEST_F(CertificatesTest, A08_APipeIsRefused) {
  files_["one.pem"].is_pipe = true;
  EXPECT_THAT(LoadTls("cert_file: one.pem, key_file: one.key").problems,
              ElementsAre(IsProblem("grpc.tls.cert_file", 6, "is a pipe")));
}

TEST_F(CertificatesTest, K04_WhatDoesNotFitIsRefused) {
  const struct {
    const char* tls;
    const char* path;
    const char* part;
  } kRows[] = {
      {"cert_file: one.pem, key_file: two.key", "grpc.tls.key_file",
       "is not the key of the certificate"},
      {"cert_file: one.pem, key_file: none.key", "grpc.tls.key_file",
       "can't read none.key: No such file"},
      {"cert_file: none.pem, key_file: one.key", "grpc.tls.cert_file", "can't read none.pem"},
      {"cert_file: text, key_file: one.key", "grpc.tls.cert_file", "no certificate in PEM"},
      {"cert_file: empty, key_file: one.key", "grpc.tls.cert_file", "no certificate in PEM"},
      {"cert_file: one.key, key_file: one.key", "grpc.tls.cert_file", "no certificate in PEM"},
      {"cert_file: one.pem, key_file: one.pem", "grpc.tls.key_file", "no private key in PEM"},
      {"cert_file: one.pem, key_file: locked.key", "grpc.tls.key_file", "without a password"},
      {"cert_file: one.pem", "grpc.tls.key_file", "is required"},
      {"key_file: one.key", "grpc.tls.cert_file", "is required"},
      {"cert_file: '', key_file: one.key", "grpc.tls.cert_file", "is empty"},
      {"cert_file: one.pem, key_file: one.key, client_ca_file: text", "grpc.tls.client_ca_file",
       "no certificate"},
      {"cert_file: one.pem, key_file: one.key, client_ca_file: none", "grpc.tls.client_ca_file",
       "can't read none"},
      {"cert_file: one.pem, key_file: one.key, client_ca_file: ''", "grpc.tls.client_ca_file",
       "is empty"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.tls);
    EXPECT_THAT(LoadTls(row.tls).problems, ElementsAre(IsProblem(row.path, 6, row.part)));
  }
  EXPECT_THAT(LoadTls("client_ca_file: one.pem").problems,
              ElementsAre(IsProblem("grpc.tls.cert_file", 6, "is required"),
                          IsProblem("grpc.tls.key_file", 6, "is required")));
  EXPECT_THAT(LoadTls("cert_file: one.pem, key_file: one.key, client_ca_file: one.pem", "callback")
                  .problems,
              ElementsAre(IsProblem("callback.tls.client_ca_file", 6, "is for grpc.tls only")));
  EXPECT_THAT(LoadTls("cert_file: one.pem, key_file: one.key", "admin").problems,
              ElementsAre(IsProblem("admin.tls", 6, "unknown key")));
}

TEST_F(CertificatesTest, K04_DatesAndOpenKeysAreWarnedAbout) {
  const Pem old = MakePem(World().now - absl::Hours(48));
  files_["old.pem"].content = old.certificate;
  files_["old.key"].content = old.key;
  EXPECT_THAT(LoadTls("cert_file: old.pem, key_file: old.key").warnings,
              ElementsAre(IsProblem("grpc.tls.cert_file", 6, "has expired")));
  const Pem early = MakePem(World().now + absl::Hours(1));
  files_["early.pem"].content = early.certificate;
  files_["early.key"].content = early.key;
  EXPECT_THAT(LoadTls("cert_file: early.pem, key_file: early.key").warnings,
              ElementsAre(IsProblem("grpc.tls.cert_file", 6, "not valid yet")));
  files_["one.key"].others_may_read = true;
  files_["one.pem"].others_may_read = true;
  const LoadResult open = LoadTls("cert_file: one.pem, key_file: one.key");
  EXPECT_THAT(open.problems, IsEmpty());
  EXPECT_THAT(open.warnings,
              ElementsAre(IsProblem("grpc.tls.key_file", 6, "everybody on this host may read")));
}

TEST_F(CertificatesTest, BundleForWechat) {
  EXPECT_EQ(LoadWith("wechat: {ca_file: one.pem}\n").settings.wechat().ca_file(), "one.pem");
  for (const auto& [file, part] :
       {std::pair{"text", "no certificate"}, std::pair{"none", "can't read none"},
        std::pair{"''", "is empty"}}) {
    EXPECT_THAT(LoadWith(absl::StrCat("wechat: {ca_file: ", file, "}\n")).problems,
                ElementsAre(IsProblem("wechat.ca_file", 5, part)));
  }
}

}  // namespace
}  // namespace hongyan::config
