#include "server/core/stored_recipients.h"

#include "server/base/log.h"

namespace hongyan::core {
namespace {

constexpr absl::Duration kWriteLimit = absl::Seconds(10);

}  // namespace

async::Task<absl::StatusOr<std::string>> StoredRecipients::FindOpenid(std::string account,
                                                                      std::string unionid,
                                                                      async::MonoTime deadline) {
  auto found = co_await store_.FindByUnionid(std::move(account), std::move(unionid), deadline);
  if (!found.ok()) co_return found.status();
  co_return std::move(found->openid);
}

void StoredRecipients::Sent(const std::string& account, const std::string& openid) {
  storage::Spending* spending = Note(account, openid);
  if (spending == nullptr) return;
  ++spending->messages;
  WriteSoon();
}

void StoredRecipients::WindowClosed(const std::string& account, const std::string& openid) {
  storage::Spending* spending = Note(account, openid);
  if (spending == nullptr) return;
  spending->closed = true;
  WriteSoon();
}

void StoredRecipients::AllowanceUsed(const std::string& account, const std::string& openid) {
  storage::Spending* spending = Note(account, openid);
  if (spending == nullptr) return;
  spending->used_up = true;
  WriteSoon();
}

storage::Spending* StoredRecipients::Note(const std::string& account, const std::string& openid) {
  const auto found = waiting_.find(std::pair(account, openid));
  if (found != waiting_.end()) return &found->second;
  if (waiting_.size() >= kMaxWaiting) {
    metrics_.allowances_not_noted->Increment();
    return nullptr;
  }
  storage::Spending spending;
  spending.account = account;
  spending.openid = openid;
  return &waiting_.emplace(std::pair(account, openid), std::move(spending)).first->second;
}

void StoredRecipients::WriteSoon() {
  if (!writing_) writing_ = group_.Spawn(WriteAll());
}

async::Task<void> StoredRecipients::WriteAll() {
  while (!waiting_.empty()) {
    std::vector<storage::Spending> taken;
    for (auto& [who, spending] : waiting_) taken.push_back(std::move(spending));
    waiting_.clear();
    const absl::Status status = co_await store_.Spend(std::move(taken), clock_.Now(),
                                                      async::After(clock_.Mono(), kWriteLimit));
    if (!status.ok()) {
      base::Log(base::Level::kWarn, "allowances not noted", {{"problem", status.message()}});
    }
    ++rounds_;
    written_.NotifyAll();
  }
  writing_ = false;
  written_.NotifyAll();
}

async::Task<void> StoredRecipients::Written(async::MonoTime deadline) {
  // The write that is on its way, and the one that takes what waits now.
  const std::int64_t enough = rounds_ + (waiting_.empty() ? 1 : 2);
  while (writing_ && rounds_ < enough) {
    const auto woken = co_await written_.Wait(deadline);
    if (woken != async::WaitList::Woken::kNotified) co_return;
  }
}

}  // namespace hongyan::core
