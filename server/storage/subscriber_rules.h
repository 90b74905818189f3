// What becomes of a subscriber's row when something new is learnt about the person: who is newer,
// follow or leave, what is merged.
//
// Contract: pure. The caller reads the row, applies a rule to it and writes it back, all in one
//           transaction. Older information never overwrites newer: follows and leaves go by the
//           event's own time, and of two in the same second the one that came later counts; what
//           user/info tells goes by the follow's time where it has one. A follow whose push was
//           lost shows by what only followers can do: a later message, tap or scan, or a place in
//           WeChat's list.
// Threads:  any.
// Units:    `now` becomes the row's update_time.
#pragma once

#include "absl/time/time.h"
#include "server/storage/subscriber.h"
#include "server/storage/subscriber_row.h"

namespace hongyan::storage {

// An event of this time. `known`: the row is stored already; else it has nothing but its keys.
// False: there is nothing to store.
bool ApplyEffect(SubscriberRow& row, bool known, absl::Time event_time, absl::Time now,
                 const model::SubscriberEffect& effect);
// What WeChat's user/info told when it was asked at `observed`. False: they left after this was
// told, or it doesn't say whether they follow.
bool MergeObserved(SubscriberRow& row, const model::User& user, absl::Time observed,
                   absl::Time now);
// WeChat, asked at `observed`, would tell nothing.
void NoteRefusal(SubscriberRow& row, absl::Time observed);
// Takes each message from the open window that closes first.
void SpendAllowance(SubscriberRow& row, const Spending& spending, absl::Time now);
// WeChat's list of followers, asked at `observed`, has the person.
void SeeInList(SubscriberRow& row, bool known, absl::Time observed, absl::Time now);
// Whether a follower has left unnoticed: the list that was read since `started` is whole and
// doesn't have the person.
bool LeftUnseen(const SubscriberRow& row, absl::Time started);
void MarkLeft(SubscriberRow& row, absl::Time now);
// Empties what is kept of the person.
void EraseProfile(SubscriberRow& row, absl::Time now);

// Whether the person's user/info is to be asked now.
bool IsToBeAsked(const SubscriberRow& row, const ProfileAge& age);
bool Fits(const SubscriberRow& row, const SubscriberFilter& filter);

}  // namespace hongyan::storage
