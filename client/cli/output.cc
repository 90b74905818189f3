#include "client/cli/output.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/text_format.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "client/cli/text.h"

namespace hongyan::cli {
namespace {

std::string Name(const std::string& value, absl::string_view prefix) {
  return std::string(absl::StripPrefix(value, prefix));
}

class Fields {
 public:
  void Add(absl::string_view name, std::string value) {
    if (!value.empty()) rows_.push_back({std::string(name), std::move(value)});
  }
  void AddNumber(absl::string_view name, std::int64_t value) {
    if (value != 0) Add(name, absl::StrCat(value));
  }
  std::string Print() const { return Table(rows_); }

 private:
  std::vector<Row> rows_;
};

std::string YesOrNo(bool value) { return value ? "yes" : "no"; }

std::string Subscribed(const v1::UserInfo& user) {
  return user.subscribed_unknown() ? "?" : YesOrNo(user.subscribed());
}

std::string OrDash(std::string text) { return text.empty() ? "-" : text; }

// Empty: the field isn't set, or is told by another one.
std::string CellText(const v1::UserInfo& user, const google::protobuf::FieldDescriptor& field,
                     absl::TimeZone zone) {
  using google::protobuf::FieldDescriptor;
  if (field.number() == v1::UserInfo::kSubscribedFieldNumber) return Subscribed(user);
  if (field.number() == v1::UserInfo::kSubscribedUnknownFieldNumber) return "";
  const google::protobuf::Reflection& reflection = *user.GetReflection();
  const auto print = [&](int index) {
    std::string text;
    google::protobuf::TextFormat::PrintFieldValueToString(user, &field, index, &text);
    return text;
  };
  if (field.is_repeated()) {
    std::vector<std::string> values;
    for (int i = 0; i < reflection.FieldSize(user, &field); ++i) values.push_back(print(i));
    return absl::StrJoin(values, ", ");
  }
  if (!reflection.HasField(user, &field)) return "";
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    return reflection.GetString(user, &field);
  }
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return TimeText(
        static_cast<const google::protobuf::Timestamp&>(reflection.GetMessage(user, &field)), zone);
  }
  return print(-1);
}

// Under the names and in the order of the proto.
void AddUser(const v1::UserInfo& user, absl::TimeZone zone, Fields& fields) {
  const google::protobuf::Descriptor& descriptor = *v1::UserInfo::descriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *descriptor.field(i);
    fields.Add(field.name(), CellText(user, field, zone));
  }
}

}  // namespace

std::string Table(const std::vector<Row>& rows) { return GrowingTable().Add(rows); }

std::string GrowingTable::Add(const std::vector<Row>& rows) {
  std::vector<Row> cells = rows;
  for (Row& row : cells) {
    widths_.resize(std::max(widths_.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = Printable(row[i]);
      widths_[i] = std::max(widths_[i], DisplayWidth(row[i]));
    }
  }
  std::string out;
  for (const Row& row : cells) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&out, i + 1 < row.size() ? PadTo(row[i], widths_[i] + 2) : row[i]);
    }
    out += '\n';
  }
  return out;
}

std::string TimeText(const google::protobuf::Timestamp& time, absl::TimeZone zone) {
  if (time.seconds() == 0 && time.nanos() == 0) return "-";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%S%Ez", absl::FromUnixSeconds(time.seconds()), zone);
}

std::string KindName(v1::DeliveryKind kind) {
  return Name(v1::DeliveryKind_Name(kind), "DELIVERY_KIND_");
}

std::string StateName(v1::DeliveryState state) {
  return Name(v1::DeliveryState_Name(state), "DELIVERY_STATE_");
}

std::string DeliveryTable(const v1::Delivery& delivery, absl::TimeZone zone) {
  Fields fields;
  fields.Add("id", delivery.id());
  fields.Add("account", delivery.account());
  fields.Add("openid", delivery.openid());
  fields.Add("kind", KindName(delivery.kind()));
  const bool only_checked = delivery.state() == v1::DELIVERY_STATE_UNSPECIFIED;
  fields.Add("state", only_checked ? "VALID (nothing was sent)" : StateName(delivery.state()));
  fields.AddNumber("msg_id", delivery.msg_id());
  fields.AddNumber("attempts", delivery.attempts());
  if (delivery.fell_back()) fields.Add("fell_back", "yes");
  fields.Add("idempotency_key", delivery.idempotency_key());
  for (const auto& [key, value] : delivery.labels()) {
    fields.Add(absl::StrCat("labels[", key, "]"), value);
  }
  if (delivery.has_create_time()) fields.Add("created", TimeText(delivery.create_time(), zone));
  if (delivery.has_accept_time()) fields.Add("accepted", TimeText(delivery.accept_time(), zone));
  if (delivery.has_finish_time()) fields.Add("finished", TimeText(delivery.finish_time(), zone));
  fields.Add("error", delivery.error().message());
  return fields.Print();
}

std::string UserTable(const v1::UserInfo& user, absl::TimeZone zone) {
  Fields fields;
  AddUser(user, zone, fields);
  return fields.Print();
}

std::string UsersTable(const std::vector<v1::UserInfo>& users, absl::TimeZone zone) {
  std::vector<Row> rows = {
      {"OPENID", "SUBSCRIBED", "SUBSCRIBE_TIME", "SCENE", "TAGS", "REMARK", "UNIONID"}};
  for (const v1::UserInfo& user : users) {
    rows.push_back({user.openid(), Subscribed(user), TimeText(user.subscribe_time(), zone),
                    OrDash(user.subscribe_scene()), OrDash(absl::StrJoin(user.tag_ids(), ",")),
                    OrDash(user.remark()), OrDash(user.unionid())});
  }
  return Table(rows);
}

std::string SubscriberTable(const v1::Subscriber& subscriber, absl::TimeZone zone) {
  Fields fields;
  fields.Add("account", subscriber.account());
  AddUser(subscriber.user(), zone, fields);
  const auto add_time = [&](const char* name, bool has, const google::protobuf::Timestamp& time) {
    if (has) fields.Add(name, TimeText(time, zone));
  };
  add_time("last_inbound_time", subscriber.has_last_inbound_time(), subscriber.last_inbound_time());
  if (subscriber.has_window_expire_time()) {
    fields.Add("window_expire_time", TimeText(subscriber.window_expire_time(), zone));
    fields.Add("allowance_left", absl::StrCat(subscriber.allowance_left()));
  }
  add_time("unsubscribe_time", subscriber.has_unsubscribe_time(), subscriber.unsubscribe_time());
  add_time("update_time", subscriber.has_update_time(), subscriber.update_time());
  return fields.Print();
}

Row SubscriberHeading() {
  return {"OPENID", "SUBSCRIBED",   "SUBSCRIBE_TIME", "SCENE",  "TAGS",
          "REMARK", "LAST_INBOUND", "ALLOWANCE",      "UNIONID"};
}

Row ToRow(const v1::Subscriber& subscriber, absl::TimeZone zone) {
  const v1::UserInfo& user = subscriber.user();
  return {user.openid(),
          YesOrNo(user.subscribed()),
          TimeText(user.subscribe_time(), zone),
          OrDash(user.subscribe_scene()),
          OrDash(absl::StrJoin(user.tag_ids(), ",")),
          OrDash(user.remark()),
          TimeText(subscriber.last_inbound_time(), zone),
          subscriber.has_window_expire_time() ? absl::StrCat(subscriber.allowance_left()) : "-",
          OrDash(user.unionid())};
}

}  // namespace hongyan::cli
