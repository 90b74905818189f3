// Whether certificate files are what they should be, before a listener or a connection needs them.
//
// Contract: a certificate and its key belong together; a bundle holds at least one certificate.
//           Dates that have passed and a key that everybody may read are warnings.
// Errors:   in `findings`, under the path of the file's key. Never the content.
// Bounds:   4 MiB a file.
// Threads:  one.
#pragma once

#include <string>

#include "server/config/environment.h"
#include "server/config/findings.h"

namespace hongyan::config {

// PATH.cert_file and PATH.key_file of one listener.
void CheckCertificate(const std::string& path, const std::string& cert_file,
                      const std::string& key_file, const Environment& environment,
                      Findings& findings);

// A file of trusted certificates, where its key `path` is usable.
void CheckBundle(const std::string& path, const std::string& file, const Environment& environment,
                 Findings& findings);

}  // namespace hongyan::config
