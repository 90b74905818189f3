#include "server/storage/event_store.h"

#include <limits>

#include "server/base/status.h"
#include "server/storage/event_rows.h"
#include "tests/unit/storage/storage_fixture.h"

namespace hongyan::storage {
namespace {

using ::hongyan::support::IsOk;
using ::hongyan::support::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class EventStoreTest : public StorageTest {
 protected:
  int number_ = 0;  // for keys
};

TEST_F(EventStoreTest, EventIsStoredAsItCame) {
  Open();
  model::NewEvent event = Event("k1", "scan", "shop");
  event.body = "{\"EventKey\":\"'; DROP TABLE events; --\",\"x\":\"鸿雁🪿\"}";
  event.format = model::BodyFormat::kJson;
  event.create_time = std::nullopt;
  ASSERT_THAT(Record(event), IsOk());
  const auto page = List({}, 0);
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->events.size(), 1u);
  const model::StoredEvent& stored = page->events[0];
  EXPECT_EQ(stored.cursor, kFirst);
  EXPECT_EQ(stored.account, "shop");
  EXPECT_EQ(stored.openid, "oABC");
  EXPECT_EQ(stored.type, "scan");
  EXPECT_EQ(stored.create_time, std::nullopt);
  EXPECT_EQ(stored.receive_time, event.receive_time);
  EXPECT_EQ(stored.format, model::BodyFormat::kJson);
  EXPECT_EQ(stored.body, event.body);
  EXPECT_FALSE(stored.damaged);
  EXPECT_EQ(Sql("SELECT body FROM events"), event.body);
}

TEST_F(EventStoreTest, RepeatIsOneRowWithTheFirstCursor) {
  Open();
  ASSERT_THAT(Record(Event("a")), IsOk());
  const auto first = Record(Event("b"));
  const auto repeat = Record(Event("b"));
  ASSERT_THAT(repeat, IsOk());
  EXPECT_FALSE(first->repeated);
  EXPECT_TRUE(repeat->repeated);
  EXPECT_EQ(repeat->cursor, first->cursor);
  // The same key of another account, and one that differs in case, are others.
  EXPECT_FALSE(Record(Event("b", "text", "other"))->repeated);
  EXPECT_FALSE(Record(Event("B"))->repeated);
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM events"), "4");
}

TEST_F(EventStoreTest, RepeatsInOneBatchAreOneRow) {
  Open();
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<Recorded>>>> results;
  for (int i = 0; i < 50; ++i) results.push_back(Go(events_->Record(Event("same"), Later())));
  RunUntil([&] { return results.back()->has_value(); });
  int fresh = 0;
  for (const auto& result : results) {
    EXPECT_EQ((**result)->cursor, kFirst);
    fresh += (**result)->repeated ? 0 : 1;
  }
  EXPECT_EQ(fresh, 1);
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM events"), "1");
}

TEST_F(EventStoreTest, RepeatIsKnownAfterARestart) {
  Open();
  ASSERT_THAT(Record(Event("a")), IsOk());
  Close();
  Open();
  EXPECT_TRUE(Record(Event("a"))->repeated);
  EXPECT_EQ(*Await(events_->LastCursor(Later())), kFirst);
}

TEST_F(EventStoreTest, EffectIsAppliedOnceTogetherWithTheEvent) {
  Open();
  model::NewEvent event = Event("a");
  event.effect.opens = model::SubscriberEffect::Opens::kMessageWindow;
  event.effect.allowance = 5;
  event.effect.window = absl::Hours(48);
  ASSERT_THAT(Record(event), IsOk());
  ASSERT_THAT(Await(subscribers_->Spend({{"main", "oABC", 1, false}}, At(1700000010), Later())),
              IsOk());
  ASSERT_TRUE(Record(event)->repeated);
  const auto row = Await(subscribers_->Get("main", "oABC", Later()));
  ASSERT_THAT(row, IsOk());
  EXPECT_EQ(row->AllowanceLeft(At(1700000010)), 4);
  EXPECT_EQ(row->last_inbound_time, event.create_time);
}

TEST_F(EventStoreTest, ListFiltersAndPages) {
  Open();
  for (int i = 0; i < 10; ++i) {
    ASSERT_THAT(Record(Event(absl::StrCat("k", i), i % 2 ? "text" : "image", i < 6 ? "a" : "b")),
                IsOk());
  }
  EXPECT_THAT(Numbers(*List({}, 0)), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(Numbers(*List({"b", {}}, 0)), ElementsAre(7, 8, 9, 10));
  EXPECT_THAT(Numbers(*List({"", {"text"}}, Nth(4))), ElementsAre(6, 8, 10));
  EXPECT_THAT(Numbers(*List({"a", {"image", "link"}}, Nth(1))), ElementsAre(3, 5));
  auto page = *List({"", {"text"}}, 0, 2);
  EXPECT_THAT(Numbers(page), ElementsAre(2, 4));
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.next_cursor, Nth(4));
  page = *List({"", {"text"}}, page.next_cursor, 100);
  EXPECT_THAT(Numbers(page), ElementsAre(6, 8, 10));
  EXPECT_FALSE(page.more);
  page = *List({}, Nth(10));
  EXPECT_THAT(page.events, IsEmpty());
  EXPECT_FALSE(page.more);
  EXPECT_EQ(page.next_cursor, Nth(10));
  EXPECT_THAT(List({"", {"x' OR '1'='1"}}, 0), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(EventStoreTest, ListIsBoundedByBytes) {
  Open();
  model::NewEvent large = Event("x");
  large.body.assign(kMaxEventBody, 'x');
  for (int i = 0; i < 6; ++i) {
    large.dedup_key = absl::StrCat("large", i);
    large.type = i % 2 == 0 ? "text" : "link";
    ASSERT_THAT(Record(large), IsOk());
  }
  for (const EventFilter& filter : {EventFilter{}, EventFilter{"main", {"link", "text"}}}) {
    const auto page = *List(filter, 0);
    EXPECT_EQ(page.events.size(), kMaxPageBytes / kMaxEventBody);
    EXPECT_TRUE(page.more);
    EXPECT_EQ(page.next_cursor, Nth(3));
  }
}

TEST_F(EventStoreTest, FieldsOverTheirBoundsAreRefused) {
  Open();
  for (const auto& spoil : std::vector<std::function<void(model::NewEvent&)>>{
           [](model::NewEvent& e) { e.account.clear(); },
           [](model::NewEvent& e) { e.account.assign(65, 'a'); },
           [](model::NewEvent& e) { e.openid.assign(129, 'o'); },
           [](model::NewEvent& e) { e.type = "Text"; },
           [](model::NewEvent& e) { e.dedup_key.clear(); },
           [](model::NewEvent& e) { e.body.assign(kMaxEventBody + 1, 'x'); }}) {
    model::NewEvent event = Event("a");
    spoil(event);
    EXPECT_THAT(Record(event), StatusIs(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM events"), "0");
}

TEST_F(EventStoreTest, C03_TimesFarOffOverflowNothing) {
  Open();
  model::NewEvent event = Event("past");
  event.receive_time = absl::InfinitePast();
  event.create_time = absl::InfiniteFuture();
  ASSERT_THAT(Record(event), IsOk());
  event = Event("far");
  event.receive_time = absl::FromCivil(absl::CivilYear(2100), absl::UTCTimeZone());
  ASSERT_THAT(Record(event), IsOk());
  const auto page = *List({}, 0);
  ASSERT_EQ(page.events.size(), 2u);
  EXPECT_FALSE(page.events[0].damaged);
  EXPECT_EQ(page.events[1].receive_time, event.receive_time);
}

TEST_F(EventStoreTest, C04_CursorsGrowWhenTheClockJumpsBack) {
  Open();
  for (int i = 0; i < 5; ++i) {
    model::NewEvent event = Event(absl::StrCat("k", i));
    event.create_time = At(1700000000 - 3600 * i);
    event.receive_time = At(1700000000 - 3600 * i);
    EXPECT_EQ(Record(event)->cursor, 1700000000000000 + i);
  }
  EXPECT_EQ(List({}, 0)->events.size(), 5u);
}

TEST_F(EventStoreTest, A05_CursorIsNeverBelowTheTimeOfReceipt) {
  Open();
  model::NewEvent event = Event("now");
  event.receive_time = At(1700000000);
  EXPECT_EQ(Record(event)->cursor, 1700000000000000);
  // Of the same microsecond.
  event.dedup_key = "twin";
  EXPECT_EQ(Record(event)->cursor, 1700000000000001);
  // The clock is wrong for a while. Cursors go on from there, and once the time has come that far,
  // with the time again.
  event.dedup_key = "ahead";
  event.receive_time = At(1800000000);
  EXPECT_EQ(Record(event)->cursor, 1800000000000000);
  event.dedup_key = "right";
  event.receive_time = At(1700000002);
  EXPECT_EQ(Record(event)->cursor, 1800000000000001);
  event.dedup_key = "later";
  event.receive_time = At(1800000001);
  EXPECT_EQ(Record(event)->cursor, 1800000001000000);
}

TEST_F(EventStoreTest, A05_CursorThatWasNeverGivenIsUnknown) {
  Open();
  EXPECT_THAT(List({}, 0), IsOk());
  EXPECT_THAT(List({}, 1), StatusIs(absl::StatusCode::kOutOfRange, "CURSOR_UNKNOWN"));
  ASSERT_THAT(Record(Event("a")), IsOk());
  ASSERT_THAT(Record(Event("b")), IsOk());
  EXPECT_TRUE(List({}, Nth(2))->events.empty());
  const auto unknown = List({"other", {"link"}}, Nth(3));
  EXPECT_THAT(unknown, StatusIs(absl::StatusCode::kOutOfRange, "CURSOR_UNKNOWN"));
  EXPECT_EQ(base::GetMetadata(unknown.status(), "last_cursor"), absl::StrCat(Nth(2)));
  EXPECT_THAT(List({}, std::numeric_limits<std::int64_t>::max()),
              StatusIs(absl::StatusCode::kOutOfRange, "CURSOR_UNKNOWN"));
  // Nothing of it counts as a fault of the storage.
  EXPECT_EQ(thread_->stats().failed, 0);
  EXPECT_THAT(thread_->health(), IsOk());
  // What was given and is gone was given.
  ASSERT_THAT(Await(events_->Prune(At(1900000000), absl::Hours(1), Later())), IsOk());
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM events"), "0");
  EXPECT_EQ(List({}, Nth(1))->next_cursor, Nth(2));
  EXPECT_THAT(List({}, Nth(2)), IsOk());
}

TEST_F(EventStoreTest, PageOfAnyFilterReadsAnIndexFromItsCursorOn) {
  Open();
  ASSERT_THAT(Record(Event("a")), IsOk());
  std::vector<std::string> many;
  for (std::size_t i = 0; i < kMaxTypes; ++i) many.push_back(absl::StrCat("type_", i));
  const auto plan = [this](const std::string& query) { return Sql("EXPLAIN QUERY PLAN " + query); };
  for (const EventFilter& filter :
       {EventFilter{}, EventFilter{"main", {}}, EventFilter{"", {"link"}},
        EventFilter{"main", {"link"}}, EventFilter{"", {"link", "text", "image"}},
        EventFilter{"main", {"link", "text", "image"}}, EventFilter{"main", many},
        EventFilter{"", many}}) {
    const std::string found = plan(EventsQuery(filter, 101));
    EXPECT_THAT(found, HasSubstr("SEARCH events")) << EventsQuery(filter, 101);
    EXPECT_THAT(found, Not(HasSubstr("SCAN"))) << found;
    EXPECT_THAT(found, Not(HasSubstr("TEMP B-TREE"))) << found;
    // From the cursor on, within what the filter names.
    const std::string range = filter.account.empty() && filter.types.empty() ? "rowid>?"
                              : filter.types.empty()                         ? "account=? AND seq>?"
                              : filter.account.empty() ? "event_type=? AND seq>?"
                                                       : "account=? AND event_type=? AND seq>?";
    EXPECT_THAT(found, HasSubstr(range));
    EXPECT_THAT(List(filter, 0), IsOk());
  }
  many.emplace_back("one_more");
  EXPECT_THAT(List({"", many}, 0), StatusIs(absl::StatusCode::kInvalidArgument));
  for (const std::string& query : {OldEventsQuery(), OldKeysQuery()}) {
    EXPECT_THAT(plan(query), AllOf(HasSubstr("receive_time<?"), Not(HasSubstr("SCAN")),
                                   Not(HasSubstr("TEMP B-TREE"))));
  }
}

TEST_F(EventStoreTest, TypesThatAreNamedTwiceAreListedOnce) {
  Open();
  for (const char* type : {"text", "link", "text"}) {
    ASSERT_THAT(Record(Event(absl::StrCat(type, ++number_), type)), IsOk());
  }
  EXPECT_THAT(Numbers(*List({"", {"text", "link", "text"}}, 0)), ElementsAre(1, 2, 3));
}

TEST_F(EventStoreTest, D07_FlippedBitIsToldAndTheOthersGoOn) {
  Open();
  for (const char* key : {"first", "second", "third"}) ASSERT_THAT(Record(Event(key)), IsOk());
  Close();
  std::string bytes = ReadFile(path_);
  const std::size_t at = bytes.find("second</Content>");
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  WriteFile(path_, bytes);
  ASSERT_EQ(Sql("PRAGMA integrity_check"), "ok");  // SQLite itself doesn't see it
  Open();
  const auto page = List({}, 0);
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->events.size(), 3u);
  EXPECT_FALSE(page->events[0].damaged);
  EXPECT_TRUE(page->events[1].damaged);
  EXPECT_FALSE(page->events[2].damaged);
  EXPECT_EQ(thread_->stats().damaged, 1);
}

TEST_F(EventStoreTest, A17_D07_DamagedEventIsListedUnderItsTypeAndCountedOnce) {
  Open();
  for (const char* key : {"first", "second"}) ASSERT_THAT(Record(Event(key)), IsOk());
  ASSERT_THAT(Record(Event("third", "link")), IsOk());
  Close();
  Sql(absl::StrCat("UPDATE events SET body = 'x' WHERE seq = ", Nth(2)));
  Open();
  for (int reads = 0; reads < 3; ++reads) {
    const auto page = List({"main", {"text"}}, 0);
    ASSERT_THAT(page, IsOk());
    EXPECT_THAT(Numbers(*page), ElementsAre(1, 2));
    EXPECT_EQ(page->events[1].type, "text");
    EXPECT_FALSE(page->events[0].damaged);
    EXPECT_TRUE(page->events[1].damaged);
    EXPECT_EQ(thread_->stats().damaged, 1);
  }
}

TEST_F(EventStoreTest, D07_DestroyedPageIsToldAndOtherTablesGoOn) {
  Open();
  for (int i = 0; i < 40; ++i) ASSERT_THAT(Record(Event(absl::StrCat("k", i))), IsOk());
  Close();
  std::string bytes = ReadFile(path_);
  const std::size_t page = bytes.find("k20</Content>") / 4096 * 4096;
  ASSERT_GT(page, 0u);
  bytes.replace(page, 4096, std::string(4096, '\0'));
  WriteFile(path_, bytes);
  Open();
  EXPECT_THAT(List({}, 0), StatusIs(absl::StatusCode::kInternal, "STORAGE_CORRUPT"));
  EXPECT_THAT(Await(subscribers_->SeeFollowers("main", {"oA"}, At(1), At(1), Later())), IsOk());
  EXPECT_THAT(Await(subscribers_->Get("main", "oA", Later())), IsOk());
}

TEST_F(EventStoreTest, D07_DamageIsTheStoragesHealthUntilItIsMended) {
  Open();
  for (int i = 0; i < 40; ++i) ASSERT_THAT(Record(Event(absl::StrCat("k", i))), IsOk());
  Close();
  const std::string sound = ReadFile(path_);
  // The root of the table, so that every event meets it.
  const std::string root = Sql("SELECT rootpage FROM sqlite_master WHERE name = 'events'");
  std::string bytes = sound;
  bytes.replace((std::stoull(root) - 1) * 4096, 4096, std::string(4096, '\xff'));
  WriteFile(path_, bytes);
  Open();
  EXPECT_THAT(Record(Event("new")), StatusIs(absl::StatusCode::kInternal, "STORAGE_CORRUPT"));
  EXPECT_THAT(thread_->health(), StatusIs(absl::StatusCode::kInternal, "STORAGE_CORRUPT"));
  // What still works mends nothing, nor does time.
  EXPECT_THAT(Await(subscribers_->SeeFollowers("main", {"oA"}, At(1), At(1), Later())), IsOk());
  const std::int64_t begun = absl::ToUnixMillis(clock_.Now());
  while (absl::ToUnixMillis(clock_.Now()) < begun + 1200) {
    EXPECT_THAT(Await(subscribers_->Get("main", "oA", Later())), IsOk());
    ASSERT_FALSE(thread_->health().ok());
  }
  const std::size_t at = (std::stoull(root) - 1) * 4096;
  std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(at)).write(sound.data() + at, 4096).flush();
  while (!thread_->health().ok()) Await(subscribers_->Get("main", "oA", Later())).IgnoreError();
  EXPECT_THAT(Record(Event("new")), IsOk());
  EXPECT_THAT(Await(subscribers_->Get("main", "oA", Later())), IsOk());
  EXPECT_THAT(List({}, 0), IsOk());
}

TEST_F(EventStoreTest, D07_WhatIsSoundCanBeReadBesideDamagedCounters) {
  const auto destroy = [this](const std::string& table) {
    const std::string root = Sql("SELECT rootpage FROM sqlite_master WHERE name = '" + table + "'");
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>((std::stoull(root) - 1) * 4096));
    file << std::string(4096, '\xff');
  };
  Open();
  ASSERT_THAT(Record(Event("a")), IsOk());
  ASSERT_THAT(Await(subscribers_->SeeFollowers("main", {"oA"}, At(1), At(1), Later())), IsOk());
  Close();
  destroy("events");
  Open();
  destroy("hongyan_counters");  // met only when the file is opened anew, to look for the damage
  EXPECT_THAT(Record(Event("b")), StatusIs(absl::StatusCode::kInternal, "STORAGE_CORRUPT"));
  const async::MonoTime end = Later();
  while (thread_->stats().failed_probes < 2 && clock_.Mono() < end) {
    EXPECT_THAT(Await(subscribers_->Get("main", "oA", Later())), IsOk());
  }
  EXPECT_EQ(thread_->stats().failed_probes, 2);
  EXPECT_THAT(thread_->health(), StatusIs(absl::StatusCode::kInternal, "STORAGE_CORRUPT"));
  EXPECT_THAT(Record(Event("b")), StatusIs(absl::StatusCode::kInternal, "STORAGE_CORRUPT"));
}

TEST_F(EventStoreTest, D12_PruneRemovesWhatIsOldInSmallBatches) {
  Open();
  const absl::Time now = At(1700000000);
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<Recorded>>>> results;
  for (int i = 0; i < 1700; ++i) {
    model::NewEvent event = Event(absl::StrCat("k", i));
    // 1200 of them 40 days ago, 300 three days ago, 200 now.
    event.receive_time = now - absl::Hours(24) * (i < 1200 ? 40 : i < 1500 ? 3 : 0);
    results.push_back(Go(events_->Record(event, Later())));
  }
  RunUntil([&] { return results.back()->has_value(); });
  const std::int64_t commits = thread_->stats().commits;
  const auto pruned = Await(events_->Prune(now, absl::Hours(24 * 30), Later()));
  ASSERT_THAT(pruned, IsOk());
  EXPECT_EQ(pruned->events, 1200);
  EXPECT_EQ(pruned->keys, 1500);  // kept for two days
  EXPECT_GE(thread_->stats().commits - commits, 1500 / kPruneBatch);
  EXPECT_EQ(Sql("SELECT COUNT(*), MIN(receive_time) FROM events"),
            absl::StrCat("500|", absl::ToUnixMicros(now - absl::Hours(72))));
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM event_keys"), "200");
  EXPECT_EQ(Await(events_->Prune(now, absl::Hours(24 * 30), Later()))->events, 0);
  // Cursors of removed events are not used again, not even when all are gone.
  ASSERT_THAT(Await(events_->Prune(now + absl::Hours(9999), absl::Hours(1), Later())), IsOk());
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM events"), "0");
  Close();
  Open();
  EXPECT_GT(Record(Event("new"))->cursor, absl::ToUnixMicros(now) + 199);
}

// Their times of receipt look old once the clock is right again, but not their cursors.
TEST_F(EventStoreTest, A06_EventsOfATimeWhenTheClockWasBehindStay) {
  Open();
  const absl::Time now = At(1700000000);
  const auto record = [this](const std::string& key, absl::Time received) {
    model::NewEvent event = Event(key);
    event.receive_time = received;
    ASSERT_THAT(Record(event), IsOk());
  };
  record("old", now - absl::Hours(24 * 40));
  record("right", now - absl::Hours(2));
  record("behind", now - absl::Hours(24 * 40));
  const auto pruned = Await(events_->Prune(now, absl::Hours(24 * 30), Later()));
  ASSERT_THAT(pruned, IsOk());
  EXPECT_EQ(pruned->events, 1);
  EXPECT_EQ(pruned->keys, 1);
  EXPECT_EQ(Sql("SELECT dedup_key FROM event_keys ORDER BY seq"), "right\nbehind");
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM events"), "2");
  // In the end they go.
  EXPECT_EQ(
      Await(events_->Prune(now + absl::Hours(24 * 31), absl::Hours(24 * 30), Later()))->events, 2);
  // A cursor that is far ahead tells nothing of the time and keeps nothing.
  record("ahead", now + absl::Hours(24 * 9999));
  record("after", now);
  EXPECT_EQ(
      Await(events_->Prune(now + absl::Hours(24 * 31), absl::Hours(24 * 30), Later()))->events, 1);
}

// Counted in transactions, which is what a send or a push waits for.
TEST_F(EventStoreTest, D12_NobodyWaitsForMoreThanOneBatchOfThePruning) {
  Open();
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<Recorded>>>> results;
  constexpr int kOld = 12 * kPruneBatch;
  for (int i = 0; i < kOld; ++i)
    results.push_back(Go(events_->Record(Event(absl::StrCat("k", i)), Later())));
  RunUntil([&] { return results.back()->has_value(); });
  const absl::Time now = At(1700000000) + absl::Hours(24 * 40);
  const auto pruned = Go(events_->Prune(now, absl::Hours(24 * 30), Later()));
  int meanwhile = 0;
  for (; !pruned->has_value(); ++meanwhile) {
    model::NewEvent event = Event(absl::StrCat("new", meanwhile));
    event.receive_time = now;
    const std::int64_t commits = thread_->stats().commits;
    ASSERT_THAT(Record(event), IsOk());
    // Its own, and the one that was under way; the third has begun before we look.
    EXPECT_LE(thread_->stats().commits - commits, 3);
  }
  EXPECT_GE(meanwhile, 12 / 3);  // so many had their turn, if each waited for three
  EXPECT_EQ((*pruned)->value().events, kOld);
  EXPECT_EQ(Sql("SELECT COUNT(*) FROM events"), std::to_string(meanwhile));
}

TEST_F(EventStoreTest, D12_FileStopsGrowingOnceOldEventsGo) {
  Open();
  absl::Time now = At(1700000000);
  std::uintmax_t after_first = 0;
  for (int day = 0; day < 12; ++day) {
    std::vector<std::shared_ptr<std::optional<absl::StatusOr<Recorded>>>> results;
    for (int i = 0; i < 1000; ++i) {
      model::NewEvent event = Event(absl::StrCat("d", day, "k", i));
      event.receive_time = now;
      results.push_back(Go(events_->Record(event, Later())));
    }
    RunUntil([&] { return results.back()->has_value(); });
    ASSERT_THAT(Await(events_->Prune(now, absl::Hours(48), Later())), IsOk());
    now += absl::Hours(24);
    if (day == 4) after_first = std::stoull(Sql("PRAGMA page_count"));
  }
  EXPECT_LE(std::stoull(Sql("PRAGMA page_count")), after_first * 11 / 10);
}

}  // namespace
}  // namespace hongyan::storage
