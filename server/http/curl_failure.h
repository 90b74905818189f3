// What kind of failure a code of libcurl is. Whether bytes had left is not in the code;
// CurlHttpClient asks for that.
//
// Threads:  any.
// Source:   https://curl.se/libcurl/c/libcurl-errors.html
#pragma once

#include <curl/curl.h>

#include "server/http/http_client.h"

namespace hongyan::http {

// kOther for what has no kind of its own. CURLE_OK is no failure.
HttpFailure::Kind ClassifyCode(CURLcode code);

}  // namespace hongyan::http
