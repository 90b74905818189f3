// POST /cgi-bin/openapi/quota/get, POST /cgi-bin/openapi/rid/get, GET /cgi-bin/getcallbackip and
// get_api_domain_ip.
#include <utility>

#include "api.h"
#include "fields.h"

namespace hongyan::sandbox {

ApiAnswer GetQuota(ApiContext& context) {
  std::string path;
  const std::string error = FieldReader(context.body).String("cgi_path", &path).Finish();
  if (!error.empty()) return Refuse(47001, ", " + error);
  if (!IsKnownApi(path)) return Refuse(76021);
  const int64_t limit = context.account->DailyLimit(path);
  const int64_t used = context.account->CallsToday(path);
  ApiAnswer answer;
  answer.fields["quota"] =
      json::object{{"daily_limit", limit}, {"used", used}, {"remain", limit - used}};
  answer.fields["rate_limit"] = json::object{{"call_count", 10000}, {"refresh_second", 60}};
  answer.fields["component_rate_limit"] = json::object{{"call_count", 0}, {"refresh_second", 0}};
  return answer;
}

ApiAnswer GetRid(ApiContext& context) {
  std::string rid;
  const std::string error = FieldReader(context.body).String("rid", &rid).Finish();
  if (!error.empty()) return Refuse(47001, ", " + error);
  if (rid.size() != 26) return Refuse(76002);
  const LedgerEntry* entry = context.ledger.FindByRid(rid);
  if (entry == nullptr) return Refuse(76001);
  if (entry->app_id != context.account->settings.app_id) return Refuse(76003);
  ApiAnswer answer;
  answer.fields["request"] = json::object{{"invoke_time", entry->time_ms / 1000},
                                          {"cost_in_ms", 1},
                                          {"request_url", entry->api},
                                          {"request_body", entry->body},
                                          {"response_body", ""},
                                          {"client_ip", context.request.remote_address}};
  return answer;
}

ApiAnswer GetAddresses(ApiContext&) { return Answered({{"ip_list", json::array{"127.0.0.1"}}}); }

}  // namespace hongyan::sandbox
