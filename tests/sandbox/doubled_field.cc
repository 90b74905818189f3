#include "doubled_field.h"

#include <boost/json/basic_parser_impl.hpp>
#include <cstddef>
#include <limits>
#include <set>
#include <utility>
#include <vector>

namespace hongyan::sandbox {
namespace {

namespace json = boost::json;

// Told everything by the parser; keeps the names of all objects that are open.
struct Names {
  using Error = json::error_code;
  using View = json::string_view;
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  struct Object {
    std::set<std::string> names;
    std::string latest;
  };
  std::vector<Object> open;
  std::string key;
  std::string doubled;

  void Note() {
    open.back().latest = std::move(key);
    key.clear();
    if (open.back().names.insert(open.back().latest).second || !doubled.empty()) return;
    for (const Object& object : open) doubled += (doubled.empty() ? "" : ".") + object.latest;
  }

  bool on_object_begin(Error&) {
    open.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, Error&) {
    open.pop_back();
    return true;
  }
  bool on_key_part(View part, std::size_t, Error&) {
    key.append(part.data(), part.size());
    return true;
  }
  bool on_key(View part, std::size_t, Error&) {
    key.append(part.data(), part.size());
    Note();
    return true;
  }

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_array_begin(Error&) { return true; }
  bool on_array_end(std::size_t, Error&) { return true; }
  bool on_string_part(View, std::size_t, Error&) { return true; }
  bool on_string(View, std::size_t, Error&) { return true; }
  bool on_number_part(View, Error&) { return true; }
  bool on_int64(std::int64_t, View, Error&) { return true; }
  bool on_uint64(std::uint64_t, View, Error&) { return true; }
  bool on_double(double, View, Error&) { return true; }
  bool on_bool(bool, Error&) { return true; }
  bool on_null(Error&) { return true; }
  bool on_comment_part(View, Error&) { return true; }
  bool on_comment(View, Error&) { return true; }
};

}  // namespace

std::string FirstDoubledField(std::string_view text) {
  json::basic_parser<Names> parser{json::parse_options{}};
  json::error_code error;
  parser.write_some(false, text.data(), text.size(), error);
  return parser.handler().doubled;
}

}  // namespace hongyan::sandbox
