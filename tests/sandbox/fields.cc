#include "fields.h"

#include <algorithm>

namespace hongyan::sandbox {

const json::value* FieldReader::Take(std::string_view name) {
  known_.push_back(name);
  const auto found = object_.find(name);
  return found == object_.end() ? nullptr : &found->value();
}

void FieldReader::Wrong(std::string_view name, std::string_view expected) {
  if (error_.empty()) error_ = std::string(name) + ": " + std::string(expected) + " expected";
}

FieldReader& FieldReader::String(std::string_view name, std::string* out) {
  if (const json::value* value = Take(name)) {
    const json::string* text = value->if_string();
    if (text == nullptr) {
      Wrong(name, "a string");
    } else {
      out->assign(text->data(), text->size());
    }
  }
  return *this;
}

FieldReader& FieldReader::String(std::string_view name, std::optional<std::string>* out) {
  std::string text;
  if (object_.contains(name)) {
    String(name, &text);
    *out = text;
  } else {
    known_.push_back(name);
  }
  return *this;
}

FieldReader& FieldReader::Bool(std::string_view name, bool* out) {
  if (const json::value* value = Take(name)) {
    const bool* flag = value->if_bool();
    if (flag == nullptr) {
      Wrong(name, "true or false");
    } else {
      *out = *flag;
    }
  }
  return *this;
}

FieldReader& FieldReader::Int(std::string_view name, int64_t smallest, int64_t largest,
                              int64_t* out) {
  if (const json::value* value = Take(name)) {
    const int64_t* number = value->if_int64();
    if (number == nullptr || *number < smallest || *number > largest) {
      Wrong(name, "a number from " + std::to_string(smallest) + " to " + std::to_string(largest));
    } else {
      *out = *number;
    }
  }
  return *this;
}

FieldReader& FieldReader::Int(std::string_view name, int64_t smallest, int64_t largest,
                              std::optional<int64_t>* out) {
  int64_t number = 0;
  const bool present = object_.contains(name);
  Int(name, smallest, largest, &number);
  if (present) *out = number;
  return *this;
}

FieldReader& FieldReader::Decimal(std::string_view name, double* out) {
  if (const json::value* value = Take(name)) {
    json::error_code error;
    const auto number = value->to_number<double>(error);
    if (error) {
      Wrong(name, "a number");
    } else {
      *out = number;
    }
  }
  return *this;
}

FieldReader& FieldReader::Ints(std::string_view name, std::vector<int64_t>* out) {
  const json::array* array = nullptr;
  Array(name, &array);
  if (array == nullptr) return *this;
  out->clear();
  for (const json::value& item : *array) {
    if (const int64_t* number = item.if_int64()) {
      out->push_back(*number);
    } else {
      Wrong(name, "an array of whole numbers");
    }
  }
  return *this;
}

FieldReader& FieldReader::Object(std::string_view name, const json::object** out) {
  if (const json::value* value = Take(name)) {
    *out = value->if_object();
    if (*out == nullptr) Wrong(name, "an object");
  }
  return *this;
}

FieldReader& FieldReader::Array(std::string_view name, const json::array** out) {
  if (const json::value* value = Take(name)) {
    *out = value->if_array();
    if (*out == nullptr) Wrong(name, "an array");
  }
  return *this;
}

std::string FieldReader::Finish() {
  if (!error_.empty()) return error_;
  for (const auto& member : object_) {
    const std::string_view name(member.key().data(), member.key().size());
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
      return std::string(name) + ": unknown field";
    }
  }
  return "";
}

std::string FirstUnknownField(const json::object& object,
                              std::initializer_list<std::string_view> known) {
  for (const auto& member : object) {
    const std::string_view name(member.key().data(), member.key().size());
    if (std::find(known.begin(), known.end(), name) == known.end()) return std::string(name);
  }
  return "";
}

std::string StringField(const json::object& object, std::string_view name) {
  const auto found = object.find(name);
  if (found == object.end()) return "";
  const json::string* text = found->value().if_string();
  return text == nullptr ? "" : std::string(text->data(), text->size());
}

}  // namespace hongyan::sandbox
