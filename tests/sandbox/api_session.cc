#include "api_session.h"

#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>

#include "api.h"
#include "receipts.h"

namespace hongyan::sandbox {
namespace {

constexpr size_t kMostLedgerHeaderBytes = 2048;
constexpr size_t kMostCountedApis = 200;
constexpr uint64_t kEndlessBytes = 1 << 30;

std::string HeadersForLedger(const RequestParser& parser) {
  std::string lines;
  for (const auto& field : parser.get()) {
    if (lines.size() > kMostLedgerHeaderBytes) break;
    std::string name(field.name_string());
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    lines += name + ": " + std::string(field.value()) + "\n";
  }
  return lines;
}

// One exchange: the request, its ledger entry, the fault that acts on it.
class Exchange {
 public:
  Exchange(Sandbox& sandbox, CallbackPusher& pusher, Connection& connection, RequestParser& parser)
      : sandbox_(sandbox), pusher_(pusher), connection_(connection), parser_(parser) {
    ++sandbox_.counters.requests;
    Counters& counters = sandbox_.counters;
    counters.in_flight_peak = std::max(counters.in_flight_peak, ++counters.in_flight);
    const std::string target(parser.get().target());
    const size_t question = std::min(target.find('?'), target.size());
    request_.method = std::string(parser.get().method_string());
    request_.path = target.substr(0, question);
    request_.query = Query(std::string_view(target).substr(std::min(question + 1, target.size())));
    request_.remote_address = connection.remote_address;
    rid_ = sandbox_.platform.NewRid();
  }
  ~Exchange() { --sandbox_.counters.in_flight; }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  asio::awaitable<bool> Run() {
    if (EndedBeforeRead()) co_return false;
    if (parser_.get().find(http::field::transfer_encoding) != parser_.get().end()) {
      ++sandbox_.counters.chunked_bodies;
      co_return co_await RefuseHttp(412);
    }
    const bool has_length = parser_.get().find(http::field::content_length) != parser_.get().end();
    if (request_.method == "POST" && !has_length) {
      ++sandbox_.counters.missing_lengths;
      co_return co_await RefuseHttp(412);
    }
    const bool has_body = co_await ReadBody();
    if (!has_body) co_return false;
    Identify(sandbox_.platform, request_);
    if (HasUnicodeEscape(request_.body)) ++sandbox_.counters.unicode_escapes;
    CountTokenRequest();
    Record();
    TakeFault();
    co_return co_await Act();
  }

 private:
  bool EndedBeforeRead() {
    if (sandbox_.faults.faults().empty()) return false;
    Identify(sandbox_.platform, request_);
    const Fault* fault = sandbox_.faults.TakeBeforeRead(
        {request_.app_id, request_.path, request_.openid, connection_.requests});
    if (fault == nullptr) return false;
    effect_ = fault->effect;
    fault_id_ = fault->id;
    Record();
    Finish("closed", "none");
    Counts().faults++;
    connection_.End(effect_.reset);
    return true;
  }

  asio::awaitable<bool> ReadBody() {
    if (beast::iequals(parser_.get()[http::field::expect], "100-continue")) {
      ++sandbox_.counters.expect_headers;
      const bool alive = co_await WriteAll(connection_, "HTTP/1.1 100 Continue\r\n\r\n");
      if (!alive) co_return false;
    }
    auto [error, bytes] =
        co_await http::async_read(connection_.stream, connection_.buffer, parser_, kAsValue);
    if (!error) {
      connection_.Allow(kServeLimit);
      request_.body = std::move(parser_.get().body());
      co_return true;
    }
    if (error == http::error::body_limit) {
      ++sandbox_.counters.too_large_bodies;
      co_await RefuseHttp(413);
      co_return false;
    }
    Identify(sandbox_.platform, request_);
    Record();
    Finish("incomplete", "none");
    co_return false;
  }

  // Answers as the proxy in front of the platform would, and ends the connection.
  asio::awaitable<bool> RefuseHttp(int status) {
    Identify(sandbox_.platform, request_);
    Record();
    HttpAnswer answer;
    answer.status = status;
    answer.content_type = "text/html";
    answer.body = HtmlPage(status);
    answer.keep_alive = false;
    const HttpBytes bytes = Render(answer);
    const bool sent = co_await WriteAll(connection_, bytes.head + bytes.body);
    ++Counts().refused;
    if (LedgerEntry* entry = Entry()) entry->http_status = status;
    Finish("http_error", sent ? "sent" : "failed");
    co_await EndGently(connection_);
    co_return false;
  }

