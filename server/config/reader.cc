#include "server/config/reader.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "hongyan/v1/config_options.pb.h"
#include "server/base/nearest.h"
#include "server/base/text.h"
#include "server/config/substitution.h"
#include "server/config/text_check.h"
#include "server/config/values.h"
#include "server/config/yaml_file.h"
#include "server/config/yaml_slips.h"

namespace hongyan::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::int64_t kMillisPerSecond = 1000;
constexpr std::int64_t kNanosPerMilli = 1000000;

const v1::KeyRules& GetRules(const FieldDescriptor& field) {
  return field.options().GetExtension(v1::key_rules);
}

bool IsDuration(const FieldDescriptor& field) {
  return field.message_type() != nullptr &&
         field.message_type()->full_name() == "google.protobuf.Duration";
}
bool IsSection(const FieldDescriptor& field) {
  return field.message_type() != nullptr && !IsDuration(field);
}
bool IsText(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
}
bool IsSize(const FieldDescriptor& field) { return absl::EndsWith(field.name(), "_bytes"); }

// What the value of `field` looks like, for messages.
absl::string_view Wanted(const FieldDescriptor& field) {
  if (IsDuration(field)) return "a number with a unit, such as 250ms, 5s, 10m, 1h or 30d";
  if (IsSection(field)) return "a section with keys of its own";
  if (IsText(field)) return "text";
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) return "true or false";
  if (IsSize(field)) return "a size, such as 65536, 64KiB or 4MiB";
  return "a whole number";
}

absl::string_view GetTypeName(YAML::NodeType::value type) {
  switch (type) {
    case YAML::NodeType::Scalar:
      return "a single value";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Map:
      return "a section";
    default:
      return "nothing";
  }
}

std::string UnknownKey(const std::string& key, const Descriptor& section) {
  std::vector<absl::string_view> names;
  for (int i = 0; i < section.field_count(); ++i) names.push_back(section.field(i)->name());
  if (const auto best = base::NearestWord(key, names)) {
    return absl::StrCat("unknown key; did you mean \"", *best, "\"?");
  }
  return absl::StrCat("unknown key; known here: ", absl::StrJoin(names, ", "));
}

// A number, a duration (in milliseconds) or a size, as the file has it.
std::optional<std::int64_t> ParseNumber(const FieldDescriptor& field, const std::string& text) {
  if (IsSize(field)) return ParseSize(text);
  if (!IsDuration(field)) return ParseInteger(text);
  const std::optional<absl::Duration> duration = ParseDuration(text);
  if (!duration) return std::nullopt;
  return absl::ToInt64Milliseconds(*duration);
}

// "0s, or from 1s to 24h", "from 1 to 8", "at most 200".
std::string Limits(const v1::KeyRules& rules) {
  std::string limits;
  if (!rules.or_value().empty()) limits = absl::StrCat(rules.or_value(), ", or ");
  if (rules.min().empty()) return absl::StrCat(limits, "at most ", rules.max());
  return absl::StrCat(limits, "from ", rules.min(), " to ", rules.max());
}

// Whether `number` is within the limits of the field; `parse` reads them.
template <typename Parse>
bool IsWithin(const v1::KeyRules& rules, std::int64_t number, Parse parse) {
  const std::optional<std::int64_t> other = parse(rules.or_value());
  if (other && number == *other) return true;
  const std::optional<std::int64_t> min = parse(rules.min());
  const std::optional<std::int64_t> max = parse(rules.max());
  return (!min || number >= *min) && (!max || number <= *max);
}

class Reader {
 public:
  Reader(const Environment& environment, Findings& findings)
      : environment_(environment), substitution_(environment), findings_(findings) {}

