#include "account.h"

#include <algorithm>

namespace hongyan::sandbox {
namespace {

constexpr auto kDuplicateMemory = std::chrono::minutes(10);
constexpr int64_t kMostChatLines = 100000;
constexpr size_t kMostLinesOfOneChat = 20000;
constexpr size_t kMostCrowds = 16;
constexpr size_t kMostClientMsgIds = 200000;

// The platform's days begin at midnight in Beijing.
int64_t BeijingDay(Time now) { return (ToSeconds(now) + 8 * 3600) / 86400; }

}  // namespace

std::vector<std::string> Template::Keys() const {
  std::vector<std::string> keys;
  for (size_t begin = content.find("{{"); begin != std::string::npos;
       begin = content.find("{{", begin + 2)) {
    const size_t end = content.find(".DATA}}", begin);
    if (end == std::string::npos) break;
    keys.push_back(content.substr(begin + 2, end - begin - 2));
  }
  return keys;
}

User* Account::FindUser(const std::string& openid) {
  const auto found = users_.find(openid);
  if (found != users_.end()) return &found->second;
  const Crowd* crowd = CrowdOf(openid);
  return crowd == nullptr ? nullptr : &AddUser(crowd->Member(openid));
}

std::optional<User> Account::LookUp(const std::string& openid) const {
  const auto found = users_.find(openid);
  if (found != users_.end()) return found->second;
  const Crowd* crowd = CrowdOf(openid);
  if (crowd == nullptr) return std::nullopt;
  return crowd->Member(openid);
}

const Crowd* Account::CrowdOf(const std::string& openid) const {
  for (const Crowd& crowd : crowds_) {
    if (crowd.Holds(openid)) return &crowd;
  }
  return nullptr;
}

int64_t Account::AddCrowd(const std::string& prefix, int64_t count) {
  for (Crowd& crowd : crowds_) {
    if (crowd.prefix() == prefix) return crowd.Grow(count);
    const size_t common = std::min(prefix.size(), crowd.prefix().size());
    if (prefix.compare(0, common, crowd.prefix(), 0, common) == 0) return -1;
  }
  if (crowds_.size() >= kMostCrowds) return -1;
  return crowds_.emplace_back(prefix, ToSeconds(clock_.Now())).Grow(count);
}

int64_t Account::FollowerCount() const {
  int64_t count = 0;
  for (const Crowd& crowd : crowds_) count += crowd.size();
  for (const auto& [openid, user] : users_) {
    if (user.subscribed) ++count;
    if (CrowdOf(openid) != nullptr) --count;
  }
  return count;
}

std::vector<std::string> Account::FollowersAfter(const std::string& start, size_t most) const {
  std::vector<std::string> found;
  for (auto next = users_.upper_bound(start); next != users_.end() && found.size() < most; ++next) {
    if (next->second.subscribed) found.push_back(next->first);
  }
  for (const Crowd& crowd : crowds_) {
    size_t taken = 0;
    for (int64_t number = crowd.FirstAfter(start); number < crowd.size() && taken < most;
         ++number) {
      std::string openid = crowd.OpenidOf(number);
      if (users_.count(openid) != 0) continue;
      found.push_back(std::move(openid));
      ++taken;
    }
  }
  std::sort(found.begin(), found.end());
  if (found.size() > most) found.resize(most);
  return found;
}

User& Account::AddUser(User user) {
  if (user.subscribe_time_seconds == 0) user.subscribe_time_seconds = ToSeconds(clock_.Now());
  const std::string openid = user.openid;
  return users_[openid] = std::move(user);
}

std::string Account::NewOpenid() {
  std::string openid = "o";
  openid += random_.Text(27, kUrlSafeAlphabet);
  return openid;
}

const Template* Account::FindTemplate(const std::string& template_id) const {
  const auto found = std::find_if(
      templates_.begin(), templates_.end(),
      [&template_id](const Template& each) { return each.template_id == template_id; });
  return found == templates_.end() ? nullptr : &*found;
}

const Template& Account::AddTemplate(Template added) {
  if (added.template_id.empty()) added.template_id = random_.Text(43, kUrlSafeAlphabet);
  for (Template& each : templates_) {
    if (each.template_id == added.template_id) return each = std::move(added);
  }
  return templates_.emplace_back(std::move(added));
}

void Account::OpenWindow(User& user, std::chrono::seconds length, int64_t allowance) {
  const Time until = clock_.Now() + length;
  // A tap in an open 48-hour window does not shorten it.
  if (user.window_until > until) {
    user.allowance = std::max(user.allowance, allowance);
    return;
  }
  user.window_until = until;
  user.allowance = allowance;
}

int Account::SpendAllowance(User& user) {
  if (!user.subscribed) return 45015;
  if (!settings.enforce_window) return 0;
  if (user.window_until <= clock_.Now()) return 45015;
  if (user.allowance <= 0) return 45047;
  --user.allowance;
  return 0;
}

std::optional<int64_t> Account::FindDuplicate(const std::string& openid,
                                              const std::string& client_msg_id) {
  const Time now = clock_.Now();
  while (!client_msg_id_ages_.empty() &&
         (now - client_msg_id_ages_.front().first >= kDuplicateMemory ||
          client_msg_id_ages_.size() > kMostClientMsgIds)) {
    client_msg_ids_.erase(client_msg_id_ages_.front().second);
    client_msg_id_ages_.pop_front();
  }
  const auto found = client_msg_ids_.find(openid + '\n' + client_msg_id);
  if (found == client_msg_ids_.end()) return std::nullopt;
  return found->second;
}

void Account::RememberClientMsgId(const std::string& openid, const std::string& client_msg_id,
                                  int64_t msgid) {
  const std::string key = openid + '\n' + client_msg_id;
  client_msg_ids_[key] = msgid;
  client_msg_id_ages_.emplace_back(clock_.Now(), key);
}

void Account::Say(const std::string& openid, ChatLine line) {
  line.seq = next_chat_seq_++;
  line.time = clock_.Now();
  std::deque<ChatLine>& chat = chats_[openid];
  chat.push_back(std::move(line));
  ++chat_lines_;
  if (chat.size() > kMostLinesOfOneChat) {
    chat.pop_front();
    --chat_lines_;
  }
  // Rare: the account as a whole has said too much; the longest chat forgets its first half.
  if (chat_lines_ > kMostChatLines) {
    auto longest = std::max_element(chats_.begin(), chats_.end(), [](const auto& a, const auto& b) {
      return a.second.size() < b.second.size();
    });
    const auto half = static_cast<std::ptrdiff_t>((longest->second.size() + 1) / 2);
    longest->second.erase(longest->second.begin(), longest->second.begin() + half);
    chat_lines_ -= half;
    if (longest->second.empty()) chats_.erase(longest);
  }
}

bool Account::CountCall(const std::string& api) {
  const int64_t today = BeijingDay(clock_.Now());
  if (today != call_day_) {
    calls_.clear();
    call_day_ = today;
  }
  int64_t& calls = calls_[api];
  if (calls >= DailyLimit(api)) return false;
  ++calls;
  return true;
}

int64_t Account::CallsToday(const std::string& api) const {
  if (BeijingDay(clock_.Now()) != call_day_) return 0;
  const auto found = calls_.find(api);
  return found == calls_.end() ? 0 : found->second;
}

int64_t Account::DailyLimit(const std::string& api) const {
  const auto set = daily_limits_.find(api);
  if (set != daily_limits_.end()) return set->second;
  // What a new account has; the console of a real one shows its own figures.
  if (api == "/cgi-bin/token") return 2000;
  if (api == "/cgi-bin/message/template/send") return 100000;
  if (api == "/cgi-bin/user/get") return 500;
  return 500000;
}

}  // namespace hongyan::sandbox
