#include "ledger.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <utility>

#include "text.h"

namespace hongyan::sandbox {
namespace {

namespace json = boost::json;

constexpr size_t kMostEntries = 100000;
constexpr size_t kMostBodyBytes = 128 << 20;
constexpr size_t kMostWatches = 1000;

json::object HeadersToJson(const std::string& lines) {
  json::object headers;
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    const size_t colon = lines.find(": ", begin);
    if (colon < end) {
      headers[lines.substr(begin, colon - begin)] = lines.substr(colon + 2, end - colon - 2);
    }
    begin = end + 1;
  }
  return headers;
}

}  // namespace

bool LedgerFilter::Matches(const LedgerEntry& entry) const {
  return entry.seq > after_seq && (app_id.empty() || entry.app_id == app_id) &&
         (api.empty() || entry.api == api) && (openid.empty() || entry.openid == openid) &&
         (client_msg_id.empty() || entry.client_msg_id == client_msg_id) &&
         (content.empty() || entry.content == content) &&
         (outcome.empty() || entry.outcome == outcome);
}

LedgerEntry& Ledger::Add(LedgerEntry entry) {
  entry.seq = next_seq_++;
  body_bytes_ += entry.body.size() + entry.headers.size();
  entries_.push_back(std::move(entry));
  while (entries_.size() > kMostEntries || body_bytes_ > kMostBodyBytes) {
    body_bytes_ -= entries_.front().body.size() + entries_.front().headers.size();
    entries_.pop_front();
    ++dropped_;
  }
  const LedgerEntry& added = entries_.back();
  for (auto watch = watches_.begin(); watch != watches_.end();) {
    if (watch->filter.Matches(added) && --watch->missing <= 0) {
      const std::function<void()> reached = std::move(watch->reached);
      watch = watches_.erase(watch);
      reached();
    } else {
      ++watch;
    }
  }
  return entries_.back();
}

LedgerEntry* Ledger::Find(int64_t seq) {
  if (entries_.empty() || seq < entries_.front().seq || seq > entries_.back().seq) return nullptr;
  return &entries_[static_cast<size_t>(seq - entries_.front().seq)];
}

const LedgerEntry* Ledger::FindByRid(const std::string& rid) const {
  const auto found = std::find_if(entries_.rbegin(), entries_.rend(),
                                  [&rid](const LedgerEntry& entry) { return entry.rid == rid; });
  return found == entries_.rend() ? nullptr : &*found;
}

int64_t Ledger::CountMatching(const LedgerFilter& filter) const {
  return std::count_if(entries_.begin(), entries_.end(),
                       [&filter](const LedgerEntry& entry) { return filter.Matches(entry); });
}

void Ledger::Clear() {
  entries_.clear();
  body_bytes_ = 0;
  dropped_ = 0;
}

int64_t Ledger::Watch(LedgerFilter filter, int64_t count, std::function<void()> reached) {
  if (watches_.size() >= kMostWatches) return 0;
  filter.outcome.clear();
  const int64_t missing = count - CountMatching(filter);
  watches_.push_back({next_watch_, std::move(filter), missing, std::move(reached)});
  return next_watch_++;
}

void Ledger::Unwatch(int64_t id) {
  watches_.remove_if([id](const Watched& watch) { return watch.id == id; });
}

json::object ToJson(const LedgerEntry& entry) {
  json::object out = {{"seq", entry.seq},
                      {"time_ms", entry.time_ms},
                      {"app_id", entry.app_id},
                      {"api", entry.api},
                      {"method", entry.method},
                      {"openid", entry.openid},
                      {"client_msg_id", entry.client_msg_id},
                      {"token_sha8", entry.token_sha8},
                      {"rid", entry.rid},
                      {"http_status", entry.http_status},
                      {"outcome", entry.outcome},
                      {"counted", entry.counted},
                      {"answer", entry.answer},
                      {"connection", entry.connection},
                      {"request_on_connection", entry.request_on_connection},
                      {"headers", HeadersToJson(entry.headers)}};
  if (entry.errcode.has_value()) {
    out["errcode"] = *entry.errcode;
  } else {
    out["errcode"] = nullptr;
  }
  out["fault"] = entry.fault_id == 0 ? json::value(nullptr) : json::value(entry.fault_id);
  if (!DecodeUtf8(entry.body, nullptr)) {
    out["body"] = CleanUtf8(entry.body);
    out["body_hex"] = Hex(entry.body);
    return out;
  }
  json::error_code error;
  json::value body = json::parse(entry.body, error);
  out["body"] = error ? json::value(entry.body) : std::move(body);
  return out;
}

}  // namespace hongyan::sandbox
