#include "receipts.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "push_run.h"

namespace hongyan::sandbox {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> PushReceipts(Sandbox& sandbox, CallbackPusher& pusher, Happening receipt,
                                   int64_t times, int64_t delay_ms) {
  const int64_t epoch = sandbox.epoch;
  if (delay_ms > 0) {
    asio::steady_timer timer(co_await asio::this_coro::executor,
                             std::chrono::milliseconds(delay_ms));
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  for (int64_t i = 0; i < times && epoch == sandbox.epoch; ++i) {
    Happening same = receipt;
    const PushResult ignored = co_await RunPush(sandbox, pusher, std::move(same));
  }
}

void Ignore(const std::exception_ptr&) {}

}  // namespace

asio::awaitable<void> SendReceipts(Sandbox& sandbox, CallbackPusher& pusher, std::string app_id,
                                   std::string openid, int64_t msgid) {
  Happening receipt;
  receipt.options.app_id = std::move(app_id);
  receipt.options.openid = std::move(openid);
  Account* account = nullptr;
  if (!Begin(sandbox, &receipt, &account).empty()) co_return;
  const ReceiptSettings wanted = account->settings.receipts;
  if (wanted.when == ReceiptTime::kNone) co_return;
  receipt.envelope.msg_type = "event";
  receipt.fields = {{"Event", "TEMPLATESENDJOBFINISH"},
                    {"MsgID", wanted.zero_msgid ? 0 : msgid},
                    {"Status", wanted.status}};
  if (wanted.when == ReceiptTime::kEarly) {
    co_await PushReceipts(sandbox, pusher, std::move(receipt), wanted.times, 0);
    co_return;
  }
  asio::co_spawn(co_await asio::this_coro::executor,
                 PushReceipts(sandbox, pusher, std::move(receipt), wanted.times, wanted.delay_ms),
                 Ignore);
}

}  // namespace hongyan::sandbox
