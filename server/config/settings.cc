#include "server/config/settings.h"

#include <google/protobuf/descriptor.h>
#include <openssl/crypto.h>

#include <string>
#include <vector>

namespace hongyan::config {

void WipeSecrets(google::protobuf::Message& section) {
  const auto& reflection = *section.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(section, &fields);
  for (const auto* field : fields) {
    if (field->options().GetExtension(v1::key_rules).kind() == v1::VALUE_KIND_SECRET) {
      std::string unused;
      const std::string& secret = reflection.GetStringReference(section, field, &unused);
      // In its place: setting the field could leave the bytes behind in memory that is free.
      OPENSSL_cleanse(const_cast<char*>(secret.data()), secret.size());
    } else if (field->message_type() != nullptr && field->is_repeated()) {
      for (int i = 0; i < reflection.FieldSize(section, field); ++i) {
        WipeSecrets(*reflection.MutableRepeatedMessage(&section, field, i));
      }
    } else if (field->message_type() != nullptr) {
      WipeSecrets(*reflection.MutableMessage(&section, field));
    }
  }
}

base::Level LogLevel(const Settings& settings) {
  const std::string& level = settings.log().level();
  if (level == "trace" || level == "debug") return base::Level::kDebug;  // nothing is finer
  if (level == "warn") return base::Level::kWarn;
  if (level == "error") return base::Level::kError;
  return base::Level::kInfo;
}

base::LogFormat LogFormat(const Settings& settings) {
  return settings.log().format() == "text" ? base::LogFormat::kText : base::LogFormat::kJson;
}

}  // namespace hongyan::config
