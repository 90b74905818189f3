// The codes of libcurl that the classification of an attempt names, one by one.
#include "server/http/curl_failure.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace hongyan::http {
namespace {

using Kind = HttpFailure::Kind;

TEST(CurlFailure, EachCodeHasItsKind) {
  const std::vector<std::pair<CURLcode, Kind>> lines = {
      {CURLE_COULDNT_RESOLVE_HOST, Kind::kResolve},
      {CURLE_COULDNT_RESOLVE_PROXY, Kind::kResolve},
      {CURLE_COULDNT_CONNECT, Kind::kConnect},
      {CURLE_SSL_CONNECT_ERROR, Kind::kTls},
      {CURLE_PEER_FAILED_VERIFICATION, Kind::kTls},
      {CURLE_OPERATION_TIMEDOUT, Kind::kTimeout},
      {CURLE_SEND_ERROR, Kind::kSend},
      {CURLE_SEND_FAIL_REWIND, Kind::kNotResent},
      {CURLE_ABORTED_BY_CALLBACK, Kind::kNotResent},
      {CURLE_GOT_NOTHING, Kind::kReceive},
      {CURLE_RECV_ERROR, Kind::kReceive},
      {CURLE_PARTIAL_FILE, Kind::kReceive},
      {CURLE_WEIRD_SERVER_REPLY, Kind::kReceive},
      {CURLE_WRITE_ERROR, Kind::kTooLarge},
      {CURLE_OUT_OF_MEMORY, Kind::kOther},
      {CURLE_HTTP2, Kind::kOther}};
  for (const auto& [code, kind] : lines)
    EXPECT_EQ(ClassifyCode(code), kind) << curl_easy_strerror(code);
}

}  // namespace
}  // namespace hongyan::http
