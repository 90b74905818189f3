// Reads the fields of one JSON object by name and type, and refuses what nobody asked for.
//
// Contract: call a reader once per known field, then Finish(). A field that is absent leaves its
// target untouched. Errors:   Finish() yields "" or one sentence that names the first field which
// is unknown or has the wrong type. Lifetime: the object outlives the reader and every pointer it
// hands out.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hongyan::sandbox {

namespace json = boost::json;

class FieldReader {
 public:
  explicit FieldReader(const json::object& object) : object_(object) {}

  FieldReader& String(std::string_view name, std::string* out);
  FieldReader& String(std::string_view name, std::optional<std::string>* out);
  FieldReader& Bool(std::string_view name, bool* out);
  FieldReader& Int(std::string_view name, int64_t smallest, int64_t largest, int64_t* out);
  FieldReader& Int(std::string_view name, int64_t smallest, int64_t largest,
                   std::optional<int64_t>* out);
  FieldReader& Decimal(std::string_view name, double* out);
  FieldReader& Ints(std::string_view name, std::vector<int64_t>* out);
  FieldReader& Object(std::string_view name, const json::object** out);
  FieldReader& Array(std::string_view name, const json::array** out);

  bool Has(std::string_view name) const { return object_.contains(name); }
  std::string Finish();

 private:
  const json::value* Take(std::string_view name);
  void Wrong(std::string_view name, std::string_view expected);

  const json::object& object_;
  std::vector<std::string_view> known_;
  std::string error_;
};

// The first member of `object` that is not in `known`, or "".
std::string FirstUnknownField(const json::object& object,
                              std::initializer_list<std::string_view> known);
// The member as text; "" if it is absent or not a string.
std::string StringField(const json::object& object, std::string_view name);

}  // namespace hongyan::sandbox