  // All keys of a section, then what it doesn't have.
  void ReadSection(const YAML::Node& node, const std::string& path, Message& message) {
    const Descriptor& section = *message.GetDescriptor();
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const std::string key = GetScalar(entry.first);
      const int line = FindLine(entry.first);
      if (!seen.insert(key).second) {
        findings_.RefuseAt(Join(path, key), line, "stands here a second time");
      } else if (const FieldDescriptor* field = section.FindFieldByName(key)) {
        findings_.Record(Join(path, key), line);
        ReadField(entry.second, Join(path, key), *field, message);
      } else if (const auto slip = FindKeySlip(key)) {
        // The rest of such a key is a value, and may be a secret.
        findings_.RefuseAt(Join(path, slip->key), line, slip->message);
        findings_.Record(Join(path, slip->key), line);
      } else {
        findings_.RefuseAt(Join(path, key), line, UnknownKey(key, section));
      }
    }
    for (int i = 0; i < section.field_count(); ++i) {
      const std::string key_path = Join(path, section.field(i)->name());
      if (GetRules(*section.field(i)).required() && !findings_.Given(key_path)) {
        findings_.Refuse(key_path, "is required");
      }
    }
    SetDefaults(path, message);
  }

 private:
  // Of all keys that are not usable.
  void SetDefaults(const std::string& path, Message& message) {
    const Descriptor& section = *message.GetDescriptor();
    for (int i = 0; i < section.field_count(); ++i) {
      const FieldDescriptor& field = *section.field(i);
      const std::string& value = GetRules(field).default_value();
      if (value.empty() || findings_.Usable(Join(path, field.name()))) continue;
      // A test sees to it that there is nothing to find.
      Findings none;
      Reader(environment_, none).ReadField(YAML::Load(value), field.name(), field, message);
    }
  }

  // The key has been recorded.
  void ReadField(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
                 Message& message) {
    if (!field.is_repeated()) {
      ReadValue(node, path, field, message);
    } else if (node.IsSequence()) {
      ReadList(node, path, field, message);
    } else {
      RefuseType(node, path, absl::StrCat("a list; each item is ", Wanted(field)));
    }
    const v1::KeyRules& rules = GetRules(field);
    if (rules.unused().empty() || field.is_repeated()) return;
    // False and an empty text ask for nothing.
    if (message.GetReflection()->HasField(message, &field)) findings_.Warn(path, rules.unused());
  }

  void ReadList(const YAML::Node& list, const std::string& path, const FieldDescriptor& field,
                Message& message) {
    const v1::KeyRules& rules = GetRules(field);
    if (!rules.refused().empty() && list.size() > 0) return findings_.Refuse(path, rules.refused());
    if (!IsWithin(rules, static_cast<std::int64_t>(list.size()), ParseInteger)) {
      return findings_.Refuse(path,
                              absl::StrCat("has ", list.size(), " items; must be ", Limits(rules)));
    }
    findings_.MarkUsable(path);
    for (std::size_t i = 0; i < list.size(); ++i) {
      findings_.Record(Join(path, i), FindLine(list[i]));
      ReadValue(list[i], Join(path, i), field, message);
    }
  }

  // Sets the field, or adds to a repeated one; an item that can't be read still takes its place.
  void ReadValue(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
                 Message& message) {
    const auto& reflection = *message.GetReflection();
    if (IsSection(field)) {
      Message* section = field.is_repeated() ? reflection.AddMessage(&message, &field)
                                             : reflection.MutableMessage(&message, &field);
      if (!node.IsMap()) {
        RefuseType(node, path, Wanted(field));
        return SetDefaults(path, *section);
      }
      findings_.MarkUsable(path);
      return ReadSection(node, path, *section);
    }
    if (IsText(field)) {
      std::string text = ReadText(node, path, field);
      if (field.is_repeated()) return reflection.AddString(&message, &field, std::move(text));
      return reflection.SetString(&message, &field, std::move(text));
    }
    if (!node.IsScalar()) return RefuseType(node, path, Wanted(field));
    // Quoted, it is surely text; a size or a duration with its unit may be that.
    const bool is_text = IsQuoted(node) && !IsSize(field) && !IsDuration(field);
    const std::string text = GetScalar(node);
    if (is_text || !SetValue(text, path, field, message)) {
      findings_.Refuse(path,
                       absl::StrCat("\"", base::Printable(text, 80), "\" is not ", Wanted(field)));
    }
  }

  // False: it is no such value. One that breaks the key's rules is reported.
  bool SetValue(const std::string& text, const std::string& path, const FieldDescriptor& field,
                Message& message) {
    const auto& reflection = *message.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      if (text != "true" && text != "false") return false;
      reflection.SetBool(&message, &field, text == "true");
      findings_.MarkUsable(path);
      return true;
    }
    const std::optional<std::int64_t> number = ParseNumber(field, text);
    if (!number) return false;
    const v1::KeyRules& rules = GetRules(field);
    if (!IsWithin(rules, *number, [&](const std::string& x) { return ParseNumber(field, x); })) {
      findings_.Refuse(path, absl::StrCat("is ", text, "; must be ", Limits(rules)));
      return true;
    }
    findings_.MarkUsable(path);
    if (IsDuration(field)) {
      auto& duration =
          static_cast<google::protobuf::Duration&>(*reflection.MutableMessage(&message, &field));
      duration.set_seconds(*number / kMillisPerSecond);
      duration.set_nanos(static_cast<std::int32_t>(*number % kMillisPerSecond * kNanosPerMilli));
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
      reflection.SetInt32(&message, &field, static_cast<std::int32_t>(*number));
    } else {
      reflection.SetInt64(&message, &field, *number);
    }
    return true;
  }

  // The text of a usable key; empty when it was reported.
  std::string ReadText(const YAML::Node& node, const std::string& path,
                       const FieldDescriptor& field) {
    if (!node.IsScalar()) {
      RefuseType(node, path, Wanted(field));
      return "";
    }
    absl::StatusOr<std::string> text = CheckedText(GetScalar(node), IsQuoted(node), path, field);
    if (text.ok()) return *std::move(text);
    findings_.Refuse(path, text.status().message());
    return "";
  }

  absl::StatusOr<std::string> CheckedText(const std::string& written, bool quoted,
                                          const std::string& path, const FieldDescriptor& field) {
    // What users are told may look like a variable.
    const bool may_look_so = absl::StrContains(path, ".replies[");
    if (const std::string slip = FindVariableSlip(written); !slip.empty() && !may_look_so) {
      return absl::InvalidArgumentError(slip);
    }
    if (!quoted && HasFullWidthQuotes(written)) {
      findings_.Warn(path, "the full-width quotes are part of the text; YAML's are \" and '");
    }
    absl::StatusOr<Substituted> text = substitution_.Apply(written);
    if (!text.ok()) return text.status();
    if (!base::IsUtf8(text->text) || absl::StrContains(text->text, '\0')) {
      return absl::InvalidArgumentError("the substituted value is not UTF-8 text");
    }
    v1::KeyRules rules = GetRules(field);
    if (field.is_repeated()) {  // these are limits of the list
      rules.clear_min();
      rules.clear_max();
    }
    absl::StatusOr<std::string> checked =
        CheckText(rules, text->text,
                  text->changed ? std::string("the substituted value")
                                : absl::StrCat("\"", base::Printable(text->text, 80), "\""));
    if (!checked.ok()) return checked;
    findings_.MarkUsable(path);
    if (rules.kind() == v1::VALUE_KIND_SECRET && !text->changed) {
      findings_.Warn(
          path, "a secret stands in the file itself; better take it from ${NAME} or ${file:PATH}");
    }
    return checked;
  }

  void RefuseType(const YAML::Node& node, const std::string& path, absl::string_view wanted) {
    const auto slip =
        node.IsScalar() && !IsQuoted(node) ? FindKeySlip(GetScalar(node)) : std::nullopt;
    if (slip) return findings_.RefuseAt(path, FindLine(node), slip->message);
    findings_.Refuse(path,
                     node.IsNull()
                         ? absl::StrCat("has no value; remove the key, or give it ", wanted)
                         : absl::StrCat("must be ", wanted, ", and is ", GetTypeName(node.Type())));
  }

  const Environment& environment_;
  Substitution substitution_;
  Findings& findings_;
};

}  // namespace

v1::Config ReadConfig(const YAML::Node& root, const Environment& environment, Findings& findings) {
  v1::Config config;
  if (root.IsMap()) {
    Reader(environment, findings).ReadSection(root, "", config);
    return config;
  }
  const auto slip =
      root.IsScalar() && !IsQuoted(root) ? FindKeySlip(GetScalar(root)) : std::nullopt;
  findings.RefuseAt("", FindLine(root),
                    slip ? slip->message
                         : absl::StrCat("the file must hold keys such as accounts:, and is ",
                                        GetTypeName(root.Type())));
  return config;
}

}  // namespace hongyan::config