  void CountTokenRequest() {
    Account* account = sandbox_.platform.Find(request_.app_id);
    if (account == nullptr) return;
    TokenCounts& counts = account->tokens.counts();
    if (request_.path == "/cgi-bin/token") ++counts.classic_requests;
    if (request_.path != "/cgi-bin/stable_token") return;
    const json::object* body = request_.document.if_object();
    const json::value* force = body == nullptr ? nullptr : body->if_contains("force_refresh");
    const bool forced = force != nullptr && force->is_bool() && force->get_bool();
    ++(forced ? counts.stable_forced_requests : counts.stable_normal_requests);
  }

  void Record() {
    LedgerEntry entry;
    entry.time_ms = ToMillis(sandbox_.platform.clock.Now());
    entry.app_id = CleanUtf8(request_.app_id);
    entry.api = CleanUtf8(request_.path);
    entry.method = request_.method;
    entry.openid = CleanUtf8(request_.openid);
    entry.body = BodyForLedger(request_);
    entry.client_msg_id = CleanUtf8(request_.client_msg_id);
    entry.content = request_.content;
    if (!request_.token.empty()) entry.token_sha8 = Sha256Hex(request_.token).substr(0, 8);
    entry.rid = rid_;
    entry.headers = CleanUtf8(HeadersForLedger(parser_));
    entry.connection = connection_.id;
    entry.request_on_connection = connection_.requests;
    seq_ = sandbox_.ledger.Add(std::move(entry)).seq;
    ++Counts().requests;
  }

  void TakeFault() {
    if (sandbox_.faults.faults().empty()) return;
    const Fault* fault = sandbox_.faults.Take(
        {request_.app_id, request_.path, request_.openid, connection_.requests});
    if (fault == nullptr) return;
    effect_ = fault->effect;
    fault_id_ = fault->id;
    ++Counts().faults;
    if (LedgerEntry* entry = Entry()) entry->fault_id = fault_id_;
    if (effect_.idle_close_ms > 0) {
      connection_.idle_close_ms = effect_.idle_close_ms;
      connection_.idle_close_resets = effect_.reset;
    }
  }

  asio::awaitable<bool> Act() {
    if (effect_.delay_before_ms > 0) {
      const int64_t epoch = sandbox_.epoch;
      co_await Sleep(connection_, effect_.delay_before_ms);
      if (epoch != sandbox_.epoch) co_return false;
    }
    const bool drops = effect_.close == ClosePoint::kAfterRead || effect_.close_on_reuse;
    if (drops && !effect_.Processes()) {
      Finish("closed", "none");
      connection_.End(effect_.reset);
      co_return false;
    }
    HttpAnswer answer = Process();
    if (template_msgid_ != 0) {
      co_await SendReceipts(sandbox_, pusher_, request_.app_id, request_.openid, template_msgid_);
    }
    if (effect_.delay_after_ms > 0) co_await Sleep(connection_, effect_.delay_after_ms);
    if (drops || effect_.close == ClosePoint::kAfterCount) {
      SetAnswer("none");
      connection_.End(effect_.reset);
      co_return false;
    }
    // The answer to a HEAD would need a body that isn't sent; ending the connection is simpler.
    answer.keep_alive = parser_.get().keep_alive() && request_.method != "HEAD";
    Deform(effect_, &answer);
    if (LedgerEntry* entry = Entry()) entry->http_status = answer.status;
    co_return co_await Write(std::move(answer));
  }

