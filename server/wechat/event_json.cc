#include "server/wechat/event_json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/text.h"

namespace hongyan::wechat {
namespace {

namespace json = boost::json;
using Text = json::string_view;
using Error = json::error_code;

// Collects the leaves while the parser walks: a tree would keep only the last of two equal keys,
// and would turn long numbers into doubles.
class Collector {
 public:
  static constexpr std::size_t max_object_size = kMaxPushFields;
  static constexpr std::size_t max_array_size = kMaxPushFields;
  static constexpr std::size_t max_key_size = 256;
  static constexpr std::size_t max_string_size = 64u << 10;

  PushedEvent::Fields fields;

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) { return Enter(); }
  bool on_object_end(std::size_t, Error&) { return Leave(); }
  bool on_array_begin(Error&) { return Enter(false); }
  bool on_array_end(std::size_t, Error&) { return Leave(); }
  bool on_key_part(Text part, std::size_t, Error&) { return Add(part); }
  bool on_key(Text part, std::size_t, Error&) {
    Add(part);
    key_ = std::exchange(text_, {});
    return true;
  }
  bool on_string_part(Text part, std::size_t, Error&) { return Add(part); }
  bool on_string(Text part, std::size_t, Error&) { return AddLeaf(part); }
  bool on_number_part(Text part, Error&) { return Add(part); }
  bool on_int64(std::int64_t, Text part, Error&) { return AddLeaf(part); }
  bool on_uint64(std::uint64_t, Text part, Error&) { return AddLeaf(part); }
  bool on_double(double, Text part, Error&) { return AddLeaf(part); }
  bool on_bool(bool value, Error&) { return AddLeaf(value ? "true" : "false"); }
  bool on_null(Error&) { return AddLeaf(""); }
  bool on_comment_part(Text, Error&) { return true; }
  bool on_comment(Text, Error&) { return true; }

  bool overflow() const { return overflow_; }

 private:
  // An object in an array goes under the array's own name.
  bool Enter(bool object = true) {
    prefixes_.push_back(prefix_);
    keys_.push_back(key_);
    if (object && prefixes_.size() > 1) prefix_ = absl::StrCat(prefix_, key_, ".");
    return true;
  }

  bool Leave() {
    prefix_ = std::move(prefixes_.back());
    key_ = std::move(keys_.back());
    prefixes_.pop_back();
    keys_.pop_back();
    return true;
  }

  bool Add(Text part) {
    text_.append(part.data(), part.size());
    return true;
  }

  bool AddLeaf(Text part) {
    Add(part);
    overflow_ = fields.size() >= kMaxPushFields;
    if (!overflow_) {
      fields.emplace_back(CleanText(absl::StrCat(prefix_, key_)), CleanText(text_));
      text_.clear();
    }
    return !overflow_;
  }

  std::string prefix_;
  std::string key_;
  std::string text_;
  std::vector<std::string> prefixes_;
  std::vector<std::string> keys_;
  bool overflow_ = false;
};

}  // namespace

absl::StatusOr<PushedEvent::Fields> ReadEventJson(absl::string_view body) {
  std::string clean = base::ToUtf8(body);
  base::MendJsonEscapes(clean);
  if (clean.empty() || clean[0] != '{') return absl::InvalidArgumentError("not a JSON object");
  json::parse_options options;
  options.max_depth = kMaxPushDepth;
  json::basic_parser<Collector> parser(options);
  Error error;
  const std::size_t used = parser.write_some(false, clean.data(), clean.size(), error);
  if (error || parser.handler().overflow() ||
      clean.find_first_not_of(" \t\r\n", used) != std::string::npos) {
    return absl::InvalidArgumentError("not well-formed JSON");
  }
  return std::move(parser.handler().fields);
}

}  // namespace hongyan::wechat
