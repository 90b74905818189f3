// The rules of the keys themselves, as config.proto has them.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <functional>
#include <string>

#include "absl/strings/match.h"
#include "hongyan/v1/config.pb.h"
#include "hongyan/v1/config_options.pb.h"
#include "server/config/text_check.h"
#include "server/config/values.h"

namespace hongyan::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using Visit = std::function<void(const FieldDescriptor&, const v1::KeyRules&)>;

void ForEachKey(const Descriptor& section, const Visit& visit) {
  for (int i = 0; i < section.field_count(); ++i) {
    const FieldDescriptor& field = *section.field(i);
    SCOPED_TRACE(field.full_name());
    visit(field, field.options().GetExtension(v1::key_rules));
    const Descriptor* type = field.message_type();
    if (type != nullptr && absl::StartsWith(type->full_name(), "hongyan.")) {
      ForEachKey(*type, visit);
    }
  }
}

// A rule that can't be read would hold nobody back, and a default that can't be read would be none.
TEST(RulesTest, DefaultsAndLimitsOfNumbersCanBeRead) {
  int limited = 0;
  ForEachKey(
      *v1::Config::descriptor(), [&](const FieldDescriptor& field, const v1::KeyRules& rules) {
        const bool is_duration = field.message_type() != nullptr &&
                                 field.message_type()->full_name() == "google.protobuf.Duration";
        const bool is_number = field.cpp_type() == FieldDescriptor::CPPTYPE_INT32 ||
                               field.cpp_type() == FieldDescriptor::CPPTYPE_INT64;
        if (!is_duration && !is_number) return;
        ++limited;
        for (const std::string& text : {rules.default_value(), rules.min(), rules.max()}) {
          EXPECT_TRUE(is_duration ? ParseDuration(text).has_value() : ParseSize(text).has_value())
              << text;
        }
        EXPECT_TRUE(rules.or_value().empty() || ParseDuration(rules.or_value()));
      });
  EXPECT_GT(limited, 10);
}

TEST(RulesTest, DefaultsOfTextsKeepTheirRules) {
  ForEachKey(*v1::Config::descriptor(),
             [](const FieldDescriptor& field, const v1::KeyRules& rules) {
               EXPECT_TRUE(RE2(rules.pattern()).ok()) << rules.pattern();
               EXPECT_EQ(rules.pattern().empty(), rules.pattern_error().empty());
               const bool is_text =
                   field.cpp_type() == FieldDescriptor::CPPTYPE_STRING && !field.is_repeated();
               if (!is_text || rules.default_value().empty()) return;
               const auto checked = CheckText(rules, rules.default_value(), "it");
               EXPECT_EQ(checked.value_or("wrong"), rules.default_value());
             });
}

}  // namespace
}  // namespace hongyan::config
