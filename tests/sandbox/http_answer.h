// An HTTP answer and its bytes, with the deformations that faults ask for.
// Contract: pure; Render() yields head and body as they go on the wire.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "faults.h"

namespace hongyan::sandbox {

struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json; encoding=utf-8";
  std::string body;
  std::string location;
  std::string retry_after;
  std::string content_encoding;
  bool keep_alive = true;
  bool http10 = false;
  bool chunked = false;
  int64_t header_lines = 0;
  // Instead of the body's own length.
  std::optional<uint64_t> claimed_length;
};

struct HttpBytes {
  std::string head;
  std::string body;
};

HttpBytes Render(const HttpAnswer& answer);
// What an effect makes of the real answer: another status or body, another form.
void Deform(const Effect& effect, HttpAnswer* answer);
// A page as a proxy in front of the platform would give it.
std::string HtmlPage(int status);
// 1 GiB of zeros, compressed; built at first use.
const std::string& GzipBomb();

}  // namespace hongyan::sandbox
