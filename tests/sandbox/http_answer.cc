#include "http_answer.h"

namespace hongyan::sandbox {
namespace {

std::string_view Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Payload Too Large";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

std::string InChunks(const std::string& body) {
  const size_t half = (body.size() + 1) / 2;
  std::string out;
  char size[24];
  for (size_t begin = 0; begin < body.size(); begin += half) {
    const std::string piece = body.substr(begin, half);
    std::snprintf(size, sizeof(size), "%zx\r\n", piece.size());
    out += size + piece + "\r\n";
  }
  return out + "0\r\n\r\n";
}

// Writes bits as DEFLATE packs them: into each byte from its lowest bit up.
class BitWriter {
 public:
  explicit BitWriter(std::string* out) : out_(out) {}
  void HuffmanCode(unsigned code, int bits) {
    for (int i = bits - 1; i >= 0; --i) Bit((code >> i) & 1);
  }
  void Bit(unsigned bit) {
    byte_ |= bit << used_;
    if (++used_ == 8) Flush();
  }
  void Flush() {
    if (used_ > 0) out_->push_back(static_cast<char>(byte_));
    byte_ = 0;
    used_ = 0;
  }

 private:
  std::string* out_;
  unsigned byte_ = 0;
  int used_ = 0;
};

}  // namespace

HttpBytes Render(const HttpAnswer& answer) {
  HttpBytes bytes;
  bytes.body = answer.chunked ? InChunks(answer.body) : answer.body;
  std::string& head = bytes.head;
  head = answer.http10 ? "HTTP/1.0 " : "HTTP/1.1 ";
  head += std::to_string(answer.status) + " ";
  head += Reason(answer.status);
  head += answer.keep_alive ? "\r\nConnection: keep-alive\r\n" : "\r\nConnection: close\r\n";
  head += "Content-Type: " + answer.content_type + "\r\n";
  if (!answer.location.empty()) head += "Location: " + answer.location + "\r\n";
  if (!answer.retry_after.empty()) head += "Retry-After: " + answer.retry_after + "\r\n";
  if (!answer.content_encoding.empty()) {
    head += "Content-Encoding: " + answer.content_encoding + "\r\n";
  }
  for (int64_t i = 0; i < answer.header_lines; ++i) {
    head += "X-Sandbox-Filler-" + std::to_string(i) + ": 0123456789abcdef\r\n";
  }
  if (answer.chunked) {
    head += "Transfer-Encoding: chunked\r\n";
  } else {
    head += "Content-Length: " + std::to_string(answer.claimed_length.value_or(bytes.body.size())) +
            "\r\n";
  }
  head += "\r\n";
  return bytes;
}

void Deform(const Effect& effect, HttpAnswer* answer) {
  if (effect.http_status.has_value() || effect.location.has_value()) {
    answer->status = static_cast<int>(effect.http_status.value_or(302));
    if (!effect.errcode.has_value()) {
      answer->content_type = "text/html";
      answer->body = HtmlPage(answer->status);
    }
    answer->location = effect.location.value_or("");
  }
  if (effect.raw_body.has_value()) {
    answer->body = *effect.raw_body;
    if (!effect.http_status.has_value()) answer->content_type = "application/json; encoding=utf-8";
  }
  if (effect.gzip_bomb) {
    answer->body = GzipBomb();
    answer->content_encoding = "gzip";
  }
  if (effect.content_type.has_value()) answer->content_type = *effect.content_type;
  if (effect.bom) answer->body.insert(0, "\xEF\xBB\xBF");
  answer->retry_after = effect.retry_after;
  answer->header_lines = effect.header_lines;
  answer->chunked = effect.chunked;
  answer->http10 = effect.http10;
  if (effect.connection_close || effect.http10) answer->keep_alive = false;
}

std::string HtmlPage(int status) {
  const std::string title = std::to_string(status) + " " + std::string(Reason(status));
  return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
         "</h1></center>\r\n<hr><center>sandbox</center>\r\n</body>\r\n</html>\r\n";
}

const std::string& GzipBomb() {
  // One block of fixed Huffman codes: a zero byte, then "258 bytes from 1 back" again and again.
  static const std::string* const kBomb = [] {
    constexpr uint32_t kRuns = 4161800;
    constexpr uint32_t kLength = 1 + 258 * kRuns;
    constexpr uint32_t kCrc32OfZeros = 0x98a61884;
    auto* bomb = new std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
    bomb->reserve(7 << 20);
    BitWriter writer(bomb);
    writer.Bit(1);
    writer.Bit(1);
    writer.Bit(0);
    writer.HuffmanCode(0b00110000, 8);
    for (uint32_t i = 0; i < kRuns; ++i) {
      writer.HuffmanCode(0b11000101, 8);
      writer.HuffmanCode(0, 5);
    }
    writer.HuffmanCode(0, 7);
    writer.Flush();
    for (const uint32_t word : {kCrc32OfZeros, kLength}) {
      for (int shift = 0; shift < 32; shift += 8) {
        bomb->push_back(static_cast<char>((word >> shift) & 0xFF));
      }
    }
    return bomb;
  }();
  return *kBomb;
}

}  // namespace hongyan::sandbox
