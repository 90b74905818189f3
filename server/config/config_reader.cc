#include "server/config/config_reader.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/nearest.h"
#include "server/base/text.h"
#include "server/config/substitution.h"
#include "server/config/values.h"
#include "server/config/yaml_slips.h"

namespace hongyan::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Kind = YamlNode::Kind;

std::string UnknownKey(const std::string& key, const Descriptor& section) {
  std::vector<absl::string_view> names;
  for (int i = 0; i < section.field_count(); ++i) names.push_back(section.field(i)->name());
  if (const auto best = base::NearestWord(key, names)) {
    return absl::StrCat("unknown key; did you mean \"", *best, "\"?");
  }
  return absl::StrCat("unknown key; known here: ", absl::StrJoin(names, ", "));
}

bool IsDuration(const FieldDescriptor& field) {
  return field.message_type() != nullptr &&
         field.message_type()->full_name() == "google.protobuf.Duration";
}

bool IsSize(const FieldDescriptor& field) { return absl::EndsWith(field.name(), "_bytes"); }

// What the value of `field` looks like, for messages.
absl::string_view Wanted(const FieldDescriptor& field) {
  if (IsDuration(field)) return "a number with a unit, such as 250ms, 5s, 10m, 1h or 30d";
  if (field.message_type() != nullptr) return "a section with keys of its own";
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) return "text";
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) return "true or false";
  if (IsSize(field)) return "a size, such as 65536, 64KiB or 4MiB";
  return "a whole number";
}

absl::string_view Named(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return "a single value";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a section";
  }
  return "";
}

class Reader {
 public:
  Reader(const Environment& environment, Findings& findings)
      : substitution_(environment), findings_(findings) {}

  void ReadSection(const YamlNode& node, const std::string& path, Message& message) {
    const Descriptor& section = *message.GetDescriptor();
    for (const YamlNode& child : node.children) {
      const FieldDescriptor* field = section.FindFieldByName(child.key);
      const auto slip = field == nullptr ? FindKeySlip(child.key) : std::nullopt;
      // The rest of such a key is a value, and may be a secret.
      const std::string child_path = Join(path, slip ? slip->key : child.key);
      if (slip) {
        findings_.RefuseAt(child_path, child.line, slip->message);
        Begin(child, child_path);
      } else if (field == nullptr) {
        findings_.RefuseAt(child_path, child.line, UnknownKey(child.key, section));
      } else {
        ReadField(child, child_path, *field, message);
      }
    }
  }

 private:
  // Remembers where the key stands, as broken until Done().
  void Begin(const YamlNode& node, const std::string& path) {
    findings_.Record(path, {node.line, /*substituted=*/false, /*broken=*/true});
  }
  void Done(const YamlNode& node, const std::string& path, bool substituted = false) {
    findings_.Record(path, {node.line, substituted, /*broken=*/false});
  }
  void RefuseKind(const YamlNode& node, const std::string& path, absl::string_view wanted) {
    if (const auto slip =
            node.kind == Kind::kScalar && !node.quoted ? FindKeySlip(node.scalar) : std::nullopt) {
      return findings_.RefuseAt(path, node.value_line, slip->message);
    }
    findings_.RefuseAt(path, node.line,
                       node.kind == Kind::kNull
                           ? absl::StrCat("has no value; remove the key, or give it ", wanted)
                           : absl::StrCat("must be ", wanted, ", and is ", Named(node.kind)));
  }

