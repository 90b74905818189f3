#include "server/config/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstddef>
#include <ctime>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/base/text.h"

namespace hongyan::config {
namespace {

constexpr std::size_t kMaxFile = 4 * 1024 * 1024;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using BioPtr = std::unique_ptr<BIO, Free>;
using CertificatePtr = std::unique_ptr<X509, Free>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free>;

std::optional<File> Read(const std::string& path, const std::string& file,
                         const Environment& environment, Findings& findings) {
  absl::StatusOr<File> content = environment.read_file(file, kMaxFile);
  if (content.ok() && content->is_pipe) {
    findings.Refuse(path, "is a pipe; it is read more than once, so it must be a file");
    return std::nullopt;
  }
  if (content.ok()) return *std::move(content);
  findings.Refuse(path, absl::StrCat("can't read ", base::Printable(file), ": ",
                                     absl::string_view(content.status().message())));
  return std::nullopt;
}

// Without a password, so that OpenSSL never asks for one on the terminal.
int NoPassword(char*, int, int, void*) { return -1; }

CertificatePtr ParseCertificate(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr));
  ERR_clear_error();
  return certificate;
}

KeyPtr ParseKey(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  ERR_clear_error();
  return key;
}

void CheckDates(const std::string& path, X509* certificate, absl::Time now, Findings& findings) {
  std::time_t at = absl::ToTimeT(now);
  if (X509_cmp_time(X509_get0_notAfter(certificate), &at) < 0) {
    findings.Warn(path, "the certificate has expired; peers will refuse it");
  }
  if (X509_cmp_time(X509_get0_notBefore(certificate), &at) > 0) {
    findings.Warn(path, "the certificate is not valid yet; peers will refuse it");
  }
}

}  // namespace

void CheckCertificate(const std::string& path, const std::string& cert_file,
                      const std::string& key_file, const Environment& environment,
                      Findings& findings) {
  const std::string cert_path = absl::StrCat(path, ".cert_file");
  const std::string key_path = absl::StrCat(path, ".key_file");
  const std::optional<File> cert = Read(cert_path, cert_file, environment, findings);
  const std::optional<File> key = Read(key_path, key_file, environment, findings);
  CertificatePtr parsed_cert;
  KeyPtr parsed_key;
  if (cert) {
    parsed_cert = ParseCertificate(cert->content);
    if (!parsed_cert) {
      findings.Refuse(cert_path, "holds no certificate in PEM");
    } else {
      CheckDates(cert_path, parsed_cert.get(), environment.now, findings);
    }
  }
  if (key) {
    parsed_key = ParseKey(key->content);
    if (!parsed_key) findings.Refuse(key_path, "holds no private key in PEM without a password");
    if (key->others_may_read) {
      findings.Warn(key_path, "everybody on this host may read the key; chmod o-r it");
    }
  }
  if (!parsed_cert || !parsed_key) return;
  if (X509_check_private_key(parsed_cert.get(), parsed_key.get()) != 1) {
    findings.Refuse(key_path, "is not the key of the certificate in cert_file");
  }
  ERR_clear_error();
}

void CheckBundle(const std::string& path, const std::string& file, const Environment& environment,
                 Findings& findings) {
  if (!findings.Usable(path)) return;
  const std::optional<File> content = Read(path, file, environment, findings);
  if (content && !ParseCertificate(content->content)) {
    findings.Refuse(path, "holds no certificate in PEM");
  }
}

}  // namespace hongyan::config
