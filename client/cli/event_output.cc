#include "client/cli/event_output.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace hongyan::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kLastIdOfMessages = 3;  // msg_id, msg_data_id, idx

std::string Quoted(const std::string& text) {
  if (!text.empty() && text.find_first_of(" \t\r\n\"\\=") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
}

// The parts of one payload, with what leads to the field at hand.
class Parts {
 public:
  explicit Parts(absl::TimeZone zone) : zone_(zone) {}

  void AddMessage(const Message& message, const std::string& path) {
    const bool of_user = message.GetDescriptor()->FindFieldByName("msg_data_id") != nullptr;
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      if (of_user && field->number() <= kLastIdOfMessages) continue;
      const std::string name = absl::StrCat(path, field->name());
      if (field->is_map()) {
        AddMap(message, *field);
      } else if (field->is_repeated()) {
        const int size = message.GetReflection()->FieldSize(message, field);
        for (int i = 0; i < size; ++i) Add(message, *field, i, absl::StrCat(name, "[", i, "]"));
      } else {
        Add(message, *field, -1, name);
      }
    }
  }

  std::string Join() const { return absl::StrJoin(parts_, " "); }

 private:
  // The only one is UnknownEvent.fields: texts under WeChat's own names.
  void AddMap(const Message& message, const FieldDescriptor& field) {
    std::vector<std::pair<std::string, std::string>> entries;
    const FieldDescriptor* key = field.message_type()->map_key();
    const FieldDescriptor* value = field.message_type()->map_value();
    if (key->cpp_type() != FieldDescriptor::CPPTYPE_STRING ||
        value->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
      return;
    }
    const Reflection& of = *message.GetReflection();
    for (int i = 0; i < of.FieldSize(message, &field); ++i) {
      const Message& entry = of.GetRepeatedMessage(message, &field, i);
      entries.emplace_back(entry.GetReflection()->GetString(entry, key),
                           entry.GetReflection()->GetString(entry, value));
    }
    std::sort(entries.begin(), entries.end());
    for (const auto& [name, text] : entries) AddPart(Quoted(name), text);
  }

  // `index`: of a repeated field, else -1.
  void Add(const Message& message, const FieldDescriptor& field, int index,
           const std::string& name) {
    const Reflection& of = *message.GetReflection();
    const auto pick = [&](auto one, auto nth) {
      return index < 0 ? (of.*one)(message, &field) : (of.*nth)(message, &field, index);
    };
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        const Message& inner = index < 0 ? of.GetMessage(message, &field)
                                         : of.GetRepeatedMessage(message, &field, index);
        if (const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&inner)) {
          return AddPart(name, TimeText(*time, zone_));
        }
        return AddMessage(inner, name + ".");
      }
      case FieldDescriptor::CPPTYPE_STRING:
        return AddPart(name, pick(&Reflection::GetString, &Reflection::GetRepeatedString));
      case FieldDescriptor::CPPTYPE_BOOL:
        return AddPart(name,
                       pick(&Reflection::GetBool, &Reflection::GetRepeatedBool) ? "yes" : "no");
      case FieldDescriptor::CPPTYPE_INT32:
        return AddPart(name,
                       absl::StrCat(pick(&Reflection::GetInt32, &Reflection::GetRepeatedInt32)));
      case FieldDescriptor::CPPTYPE_INT64:
        return AddPart(name,
                       absl::StrCat(pick(&Reflection::GetInt64, &Reflection::GetRepeatedInt64)));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return AddPart(name, absl::StrFormat("%.10g", pick(&Reflection::GetDouble,
                                                           &Reflection::GetRepeatedDouble)));
      default:
        return;
    }
  }

  void AddPart(const std::string& name, const std::string& value) {
    parts_.push_back(absl::StrCat(name, "=", Quoted(value)));
  }

  absl::TimeZone zone_;
  std::vector<std::string> parts_;
};

std::string PayloadText(const v1::Event& event, absl::TimeZone zone) {
  if (event.damaged()) return "(damaged in the storage)";
  const google::protobuf::OneofDescriptor* payload =
      v1::Event::descriptor()->FindOneofByName("payload");
  const FieldDescriptor* field = event.GetReflection()->GetOneofFieldDescriptor(event, payload);
  Parts parts(zone);
  if (field != nullptr) parts.AddMessage(event.GetReflection()->GetMessage(event, field), "");
  return parts.Join();
}

}  // namespace

Row EventHeading() { return {"CURSOR", "RECEIVED", "ACCOUNT", "TYPE", "OPENID", "PAYLOAD"}; }

Row ToRow(const v1::Event& event, absl::TimeZone zone) {
  return {absl::StrCat(event.cursor()),
          TimeText(event.receive_time(), zone),
          event.account(),
          event.type(),
          event.openid().empty() ? "-" : event.openid(),
          PayloadText(event, zone)};
}

std::vector<std::size_t> EventWidths() { return {16, 25, 7, 16, 28}; }

}  // namespace hongyan::cli
