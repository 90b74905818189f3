#include "crowd.h"

#include <algorithm>
#include <string_view>

#include "text.h"

namespace hongyan::sandbox {
namespace {

constexpr std::string_view kScenes[] = {"ADD_SCENE_SEARCH", "ADD_SCENE_PROFILE_CARD",
                                        "ADD_SCENE_QR_CODE", "ADD_SCENE_PAID", "ADD_SCENE_OTHERS"};
constexpr int64_t kScenesCount = std::size(kScenes);
constexpr int64_t kThreeYearsSeconds = int64_t{3} * 365 * 86400;

}  // namespace

int64_t Crowd::Grow(int64_t count) {
  const int64_t first = size_;
  size_ += count;
  return first;
}

std::string Crowd::OpenidOf(int64_t number) const {
  const std::string digits = std::to_string(number);
  std::string openid = prefix_;
  openid.append(kOpenidLength - prefix_.size() - digits.size(), '0');
  return openid + digits;
}

int64_t Crowd::NumberOf(const std::string& openid) const {
  if (openid.size() != kOpenidLength || openid.rfind(prefix_, 0) != 0) return -1;
  const std::string_view digits = std::string_view(openid).substr(prefix_.size());
  int64_t number = 0;
  const bool decimal =
      std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  return decimal && ParseInt(digits, &number) && number < size_ ? number : -1;
}

int64_t Crowd::FirstAfter(const std::string& openid) const {
  int64_t low = 0;
  int64_t high = size_;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (OpenidOf(middle) > openid) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

User Crowd::Member(const std::string& openid) const {
  const int64_t number = NumberOf(openid);
  User user;
  user.openid = openid;
  user.unionid = openid;
  user.unionid.front() = 'u';
  // Every tenth is of tag 2, the platform's own "starred" one.
  if (number % 10 == 0) user.tag_ids = {2};
  user.subscribe_time_seconds = since_seconds_ - number % kThreeYearsSeconds;
  user.subscribe_scene = kScenes[number % kScenesCount];
  if (user.subscribe_scene == "ADD_SCENE_QR_CODE") user.qr_scene = 1 + number % 1000;
  return user;
}

}  // namespace hongyan::sandbox
