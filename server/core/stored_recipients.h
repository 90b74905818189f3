// Recipients as the stored followers know them.
//
// Contract: what a send tells is written in the background; while one write is on its way the next
//           ones gather. What can't be written is forgotten: the allowance is a help to people,
//           WeChat is the judge.
// Bounds:   kMaxWaiting persons; of more nothing is noted but in a metric.
// Threads:  event loop only.
// Lifetime: what it is given outlives it; `group` has ended before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "server/async/task_group.h"
#include "server/async/wait_list.h"
#include "server/base/metrics.h"
#include "server/core/recipients.h"
#include "server/storage/subscriber_store.h"

namespace hongyan::core {

class StoredRecipients final : public Recipients {
 public:
  static constexpr std::size_t kMaxWaiting = 10000;

  StoredRecipients(storage::SubscriberStore& store, async::Clock& clock, async::TaskGroup& group,
                   base::Metrics& metrics)
      : store_(store), clock_(clock), group_(group), metrics_(metrics), written_(clock) {}

  async::Task<absl::StatusOr<std::string>> FindOpenid(std::string account, std::string unionid,
                                                      async::MonoTime deadline) override;
  void Sent(const std::string& account, const std::string& openid) override;
  void WindowClosed(const std::string& account, const std::string& openid) override;
  void AllowanceUsed(const std::string& account, const std::string& openid) override;

  // Ends when everything that was told before is written, or at `deadline`. What is told meanwhile
  // isn't waited for.
  async::Task<void> Written(async::MonoTime deadline);

 private:
  // Null when there is no room.
  storage::Spending* Note(const std::string& account, const std::string& openid);
  void WriteSoon();
  async::Task<void> WriteAll();

  storage::SubscriberStore& store_;
  async::Clock& clock_;
  async::TaskGroup& group_;
  base::Metrics& metrics_;
  absl::flat_hash_map<std::pair<std::string, std::string>, storage::Spending> waiting_;
  bool writing_ = false;
  std::int64_t rounds_ = 0;  // writes that have ended
  async::WaitList written_;
};

}  // namespace hongyan::core
