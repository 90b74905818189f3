// bench_push: pushes text messages at a callback endpoint as WeChat does, each one different and
// signed by itself, over connections that live. Prints one line of JSON: how many were answered
// with `success`, in which time, and how long the answers took. With a rate, each request has its
// time, and its latency counts from then, also when it left later.
#include <openssl/sha.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "server/wechat/callback_cipher.h"

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostRequests = 200000;  // what is prepared when there is no rate

struct Options {
  std::string address;
  std::string path = "/wechat/callback/main";
  std::string token = "sandboxtoken";
  std::string key;  // EncodingAESKey; empty: plain mode
  std::string app_id = "wxsandbox00000001";
  int connections = 32;
  int rate = 0;  // a second; 0: as fast as they are answered
  int seconds = 5;
  long long first = 1;  // MsgId
};

std::string Signature(std::vector<std::string> parts) {
  std::sort(parts.begin(), parts.end());
  std::string all;
  for (const std::string& part : parts) all += part;
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest);
  char hex[2 * SHA_DIGEST_LENGTH + 1];
  for (int i = 0; i < SHA_DIGEST_LENGTH; ++i) std::snprintf(hex + 2 * i, 3, "%02x", digest[i]);
  return hex;
}

std::string Request(const Options& options, const hongyan::wechat::CallbackCipher* cipher,
                    long long number) {
  const std::string timestamp = "1700000000";
  const std::string nonce = "n" + std::to_string(number);
  std::string target = options.path + "?signature=" + Signature({options.token, timestamp, nonce}) +
                       "&timestamp=" + timestamp + "&nonce=" + nonce;
  std::string body =
      "<xml><ToUserName><![CDATA[gh_sandbox000001]]></ToUserName><FromUserName><![CDATA[oBench" +
      std::to_string(100000 + number % 5000) +
      "]]></FromUserName><CreateTime>1700000000</CreateTime><MsgType><![CDATA[text]]></MsgType>"
      "<Content><![CDATA[今天几点开门?]]></Content><MsgId>" +
      std::to_string(number) + "</MsgId></xml>";
  if (cipher != nullptr) {
    const std::string encrypted =
        *cipher->Encrypt(body, hongyan::wechat::CallbackCipher::Key::kCurrent);
    target += "&encrypt_type=aes&msg_signature=" +
              Signature({options.token, timestamp, nonce, encrypted});
    body = "<xml><ToUserName><![CDATA[gh_sandbox000001]]></ToUserName><Encrypt><![CDATA[" +
           encrypted + "]]></Encrypt></xml>";
  }
  return "POST " + target + " HTTP/1.1\r\nHost: " + options.address +
         "\r\nContent-Type: text/xml\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

struct Run {
  Options options;
  std::vector<std::string> requests;
  asio::ip::tcp::endpoint endpoint;
  Clock::time_point begun;
  std::size_t next = 0;
  long long good = 0;
  long long other = 0;
  std::vector<double> milliseconds;

  Clock::time_point DueAt(std::size_t i) const {
    if (options.rate == 0) return begun;
    return begun +
           std::chrono::nanoseconds(1000000000LL * static_cast<long long>(i) / options.rate);
  }
};

// Opens a connection anew when the server has announced that it closes the last one.
asio::awaitable<void> Connection(Run& run) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::socket socket(executor);
  asio::steady_timer timer(executor);
  boost::beast::flat_buffer buffer;
  while (run.next < run.requests.size()) {
    const std::size_t i = run.next++;
    Clock::time_point due = run.DueAt(i);
    if (run.options.rate == 0) {
      due = Clock::now();
      if (due - run.begun > std::chrono::seconds(run.options.seconds)) break;
    } else if (due > Clock::now()) {
      timer.expires_at(due);
      co_await timer.async_wait(asio::use_awaitable);
    }
    if (!socket.is_open()) {
      co_await socket.async_connect(run.endpoint, asio::use_awaitable);
      socket.set_option(asio::ip::tcp::no_delay(true));
    }
    co_await asio::async_write(socket, asio::buffer(run.requests[i]), asio::use_awaitable);
    http::response<http::string_body> answer;
    co_await http::async_read(socket, buffer, answer, asio::use_awaitable);
    run.milliseconds.push_back(
        std::chrono::duration<double, std::milli>(Clock::now() - due).count());
    const bool good = answer.result_int() == 200 && answer.body() == "success";
    ++(good ? run.good : run.other);
    if (!answer.keep_alive()) socket.close();
  }
}

double At(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto i = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(sorted.size() - 1, i)];
}

}  // namespace

int main(int argc, char** argv) {
  Run run;
  Options& options = run.options;
  CLI::App app("Pushes text messages at a callback endpoint and measures the answers.");
  app.add_option("--address", options.address, "HOST:PORT")->required();
  app.add_option("--path", options.path);
  app.add_option("--token", options.token);
  app.add_option("--key", options.key, "EncodingAESKey; without it the pushes are plain");
  app.add_option("--app-id", options.app_id);
  app.add_option("--connections", options.connections)->check(CLI::Range(1, 1000));
  app.add_option("--rate", options.rate, "a second; 0: as fast as they are answered")
      ->check(CLI::Range(0, 20000));
  app.add_option("--seconds", options.seconds)->check(CLI::Range(1, 60));
  app.add_option("--first", options.first, "the first MsgId");
  CLI11_PARSE(app, argc, argv);

  using hongyan::base::Secret;
  using hongyan::wechat::CallbackCipher;
  const auto cipher = CallbackCipher::Create(Secret(options.key), Secret(), options.app_id);
  if (!options.key.empty() && !cipher.ok()) {
    std::cerr << cipher.status().message() << "\n";
    return 2;
  }
  const std::size_t count =
      options.rate == 0 ? kMostRequests : static_cast<std::size_t>(options.rate) * options.seconds;
  for (std::size_t i = 0; i < count; ++i) {
    run.requests.push_back(Request(options, options.key.empty() ? nullptr : &*cipher,
                                   options.first + static_cast<long long>(i)));
  }
  const std::size_t colon = options.address.rfind(':');
  run.endpoint = {asio::ip::make_address(options.address.substr(0, colon)),
                  static_cast<unsigned short>(std::stoi(options.address.substr(colon + 1)))};
  asio::io_context loop(1);
  run.begun = Clock::now();
  std::exception_ptr failed;
  for (int i = 0; i < options.connections; ++i) {
    asio::co_spawn(loop, Connection(run), [&](std::exception_ptr e) {
      if (e && !failed) failed = e;
    });
  }
  loop.run();
  const double took = std::chrono::duration<double>(Clock::now() - run.begun).count();
  if (failed) {
    try {
      std::rethrow_exception(failed);
    } catch (const std::exception& e) {
      std::cerr << "a connection failed: " << e.what() << "\n";
      return 1;
    }
  }
  std::sort(run.milliseconds.begin(), run.milliseconds.end());
  std::printf(
      "{\"done\":%lld,\"other\":%lld,\"seconds\":%.6f,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}\n",
      run.good, run.other, took, At(run.milliseconds, 0.5), At(run.milliseconds, 0.99),
      At(run.milliseconds, 1));
  return 0;
}
