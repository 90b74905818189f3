#include "server/storage/subscriber_store.h"

#include "server/storage/erasure_rows.h"
#include "server/storage/subscriber_rows.h"
#include "tests/unit/storage/storage_fixture.h"

namespace hongyan::storage {
namespace {

using ::hongyan::support::IsOk;
using ::hongyan::support::StatusIs;
using ::testing::ElementsAre;

class SubscriberStoreTest : public StorageTest {
 protected:
  SubscriberStoreTest() { EXPECT_THAT(TryOpen(), IsOk()); }

  static model::User User(const std::string& openid, std::int64_t followed = 1000) {
    model::User user;
    user.openid = openid;
    user.subscribed = true;
    user.subscribe_time = At(followed);
    user.profile.unionid = "u" + openid;
    user.profile.subscribe_scene = "ADD_SCENE_QR_CODE";
    user.profile.remark = "老客户";
    user.profile.group_id = 3;
    user.profile.tag_ids = {2, 134};
    user.profile.qr_scene = 98765432109;
    user.profile.qr_scene_str = "scene";
    user.profile.language = "zh_CN";
    user.profile.nickname = "🪿";
    user.profile.head_image_url = "https://example.com/a";
    user.profile.sex = 1;
    user.profile.city = "c";
    user.profile.province = "p";
    user.profile.country = "n";
    return user;
  }
  static model::User Gone(const std::string& openid) {
    model::User user;
    user.openid = openid;
    user.subscribed = false;
    return user;
  }
  // Followers who have no row yet get one first.
  void Update(std::vector<model::User> users, std::int64_t observed) {
    std::vector<std::string> unknown;
    for (const model::User& user : users) {
      const bool known = Await(subscribers_->Get("main", user.openid, Later())).ok();
      if (*user.subscribed && !known) unknown.push_back(user.openid);
    }
    ASSERT_THAT(Await(subscribers_->SeeFollowers("main", unknown, At(1), At(1), Later())), IsOk());
    ASSERT_THAT(
        Await(subscribers_->Update("main", std::move(users), At(observed), At(observed), Later())),
        IsOk());
  }
  // As an event of this second does, without the event itself.
  void Apply(const std::string& openid, std::int64_t at, const model::SubscriberEffect& effect) {
    StorageWork<bool> work = [=](Database& database) -> absl::StatusOr<bool> {
      ApplyEffect(database, "main", openid, At(at), At(at), effect);
      return true;
    };
    ASSERT_THAT(Await(thread_->Write<bool>(std::move(work), 0, Later())), IsOk());
  }
  void Apply(const std::string& openid, std::int64_t at, model::SubscriberEffect::Kind kind) {
    model::SubscriberEffect effect;
    effect.kind = kind;
    Apply(openid, at, effect);
  }
  void Follow(const std::string& openid, std::int64_t at) {
    Apply(openid, at, model::SubscriberEffect::Kind::kSubscribe);
  }
  void Leave(const std::string& openid, std::int64_t at) {
    Apply(openid, at, model::SubscriberEffect::Kind::kUnsubscribe);
  }
  void Inbound(const std::string& openid, std::int64_t at, model::SubscriberEffect::Opens opens) {
    model::SubscriberEffect effect;
    effect.opens = opens;
    const bool message = opens == model::SubscriberEffect::Opens::kMessageWindow;
    effect.allowance = message ? 5 : 3;
    effect.window = message ? absl::Hours(48) : absl::Minutes(1);
    Apply(openid, at, effect);
  }
  model::Subscriber Get(const std::string& openid) {
    auto row = Await(subscribers_->Get("main", openid, Later()));
    EXPECT_THAT(row, IsOk());
    return row.ok() ? *row : model::Subscriber();
  }
  void Spend(Spending spending, std::int64_t at) {
    EXPECT_THAT(Await(subscribers_->Spend({std::move(spending)}, At(at), Later())), IsOk());
  }
  std::int64_t Use(const std::string& openid, std::int64_t at) {
    Spend({"main", openid, 1}, at);
    const auto row = Await(subscribers_->Get("main", openid, Later()));
    return row.ok() ? row->AllowanceLeft(At(at)) : 0;
  }
  template <typename F>
  static SubscriberFilter By(F set) {
    SubscriberFilter filter;
    set(filter);
    return filter;
  }
  static SubscriberFilter Untold(absl::Time not_refused_since = At(1)) {
    return ToldBefore(absl::InfinitePast(), not_refused_since);
  }
  static SubscriberFilter ToldBefore(absl::Time told, absl::Time not_refused_since = At(1)) {
    return By([&](auto& f) { f.to_ask = ProfileAge{told, not_refused_since}; });
  }
  std::vector<std::string> Openids(SubscriberFilter filter, const std::string& after = "",
                                   int limit = 100) {
    filter.account = "main";
    page_ = *Await(subscribers_->List(filter, after, limit, Later()));
    std::vector<std::string> openids;
    for (const model::Subscriber& row : page_.subscribers) openids.push_back(row.openid);
    return openids;
  }
  void RecordMany(const std::string& openid, int count, const std::string& key = "") {
    std::vector<std::shared_ptr<std::optional<absl::StatusOr<Recorded>>>> results;
    for (int i = 0; i < count; ++i) {
      model::NewEvent event = Event(absl::StrCat(openid, key, i));
      event.openid = openid;
      results.push_back(Go(events_->Record(event, Later())));
    }
    RunUntil([&] { return results.back()->has_value(); });
  }
  SubscriberPage page_;
};

TEST_F(SubscriberStoreTest, ProfileIsStoredWhole) {
  Update({User("oA")}, 2000);
  const model::Subscriber row = Get("oA");
  const model::Profile want = User("oA").profile;
  EXPECT_TRUE(row.subscribed);
  EXPECT_EQ(row.subscribe_time, At(1000));
  EXPECT_EQ(row.profile_time, At(2000));
  EXPECT_EQ(row.update_time, At(2000));
  EXPECT_EQ(row.profile.unionid, want.unionid);
  EXPECT_EQ(row.profile.subscribe_scene, want.subscribe_scene);
  EXPECT_EQ(row.profile.remark, want.remark);
  EXPECT_EQ(row.profile.group_id, want.group_id);
  EXPECT_EQ(row.profile.tag_ids, want.tag_ids);
  EXPECT_EQ(row.profile.qr_scene, want.qr_scene);
  EXPECT_EQ(row.profile.qr_scene_str, want.qr_scene_str);
  EXPECT_EQ(row.profile.language, want.language);
  EXPECT_EQ(row.profile.nickname, want.nickname);
  EXPECT_EQ(row.profile.head_image_url, want.head_image_url);
  EXPECT_EQ(row.profile.sex, want.sex);
  EXPECT_EQ(row.profile.city, want.city);
  EXPECT_EQ(row.profile.province, want.province);
  EXPECT_EQ(row.profile.country, want.country);
  EXPECT_EQ(Sql("SELECT openid, remark, tag_ids, qr_scene FROM subscribers"),
            "oA|老客户|,2,134,|98765432109");
}

TEST_F(SubscriberStoreTest, UnknownOnesAreNotFound) {
  EXPECT_THAT(Await(subscribers_->Get("main", "oA", Later())),
              StatusIs(absl::StatusCode::kNotFound, "SUBSCRIBER_NOT_FOUND"));
  EXPECT_THAT(Await(subscribers_->FindByUnionid("main", "u", Later())),
              StatusIs(absl::StatusCode::kNotFound, "UNIONID_NOT_FOUND"));
  Follow("oA", 1000);
  EXPECT_THAT(Await(subscribers_->FindByUnionid("main", "", Later())),
              StatusIs(absl::StatusCode::kNotFound, "UNIONID_NOT_FOUND"));
  EXPECT_THAT(thread_->health(), IsOk());
}

TEST_F(SubscriberStoreTest, LateEventsDoNotUndoNewerOnes) {
  Follow("oA", 1000);
  Leave("oA", 3000);
  Follow("oA", 2000);
  EXPECT_FALSE(Get("oA").subscribed);
  EXPECT_EQ(Get("oA").unsubscribe_time, At(3000));
  Follow("oA", 3000);  // the same second: what came later counts
  EXPECT_TRUE(Get("oA").subscribed);
  EXPECT_EQ(Get("oA").unsubscribe_time, std::nullopt);
  Leave("oA", 2500);
  EXPECT_TRUE(Get("oA").subscribed);
}

TEST_F(SubscriberStoreTest, ProfileOfSomeoneWhoLeftSinceIsNotStored) {
  Follow("oA", 1000);
  Leave("oA", 2000);
  Update({User("oA", 1000)}, 5000);  // asked before they left, though our clock says later
  EXPECT_FALSE(Get("oA").subscribed);
  EXPECT_EQ(Get("oA").profile.nickname, "");
  Update({User("oA", 3000)}, 5000);  // followed again, and that event never came
  EXPECT_TRUE(Get("oA").subscribed);
  EXPECT_EQ(Get("oA").profile.nickname, "🪿");
}

TEST_F(SubscriberStoreTest, WhatWasAskedBeforeADeletionBringsNothingBack) {
  Follow("oA", 1000);
  Follow("oB", 1000);
  ASSERT_TRUE(*Await(subscribers_->Delete("main", "oA", Later())));
  const std::vector<model::User> users = {User("oA"), User("oB")};
  EXPECT_EQ(*Await(subscribers_->Update("main", users, At(2000), At(2000), Later())), 1);
  EXPECT_EQ(Sql("SELECT openid FROM subscribers"), "oB");
}

TEST_F(SubscriberStoreTest, UserInfoTellsWhoLeftUnnoticed) {
  Update({User("oA", 1000)}, 2000);
  Update({Gone("oA"), Gone("oB")}, 3000);
  EXPECT_FALSE(Get("oA").subscribed);
  EXPECT_EQ(Get("oA").unsubscribe_time, At(3000));
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM subscribers"), "1");
  // An answer that was asked before the follow says nothing about it.
  Follow("oC", 4000);
  Update({Gone("oC")}, 3500);
  EXPECT_TRUE(Get("oC").subscribed);
  // Events go by WeChat's clock: one after the follow counts even if our clock is ahead.
  Update({User("oD", 1000)}, 9000);
  Leave("oD", 1500);
  EXPECT_FALSE(Get("oD").subscribed);
}

TEST_F(SubscriberStoreTest, FollowAsksForTheProfileAnew) {
  Update({User("oA", 1000)}, 2000);
  EXPECT_THAT(Openids(Untold()), ElementsAre());
  Leave("oA", 3000);
  Follow("oA", 4000);
  EXPECT_THAT(Openids(Untold()), ElementsAre("oA"));
}

TEST_F(SubscriberStoreTest, RefusedOnesAreLeftAloneForAWhile) {
  Follow("oA", 1000);
  Follow("oB", 1000);
  const std::vector<std::string> refused = {"oA", "oStranger"};
  ASSERT_THAT(Await(subscribers_->NoteRefused("main", refused, At(2000), Later())), IsOk());
  EXPECT_THAT(Openids(Untold(At(1500))), ElementsAre("oB"));
  EXPECT_THAT(Openids(Untold(At(2001))), ElementsAre("oA", "oB"));
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM subscribers"), "2");
  Leave("oA", 3000);
  Follow("oA", 3001);
  EXPECT_THAT(Openids(Untold(At(1500))), ElementsAre("oA", "oB"));
}

TEST_F(SubscriberStoreTest, OldProfilesAreFound) {
  Update({User("oA"), User("oB")}, 2000);
  Update({User("oB")}, 3000);
  Follow("oC", 1000);
  EXPECT_THAT(Openids(Untold()), ElementsAre("oC"));
  EXPECT_EQ(page_.with_profile, 2);
  EXPECT_THAT(Openids(ToldBefore(At(2000))), ElementsAre("oC"));
  EXPECT_THAT(Openids(ToldBefore(At(3000))), ElementsAre("oA", "oC"));
  EXPECT_EQ(page_.with_profile, 1);
  Leave("oA", 4000);
  EXPECT_THAT(Openids(ToldBefore(At(5000))), ElementsAre("oB", "oC"));
}

TEST_F(SubscriberStoreTest, MissedFollowIsSeenByALaterMessage) {
  Update({User("oA", 1000), User("oB", 1000)}, 2000);
  Leave("oA", 3000);
  ASSERT_EQ(*Await(subscribers_->ErasePersonal(At(3500), At(3600), Later())), 1);
  Inbound("oA", 3000,
          model::SubscriberEffect::Opens::kMessageWindow);  // of the second in which they left
  EXPECT_FALSE(Get("oA").subscribed);
  EXPECT_EQ(Get("oA").AllowanceLeft(At(3000)), 0);
  Inbound("oA", 4000, model::SubscriberEffect::Opens::kMessageWindow);
  const model::Subscriber row = Get("oA");
  EXPECT_TRUE(row.subscribed);
  EXPECT_EQ(row.unsubscribe_time, std::nullopt);
  EXPECT_EQ(row.erase_time, std::nullopt);
  EXPECT_EQ(row.profile_time, std::nullopt) << "to be asked anew";
  EXPECT_EQ(row.AllowanceLeft(At(4000)), 5);
  Leave("oA", 3999);  // came late
  EXPECT_TRUE(Get("oA").subscribed);
  // WeChat told without a time that they had left: a message after that counts, one before doesn't.
  Update({Gone("oB")}, 5000);
  Inbound("oB", 4500, model::SubscriberEffect::Opens::kActionWindow);
  EXPECT_FALSE(Get("oB").subscribed);
  Inbound("oB", 5001, model::SubscriberEffect::Opens::kActionWindow);
  EXPECT_TRUE(Get("oB").subscribed);
}

TEST_F(SubscriberStoreTest, MissedFollowIsSeenByTheListOfFollowers) {
  Update({User("oA", 1000)}, 2000);
  Leave("oA", 3000);
  ASSERT_EQ(*Await(subscribers_->ErasePersonal(At(3500), At(3600), Later())), 1);
  const auto see = [this](absl::Time observed) {
    EXPECT_THAT(Await(subscribers_->SeeFollowers("main", {"oA"}, observed, observed, Later())),
                IsOk());
  };
  // Asked before they left, or in the same second, whose part WeChat doesn't tell.
  see(At(2999));
  see(At(3000) + absl::Milliseconds(500));
  EXPECT_FALSE(Get("oA").subscribed);
  see(At(4000));
  const model::Subscriber row = Get("oA");
  EXPECT_TRUE(row.subscribed);
  EXPECT_EQ(row.unsubscribe_time, std::nullopt);
  EXPECT_EQ(row.erase_time, std::nullopt);
  EXPECT_EQ(row.update_time, At(4000));
  EXPECT_THAT(Openids(Untold()), ElementsAre("oA"));
  // Who is seen again and again keeps the profile.
  Update({User("oA", 3500)}, 5000);
  see(At(6000));
  EXPECT_EQ(Get("oA").profile_time, At(5000));
}

TEST_F(SubscriberStoreTest, MessageOpensTheWindowAndSendsUseItUp) {
  using Opens = model::SubscriberEffect::Opens;
  EXPECT_EQ(Use("oA", 1000), 0);
  Inbound("oA", 1000, Opens::kMessageWindow);
  EXPECT_EQ(Get("oA").last_inbound_time, At(1000));
  EXPECT_EQ(Get("oA").WindowExpireTime(At(1000)), At(1000 + 48 * 3600));
  EXPECT_EQ(Use("oA", 1001), 4);
  // A tap adds three for a minute, and they go first.
  Inbound("oA", 2000, Opens::kActionWindow);
  EXPECT_EQ(Get("oA").AllowanceLeft(At(2000)), 7);
  EXPECT_EQ(Use("oA", 2001), 6);
  EXPECT_EQ(Get("oA").AllowanceLeft(At(2061)), 4);
  for (int left = 3; left >= 0; --left) EXPECT_EQ(Use("oA", 2100), left);
  EXPECT_EQ(Use("oA", 2100), 0);
  // A message that comes late renews nothing; a new one does.
  Inbound("oA", 900, Opens::kMessageWindow);
  EXPECT_EQ(Get("oA").AllowanceLeft(At(2100)), 0);
  EXPECT_EQ(Get("oA").last_inbound_time, At(2000));
  Inbound("oA", 3000, Opens::kMessageWindow);
  EXPECT_EQ(Get("oA").AllowanceLeft(At(3000)), 5);
  EXPECT_EQ(Get("oA").AllowanceLeft(At(3000 + 48 * 3600)), 0);
  EXPECT_EQ(Get("oA").WindowExpireTime(At(3000 + 48 * 3600)), std::nullopt);
  Spend({"main", "oA", 2}, 3001);
  EXPECT_EQ(Get("oA").AllowanceLeft(At(3001)), 3);
  Spending used;
  used.account = "main";
  used.openid = "oA";
  used.used_up = true;
  Spend(used, 3001);
  EXPECT_EQ(Get("oA").AllowanceLeft(At(3001)), 0);
  EXPECT_EQ(Get("oA").WindowExpireTime(At(3001)), At(3000 + 48 * 3600));
  used.closed = true;
  Spend(used, 3002);
  EXPECT_EQ(Get("oA").WindowExpireTime(At(3002)), std::nullopt);
}

TEST_F(SubscriberStoreTest, UnionidFindsTheOneWhoFollows) {
  model::User old = User("oOld");
  model::User now = User("oNow");
  old.profile.unionid = now.profile.unionid = "same";
  Update({now}, 2000);
  Update({old}, 3000);
  Leave("oOld", 4000);
  EXPECT_EQ(Await(subscribers_->FindByUnionid("main", "same", Later()))->openid, "oNow");
  EXPECT_THAT(Await(subscribers_->FindByUnionid("other", "same", Later())),
              StatusIs(absl::StatusCode::kNotFound, "UNIONID_NOT_FOUND"));
}

TEST_F(SubscriberStoreTest, ListFiltersAndPages) {
  std::vector<model::User> users;
  for (int i = 0; i < 2500; ++i) users.push_back(User(absl::StrCat("o", 10000 + i)));
  users[7].profile.tag_ids = {34};  // not 134
  users[2400].profile.tag_ids = {34};
  Update(users, 2000);
  Leave("o10001", 5000);
  EXPECT_THAT(Openids({}, "", 2), ElementsAre("o10000", "o10001"));
  EXPECT_TRUE(page_.more);
  EXPECT_THAT(Openids({}, page_.next_openid, 2), ElementsAre("o10002", "o10003"));
  EXPECT_THAT(Openids(By([](auto& f) { f.subscribed = false; })), ElementsAre("o10001"));
  EXPECT_THAT(Openids(By([](auto& f) { f.updated_after = At(4999); })), ElementsAre("o10001"));
  // A page looks at a bounded number of rows and says where to go on.
  EXPECT_THAT(Openids(By([](auto& f) { f.tag_id = 34; })), ElementsAre("o10007"));
  EXPECT_TRUE(page_.more);
  EXPECT_THAT(Openids(By([](auto& f) { f.tag_id = 34; }), page_.next_openid),
              ElementsAre("o12400"));
  EXPECT_FALSE(page_.more);
  EXPECT_THAT(Openids(By([](auto& f) { f.subscribe_scene = "ADD_SCENE_SEARCH"; })), ElementsAre());
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM subscribers"), "2500");
}

TEST_F(SubscriberStoreTest, DeleteRemovesTheRow) {
  Follow("oA", 1000);
  EXPECT_TRUE(*Await(subscribers_->Delete("main", "oA", Later())));
  EXPECT_FALSE(*Await(subscribers_->Delete("main", "oA", Later())));
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM subscribers"), "0");
}

TEST_F(SubscriberStoreTest, DeleteRemovesThePersonsEventsInSmallBatches) {
  Follow("oABC", 1000);
  RecordMany("oABC", 1200);
  RecordMany("oOther", 3);
  const std::int64_t commits = thread_->stats().commits;
  EXPECT_TRUE(*Await(subscribers_->Delete("main", "oABC", Later())));
  EXPECT_GE(thread_->stats().commits - commits, 1 + 1200 / kErasureBatch);
  EXPECT_EQ(Sql("SELECT openid, COUNT(*) FROM events GROUP BY openid"), "oOther|3");
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM event_erasures"), "0");
  EXPECT_FALSE(*Await(subscribers_->Delete("main", "oABC", Later())));
  // Repeats of what was there are known still, and cursors go on.
  const auto repeat = Record(Event("oABC5"));
  ASSERT_THAT(repeat, IsOk());
  EXPECT_TRUE(repeat->repeated);
  EXPECT_EQ(Record(Event("new"))->cursor, Nth(1204));
  EXPECT_EQ(thread_->stats().damaged, 0);
}

TEST_F(SubscriberStoreTest, DeleteOfSomeoneWithEventsOnlyRemovesThem) {
  RecordMany("oABC", 2);
  Close();
  Open();
  EXPECT_TRUE(*Await(subscribers_->Delete("main", "oABC", Later())));
  // A reader is told to go on behind cursors whose events are gone.
  const auto page = List({}, 0);
  ASSERT_THAT(page, IsOk());
  EXPECT_TRUE(page->events.empty());
  EXPECT_EQ(page->next_cursor, Nth(2));
  EXPECT_EQ(List({"main", {"text"}}, Nth(1))->next_cursor, Nth(2));
  EXPECT_EQ(List({}, Nth(2))->next_cursor, Nth(2));
  Close();
  Open();
  EXPECT_EQ(thread_->stats().lost_events, 0);
}

TEST_F(SubscriberStoreTest, GoneOnesKeepNoEventsButTheLast) {
  Follow("oABC", 1000);
  RecordMany("oABC", 700);
  RecordMany("oOther", 1);
  model::NewEvent gone = Event("gone", "user_info_change");
  gone.effect.kind = model::SubscriberEffect::Kind::kGone;
  ASSERT_THAT(Record(gone), IsOk());
  RecordMany("oABC", 1, "after");
  // At once what one small transaction can, then the rest.
  EXPECT_EQ(Sql("SELECT openid, COUNT(*) FROM events GROUP BY openid"), "oABC|202\noOther|1");
  Close();
  Open();
  ASSERT_THAT(Await(subscribers_->ErasePersonal(At(1), At(9999), Later())), IsOk());
  EXPECT_EQ(Sql("SELECT event_type FROM events WHERE openid = 'oABC' ORDER BY seq"),
            "user_info_change\ntext");
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM event_erasures"), "0");
}

TEST_F(SubscriberStoreTest, EraseRemovesEventsOfThoseWhoLeftLongAgo) {
  Follow("oLeft", 1000);
  Follow("oStays", 1000);
  RecordMany("oLeft", 3);
  RecordMany("oStays", 2);
  Leave("oLeft", 2000);
  EXPECT_EQ(*Await(subscribers_->ErasePersonal(At(2000), At(9999), Later())), 0);
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM events"), "5");
  EXPECT_EQ(*Await(subscribers_->ErasePersonal(At(2001), At(9999), Later())), 1);
  EXPECT_EQ(Sql("SELECT openid, COUNT(*) FROM events GROUP BY openid"), "oStays|2");
}

TEST_F(SubscriberStoreTest, EraseEmptiesProfilesOfThoseWhoLeftLongAgo) {
  std::vector<model::User> users;
  for (int i = 0; i < 1200; ++i) users.push_back(User(absl::StrCat("o", i)));
  Update(users, 2000);
  std::vector<model::User> gone;
  for (int i = 0; i < 1100; ++i) gone.push_back(Gone(absl::StrCat("o", i)));
  Update({gone.begin(), gone.begin() + 1000}, 3000);
  Update({gone.begin() + 1000, gone.end()}, 9000);
  EXPECT_EQ(*Await(subscribers_->ErasePersonal(At(5000), At(9999), Later())), 1000);
  EXPECT_EQ(*Await(subscribers_->ErasePersonal(At(5000), At(9999), Later())), 0);
  const model::Subscriber row = Get("o0");
  EXPECT_EQ(row.profile.unionid + row.profile.remark + row.profile.nickname, "");
  EXPECT_TRUE(row.profile.tag_ids.empty());
  EXPECT_EQ(row.erase_time, At(9999));
  EXPECT_EQ(row.unsubscribe_time, At(3000));
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM subscribers WHERE nickname = ''"), "1000");
  // Who follows again is a person again.
  Follow("o0", 10000);
  EXPECT_EQ(Get("o0").erase_time, std::nullopt);
}

TEST_F(SubscriberStoreTest, SyncFindsNewOnesAndThoseWhoLeftUnnoticed) {
  Update({User("oStays"), User("oLeft")}, 2000);
  Inbound("oWrites", 5500, model::SubscriberEffect::Opens::kMessageWindow);
  SyncState state;
  state.account = "main";
  state.start_time = At(5000);
  state.total = 3;
  state.next_openid = "oStays";
  state.profiles_since = At(4000);
  state.departed = 2;
  ASSERT_THAT(Await(subscribers_->PutSync(state, Later())), IsOk());
  ASSERT_THAT(
      Await(subscribers_->SeeFollowers("main", {"oNew", "oStays"}, At(5001), At(5001), Later())),
      IsOk());
  Follow("oDuring", 5002);
  Close();
  Open();  // in the middle of it
  const auto resumed = Await(subscribers_->GetSync("main", Later()));
  ASSERT_THAT(resumed, IsOk());
  EXPECT_EQ(resumed->next_openid, "oStays");
  EXPECT_EQ(resumed->start_time, At(5000));
  EXPECT_EQ(resumed->finish_time, std::nullopt);
  EXPECT_EQ(resumed->total, 3);
  EXPECT_EQ(resumed->profiles_since, At(4000));
  EXPECT_EQ(resumed->departed, 2);
  EXPECT_EQ(*Await(subscribers_->MarkUnseen("main", At(5000), At(6000), Later())), 1);
  EXPECT_THAT(Openids(By([](auto& f) { f.subscribed = true; })),
              ElementsAre("oDuring", "oNew", "oStays", "oWrites"));
  EXPECT_EQ(Get("oLeft").unsubscribe_time, At(6000));
  EXPECT_THAT(Openids(Untold()), ElementsAre("oDuring", "oNew", "oWrites"));
  EXPECT_EQ(Await(subscribers_->GetSync("other", Later()))->start_time, std::nullopt);
}

TEST_F(SubscriberStoreTest, RevokedAndGoneProfilesAreErased) {
  Update({User("oA", 1000), User("oB", 1000), User("oC", 1000)}, 2000);
  ASSERT_EQ(Get("oA").profile.nickname, "🪿");
  Apply("oA", 3000, model::SubscriberEffect::Kind::kProfileChanged);
  EXPECT_EQ(Get("oA").profile.nickname, "🪿") << "until WeChat has told the new one";
  Apply("oB", 3000, model::SubscriberEffect::Kind::kProfileRevoked);
  EXPECT_EQ(Get("oB").profile.nickname, "");
  EXPECT_EQ(Get("oB").profile.unionid, "uoB");
  EXPECT_TRUE(Get("oB").subscribed);
  EXPECT_THAT(Openids(Untold()), ElementsAre("oA", "oB"));
  Apply("oC", 3000, model::SubscriberEffect::Kind::kGone);
  EXPECT_FALSE(Get("oC").subscribed);
  EXPECT_EQ(Get("oC").profile.unionid, "");
  EXPECT_THAT(Openids(Untold()), ElementsAre("oA", "oB"));
  // Nothing is kept of strangers.
  Apply("oD", 3000, model::SubscriberEffect::Kind::kProfileRevoked);
  EXPECT_THAT(Await(subscribers_->Get("main", "oD", Later())),
              StatusIs(absl::StatusCode::kNotFound, "SUBSCRIBER_NOT_FOUND"));
}

}  // namespace
}  // namespace hongyan::storage
