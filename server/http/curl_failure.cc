#include "server/http/curl_failure.h"

namespace hongyan::http {

HttpFailure::Kind ClassifyCode(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return HttpFailure::Kind::kResolve;
    case CURLE_COULDNT_CONNECT:
      return HttpFailure::Kind::kConnect;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return HttpFailure::Kind::kTls;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpFailure::Kind::kTimeout;
    case CURLE_SEND_ERROR:
      return HttpFailure::Kind::kSend;
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_SEND_FAIL_REWIND:
      return HttpFailure::Kind::kNotResent;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return HttpFailure::Kind::kReceive;
    case CURLE_WRITE_ERROR:
      return HttpFailure::Kind::kTooLarge;
    default:
      return HttpFailure::Kind::kOther;
  }
}

}  // namespace hongyan::http
