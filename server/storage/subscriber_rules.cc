#include "server/storage/subscriber_rules.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/storage/micros.h"

namespace hongyan::storage {
namespace {

using Kind = model::SubscriberEffect::Kind;
using Opens = model::SubscriberEffect::Opens;

// Pushes tell whole seconds.
constexpr long long kEventSecond = 1000000;

void CloseWindows(SubscriberRow& row) {
  row.message_left = row.message_expire_time = 0;
  row.action_left = row.action_expire_time = 0;
}

void Leave(SubscriberRow& row, long long when) {
  row.subscribed = 0;
  row.unsubscribe_time = when;
  CloseWindows(row);
}

// They follow, whatever we had missed of it.
void Return(SubscriberRow& row) {
  row.subscribed = 1;
  row.unsubscribe_time = row.erase_time = 0;
  row.profile_time = row.refused_time = 0;  // to be asked anew
}

// From when on they have left, by WeChat's clock or by ours.
long long LeftAt(const SubscriberRow& row) {
  return std::max(row.state_time, row.unsubscribe_time);
}

void ClearPersonal(model::Profile& profile) {
  model::EachProfileField(profile, [](const model::ProfileField& field, auto& value) {
    if (field.personal) value = {};
  });
}

void OpenWindow(SubscriberRow& row, long long when, long long expires,
                const model::SubscriberEffect& effect) {
  row.last_inbound_time = std::max(row.last_inbound_time, when);
  if (row.subscribed == 0) return;  // they have left since: nothing opens for them
  if (effect.opens == Opens::kMessageWindow && when >= row.message_time) {
    row.message_time = when;
    row.message_expire_time = expires;
    row.message_left = effect.allowance;
  }
  if (effect.opens == Opens::kActionWindow && when >= row.action_time) {
    row.action_time = when;
    row.action_expire_time = expires;
    row.action_left = effect.allowance;
  }
}

}  // namespace

bool ApplyEffect(SubscriberRow& row, bool known, absl::Time event_time, absl::Time now,
                 const model::SubscriberEffect& effect) {
  if (!effect.touches_row()) return false;
  const bool about_profile = effect.kind == Kind::kProfileChanged ||
                             effect.kind == Kind::kProfileRevoked || effect.kind == Kind::kGone;
  if (about_profile && !known) return false;  // nothing is kept of strangers
  const long long when = Micros(event_time);
  if (effect.kind == Kind::kSubscribe && when >= row.state_time) {
    Return(row);
    row.state_time = row.subscribe_time = when;
  }
  if (effect.kind == Kind::kUnsubscribe && when >= row.state_time) {
    row.state_time = when;
    Leave(row, when);
  }
  if (about_profile) row.profile_time = 0;  // to be asked anew
  if (effect.kind == Kind::kProfileRevoked) ClearPersonal(row.profile);
  if (effect.kind == Kind::kGone) {
    if (row.subscribed != 0) Leave(row, when);
    row.state_time = std::max(row.state_time, when);
    row.SetProfile(model::Profile());
    row.erase_time = Micros(now);
  }
  // Only followers can write: the push of a follow may have been lost.
  if (effect.kind == Kind::kNone && row.subscribed == 0 && (!known || when > LeftAt(row))) {
    Return(row);
    row.state_time = when;
  }
  if (effect.opens != Opens::kNothing) {
    OpenWindow(row, when, Micros(event_time + effect.window), effect);
  }
  row.update_time = Micros(now);
  return true;
}

bool MergeObserved(SubscriberRow& row, const model::User& user, absl::Time observed,
                   absl::Time now) {
  if (!user.subscribed) return false;  // not told: nothing is known that wasn't before
  const long long asked = Micros(observed);
  const long long followed = Micros(user.subscribe_time);
  if (*user.subscribed) {
    // By WeChat's times where there are some: our clock may be wrong.
    const bool newer = followed != 0 ? followed >= row.state_time : asked > row.state_time;
    if (row.subscribed == 0 && !newer) return false;
    row.subscribed = 1;
    row.unsubscribe_time = row.erase_time = 0;
    row.state_time = std::max(row.state_time, followed);
    row.subscribe_time = std::max(row.subscribe_time, followed);
    if (asked >= row.profile_time) row.SetProfile(user.profile);
  } else {
    // Told without a time. The moment of the last follow stays, so that any later event counts.
    if (row.subscribed != 0 && asked > row.state_time) Leave(row, asked);
    const std::string& unionid = user.profile.unionid;
    if (!unionid.empty() && row.erase_time == 0) row.profile.unionid = unionid;
  }
  row.profile_time = std::max(row.profile_time, asked);
  row.update_time = Micros(now);
  return true;
}

void NoteRefusal(SubscriberRow& row, absl::Time observed) {
  row.refused_time = std::max(row.refused_time, Micros(observed));
}

void SpendAllowance(SubscriberRow& row, const Spending& spending, absl::Time now) {
  const long long at = Micros(now);
  for (int i = 0; i < spending.messages; ++i) {
    const bool message = at < row.message_expire_time && row.message_left > 0;
    const bool action = at < row.action_expire_time && row.action_left > 0;
    if (message && (!action || row.message_expire_time <= row.action_expire_time)) {
      --row.message_left;
    } else if (action) {
      --row.action_left;
    }
  }
  if (spending.used_up) row.message_left = row.action_left = 0;
  if (spending.closed) CloseWindows(row);
  row.update_time = at;
}

void SeeInList(SubscriberRow& row, bool known, absl::Time observed, absl::Time now) {
  const long long seen = Micros(observed);
  row.seen_time = std::max(row.seen_time, seen);
  // Within the second of their leave the list may be older than the leave.
  const bool since = seen > row.unsubscribe_time && seen >= row.state_time + kEventSecond;
  if (row.subscribed == 0 && (!known || since)) {
    Return(row);
    row.update_time = Micros(now);
  }
}

bool LeftUnseen(const SubscriberRow& row, absl::Time started) {
  const long long since = Micros(started);
  const bool unseen = row.seen_time < since && row.profile_time < since;
  // A push of the second in which the import began may be younger than that.
  const bool silent = std::max(row.state_time, row.last_inbound_time) + kEventSecond <= since;
  return row.subscribed != 0 && unseen && silent;
}

void MarkLeft(SubscriberRow& row, absl::Time now) {
  Leave(row, Micros(now));
  row.update_time = Micros(now);
}

void EraseProfile(SubscriberRow& row, absl::Time now) {
  row.SetProfile(model::Profile());
  row.erase_time = row.update_time = Micros(now);
}

bool IsToBeAsked(const SubscriberRow& row, const ProfileAge& age) {
  const bool old = row.profile_time == 0 || row.profile_time < Micros(age.told_before);
  return row.subscribed != 0 && old && row.refused_time < Micros(age.refused_before);
}

bool Fits(const SubscriberRow& row, const SubscriberFilter& filter) {
  if (filter.subscribed && *filter.subscribed != (row.subscribed != 0)) return false;
  if (filter.tag_id && !absl::StrContains(row.tag_ids, absl::StrCat(",", *filter.tag_id, ","))) {
    return false;
  }
  const std::string& scene = row.profile.subscribe_scene;
  if (!filter.subscribe_scene.empty() && filter.subscribe_scene != scene) return false;
  if (filter.updated_after && row.update_time <= Micros(filter.updated_after)) return false;
  if (filter.inbound_after && row.last_inbound_time <= Micros(filter.inbound_after)) return false;
  return !filter.to_ask || IsToBeAsked(row, *filter.to_ask);
}

}  // namespace hongyan::storage
