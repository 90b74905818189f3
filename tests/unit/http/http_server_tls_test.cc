// The TLS listener against OpenSSL as client, with a certificate made for the test.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "tests/unit/http/server_fixture.h"

namespace hongyan {
namespace {

using testing::RawClient;

struct OpenSslFree {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(SSL* p) const { SSL_free(p); }
};
template <typename T>
using Owned = std::unique_ptr<T, OpenSslFree>;

class HttpServerTlsTest : public testing::ServerFixture {
 protected:
  HttpServerTlsTest() {
    std::string pattern = ::testing::TempDir() + "hongyan-tls-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    options_.cert_file = folder_ + "/cert.pem";
    options_.key_file = folder_ + "/key.pem";
    const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
    const Owned<X509> cert(X509_new());
    X509_set_version(cert.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert.get()), 3600);
    X509_set_pubkey(cert.get(), key.get());
    X509_sign(cert.get(), key.get(), EVP_sha256());
    FILE* file = std::fopen(options_.cert_file.c_str(), "w");
    PEM_write_X509(file, cert.get());
    std::fclose(file);
    file = std::fopen(options_.key_file.c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }
  ~HttpServerTlsTest() override {
    Stop();
    std::filesystem::remove_all(folder_);
  }

  // What the server answers over TLS of this version; empty when no session comes about.
  std::string AskOver(int version) {
    const Owned<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_security_level(context.get(),
                               0);  // so that the client itself would take old versions
    SSL_CTX_set_min_proto_version(context.get(), version);
    SSL_CTX_set_max_proto_version(context.get(), version);
    RawClient client(address_);
    const Owned<SSL> ssl(SSL_new(context.get()));
    SSL_set_fd(ssl.get(), client.fd());
    if (SSL_connect(ssl.get()) != 1) return "";
    const std::string request = "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    SSL_write(ssl.get(), request.data(), static_cast<int>(request.size()));
    std::string answer;
    char buffer[4096];
    int n;
    while ((n = SSL_read(ssl.get(), buffer, sizeof(buffer))) > 0) {
      answer.append(buffer, static_cast<std::size_t>(n));
    }
    // The server says goodbye: the answer is whole, not cut off by somebody between.
    EXPECT_EQ(SSL_get_error(ssl.get(), n), SSL_ERROR_ZERO_RETURN);
    return answer;
  }

  std::string folder_;
};

TEST_F(HttpServerTlsTest, H10_OnlyNewVersionsAreSpoken) {
  Start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const std::string answer = AskOver(version);
    EXPECT_EQ(answer.substr(0, 15), "HTTP/1.1 200 OK") << version;
    EXPECT_NE(answer.find("GET /a 0 127.0.0.1"), std::string::npos) << version;
  }
  EXPECT_EQ(AskOver(TLS1_1_VERSION), "");
  EXPECT_EQ(AskOver(TLS1_VERSION), "");
}

TEST_F(HttpServerTlsTest, H10_PlainHttpAndStalledHandshakesAreClosed) {
  options_.limits.head_time = absl::Milliseconds(150);
  Start();
  RawClient stalled(address_);
  stalled.Send("\x16\x03\x01");
  RawClient plain(address_);
  plain.Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_FALSE(plain.ReadReply().has_value());
  while (!stalled.IsClosed() && !stalled.timed_out()) {
  }
  EXPECT_FALSE(stalled.timed_out());
  EXPECT_TRUE(AllClosed());
  EXPECT_EQ(handler_.handled, 0);
}

TEST_F(HttpServerTlsTest, WrongFilesAreNamed) {
  const auto listen = [this](const std::string& cert, const std::string& key) {
    http::ServerOptions options;
    options.cert_file = cert;
    options.key_file = key;
    http::HttpServer server(loop_.executor(), clock_, handler_, options);
    return server.StartListening("127.0.0.1:0").status();
  };
  const std::string missing = folder_ + "/none.pem";
  const std::string garbage = folder_ + "/garbage.pem";
  std::ofstream(garbage) << "garbage";
  for (const std::string& wrong : {missing, garbage}) {
    EXPECT_NE(listen(wrong, options_.key_file).message().find(wrong), absl::string_view::npos);
    EXPECT_NE(listen(options_.cert_file, wrong).message().find(wrong), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace hongyan