  void ReadField(const YamlNode& node, const std::string& path, const FieldDescriptor& field,
                 Message& message) {
    Begin(node, path);
    if (!field.is_repeated()) return ReadValue(node, path, field, message);
    if (node.kind != Kind::kList) {
      return RefuseKind(node, path, absl::StrCat("a list; each item is ", Wanted(field)));
    }
    Done(node, path);
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const std::string item_path = Join(path, i);
      Begin(node.children[i], item_path);
      ReadValue(node.children[i], item_path, field, message);
    }
  }

  // Sets the field, or adds to a repeated one; an item that can't be read still takes its place.
  void ReadValue(const YamlNode& node, const std::string& path, const FieldDescriptor& field,
                 Message& message) {
    const auto& reflection = *message.GetReflection();
    if (field.message_type() != nullptr && !IsDuration(field)) {
      Message* section = field.is_repeated() ? reflection.AddMessage(&message, &field)
                                             : reflection.MutableMessage(&message, &field);
      if (node.kind != Kind::kMap) return RefuseKind(node, path, Wanted(field));
      Done(node, path);
      return ReadSection(node, path, *section);
    }
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      std::string text = ReadText(node, path, field);
      if (field.is_repeated()) return reflection.AddString(&message, &field, std::move(text));
      return reflection.SetString(&message, &field, std::move(text));
    }
    if (node.kind != Kind::kScalar) return RefuseKind(node, path, Wanted(field));
    if (!SetScalar(node, field, message)) {
      return findings_.RefuseAt(
          path, node.line,
          absl::StrCat("\"", base::Printable(node.scalar, 80), "\" is not ", Wanted(field)));
    }
    Done(node, path);
  }

  std::string ReadText(const YamlNode& node, const std::string& path,
                       const FieldDescriptor& field) {
    if (node.kind != Kind::kScalar) {
      RefuseKind(node, path, Wanted(field));
      return "";
    }
    // A reply may say what it likes.
    const bool free_text = absl::StrContains(path, ".replies[");
    if (const std::string slip = FindVariableSlip(node.scalar); !free_text && !slip.empty()) {
      findings_.RefuseAt(path, node.line, slip);
      return "";
    }
    if (!node.quoted && HasFullWidthQuotes(node.scalar)) {
      findings_.WarnAt(path, node.line,
                       "the full-width quotes are part of the text; YAML's are \" and '");
    }
    absl::StatusOr<Substituted> text = substitution_.Apply(node.scalar);
    if (!text.ok()) {
      findings_.RefuseAt(path, node.line, text.status().message());
      return "";
    }
    if (!base::IsUtf8(text->text) || text->text.find('\0') != std::string::npos) {
      findings_.RefuseAt(path, node.line, "the substituted value is not UTF-8 text");
      return "";
    }
    Done(node, path, text->changed);
    return std::move(text->text);
  }

  static bool SetScalar(const YamlNode& node, const FieldDescriptor& field, Message& message) {
    const auto& reflection = *message.GetReflection();
    if (IsDuration(field)) {
      const auto duration = ParseDuration(node.scalar);
      if (!duration) return false;
      auto& value =
          static_cast<google::protobuf::Duration&>(*reflection.MutableMessage(&message, &field));
      value.set_seconds(absl::ToInt64Seconds(*duration));
      value.set_nanos(static_cast<std::int32_t>(
          absl::ToInt64Nanoseconds(*duration - absl::Seconds(value.seconds()))));
      return true;
    }
    // Quoted, it is surely text; a size with its unit may be that.
    if (node.quoted && !IsSize(field)) return false;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        if (node.scalar != "true" && node.scalar != "false") return false;
        reflection.SetBool(&message, &field, node.scalar == "true");
        return true;
      case FieldDescriptor::CPPTYPE_INT32: {
        const auto number = ParseInteger(node.scalar);
        if (!number || *number != static_cast<std::int32_t>(*number)) return false;
        reflection.SetInt32(&message, &field, static_cast<std::int32_t>(*number));
        return true;
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        const auto number = IsSize(field) ? ParseSize(node.scalar) : ParseInteger(node.scalar);
        if (!number) return false;
        reflection.SetInt64(&message, &field, *number);
        return true;
      }
      default:
        return false;  // config.proto has no other types
    }
  }

  Substitution substitution_;
  Findings& findings_;
};

}  // namespace

v1::Config ReadConfig(const YamlNode& root, const Environment& environment, Findings& findings) {
  v1::Config config;
  if (root.kind != Kind::kMap) {
    if (const auto slip =
            root.kind == Kind::kScalar && !root.quoted ? FindKeySlip(root.scalar) : std::nullopt) {
      findings.RefuseAt("", root.line, slip->message);
      return config;
    }
    findings.RefuseAt(
        "", root.line,
        absl::StrCat("the file must hold keys such as accounts:, and is ", Named(root.kind)));
    return config;
  }
  Reader(environment, findings).ReadSection(root, "", config);
  return config;
}

}  // namespace hongyan::config