  // Runs the real call if it is to be run, and puts the fault's errcode in its place if there is
  // one.
  HttpAnswer Process() {
    HttpAnswer answer;
    std::string outcome = "injected";
    if (effect_.Processes()) {
      const ApiAnswer real = Answer(sandbox_.platform, sandbox_.ledger, request_);
      answer.body = sandbox::Render(real, rid_);
      outcome = real.outcome;
      if (real.counted) ++Counts().counted;
      const json::value* msgid = real.fields.if_contains("msgid");
      if (real.counted && msgid != nullptr) template_msgid_ = msgid->get_int64();
      if (real.outcome == "refused") ++Counts().refused;
      if (LedgerEntry* entry = Entry()) {
        entry->errcode = real.errcode;
        entry->counted = real.counted;
      }
    }
    if (effect_.errcode.has_value()) {
      ApiAnswer injected = Refuse(*effect_.errcode);
      if (!effect_.errmsg.empty()) injected.errmsg = effect_.errmsg;
      answer.body = sandbox::Render(injected, rid_);
      if (LedgerEntry* entry = Entry()) entry->errcode = *effect_.errcode;
    }
    if (LedgerEntry* entry = Entry()) entry->outcome = outcome;
    return answer;
  }

  asio::awaitable<bool> Write(HttpAnswer answer) {
    if (effect_.endless) co_return co_await WriteEndlessly(std::move(answer));
    const bool keep_alive = answer.keep_alive;
    HttpBytes bytes = sandbox::Render(answer);
    const bool headers_only = effect_.close == ClosePoint::kAfterHeaders;
    if (headers_only || effect_.truncate.has_value()) {
      const int64_t most = headers_only ? 0 : *effect_.truncate;
      bytes.body.resize(std::min<size_t>(bytes.body.size(), static_cast<size_t>(most)));
      co_await WriteAll(connection_, bytes.head + bytes.body);
      SetAnswer("cut");
      connection_.End(effect_.reset);
      co_return false;
    }
    bool sent = false;
    if (effect_.drip_ms > 0) {
      sent = co_await Drip(bytes.head + bytes.body);
    } else {
      sent = co_await WriteAll(connection_, std::move(bytes.head) + bytes.body);
    }
    SetAnswer(sent ? "sent" : "failed");
    co_return sent&& keep_alive;
  }

  asio::awaitable<bool> Drip(std::string bytes) {
    for (const char c : bytes) {
      const bool alive = co_await WriteAll(connection_, std::string(1, c));
      if (!alive) co_return false;
      co_await Sleep(connection_, effect_.drip_ms);
    }
    co_return true;
  }

  asio::awaitable<bool> WriteEndlessly(HttpAnswer answer) {
    answer.claimed_length = kEndlessBytes;
    answer.body.clear();
    answer.keep_alive = false;
    std::string head = sandbox::Render(answer).head;
    const bool chunked = answer.chunked;
    if (chunked) head += "40000000\r\n";
    bool alive = co_await WriteAll(connection_, std::move(head));
    for (uint64_t sent = 0; alive && sent < kEndlessBytes; sent += 65536) {
      alive = co_await WriteAll(connection_, std::string(65536, ' '));
    }
    SetAnswer(alive ? "sent" : "failed");
    co_return false;
  }

  LedgerEntry* Entry() { return sandbox_.ledger.Find(seq_); }
  void SetAnswer(const char* answer) {
    if (LedgerEntry* entry = Entry()) entry->answer = answer;
  }
  void Finish(const char* outcome, const char* answer) {
    if (LedgerEntry* entry = Entry()) {
      entry->outcome = outcome;
      entry->fault_id = fault_id_;
      entry->answer = answer;
    }
  }
  // Paths are the client's: beyond a bound they share one line.
  ApiCounts& Counts() {
    auto& by_api = sandbox_.counters.by_api;
    const auto found = by_api.find(CleanUtf8(request_.path));
    if (found != by_api.end()) return found->second;
    return by_api[by_api.size() < kMostCountedApis ? CleanUtf8(request_.path) : "other"];
  }

  Sandbox& sandbox_;
  CallbackPusher& pusher_;
  Connection& connection_;
  RequestParser& parser_;
  ApiRequest request_;
  std::string rid_;
  Effect effect_;
  int64_t fault_id_ = 0;
  int64_t seq_ = 0;
  // Of the template message that this request sent, or 0.
  int64_t template_msgid_ = 0;
};

}  // namespace

asio::awaitable<bool> ServeApiRequest(Sandbox& sandbox, CallbackPusher& pusher,
                                      Connection& connection, RequestParser& parser) {
  Exchange exchange(sandbox, pusher, connection, parser);
  const bool again = co_await exchange.Run();
  co_return again;
}

}  // namespace hongyan::sandbox
