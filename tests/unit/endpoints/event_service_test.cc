// WatchEvents over a real connection: readers of every pace.
#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "hongyan/v1/event.grpc.pb.h"
#include "server/api/events.h"
#include "server/endpoints/grpc/grpc_server.h"
#include "server/endpoints/grpc/router.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_storage.h"

namespace hongyan::endpoints {
namespace {

using ::testing::HasSubstr;

constexpr int kEvents = 300;
constexpr std::size_t kContent =
    16 << 10;  // so that they are far more than any window of HTTP/2 holds

template <typename ClockKind>
class EventServiceFixture : public ::testing::Test {
 protected:
  EventServiceFixture() {
    storage_.events().SetListener(
        [this](const storage::CommittedEvent& event) { feed_.Recorded(event.cursor); });
    GrpcServerOptions options;
    options.listen = "127.0.0.1:0";
    EXPECT_TRUE(server_.Start(options, router_).ok());
    thread_ = std::thread([this] { loop_.Run(); });
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // the window stays small
    stub_ = v1::EventService::NewStub(grpc::CreateCustomChannel(
        server_.address(), grpc::InsecureChannelCredentials(), arguments));
  }
  ~EventServiceFixture() override {
    loop_.Post([this] { router_.BeginStop(clock_.Mono()); });
    server_.Shutdown(absl::Seconds(10));
    loop_.Post([this] { loop_.ReleaseWork(); });
    thread_.join();
  }

  static async::Task<void> RecordAll(EventServiceFixture& test, int first, int count,
                                     std::promise<bool>& done) {
    bool good = true;
    for (int i = first; i < first + count; ++i) {
      model::NewEvent event;
      event.account = "main";
      event.openid = "oU";
      event.type = "text";
      event.receive_time = test.clock_.Now();
      event.dedup_key = absl::StrCat("k", i);
      event.body = absl::StrCat("<xml><MsgType>text</MsgType><Content>", std::string(kContent, 'x'),
                                "</Content><MsgId>1</MsgId></xml>");
      const auto recorded = co_await test.storage_.events().Record(
          std::move(event), async::After(test.clock_.Mono(), absl::Minutes(10)));
      good = good && recorded.ok();
      if (recorded.ok()) test.cursors_.push_back(recorded->cursor);
    }
    done.set_value(good);
  }
  void Record(int first, int count) {
    std::promise<bool> done;
    loop_.Post([&] {
      async::asio::co_spawn(loop_.executor(), RecordAll(*this, first, count, done),
                            [](std::exception_ptr) {});
    });
    ASSERT_TRUE(done.get_future().get());
  }
  std::unique_ptr<grpc::ClientReader<v1::WatchEventsResponse>> Watch(grpc::ClientContext& context,
                                                                     std::int64_t after) {
    v1::WatchEventsRequest request;
    request.set_after_cursor(after);
    return stub_->WatchEvents(&context, request);
  }

  double Watchers() {
    for (const auto& family : metrics_.registry().Collect()) {
      if (family.name == "hongyan_event_watchers") return family.metric.at(0).gauge.value;
    }
    return -1;
  }

  async::EventLoop loop_;
  ClockKind clock_{loop_};
  base::Metrics metrics_;
  support::TempStorage storage_{loop_, clock_};
  core::Accounts accounts_;
  core::EventFeed feed_{clock_, storage_.events().first_cursor()};
  api::Events events_{storage_.events(), feed_, clock_, metrics_};
  Router router_{
      loop_, clock_, metrics_, accounts_, {events_.Methods()}, RouterOptions{10, absl::Seconds(1)}};
  GrpcServer server_;
  std::thread thread_;
  std::unique_ptr<v1::EventService::Stub> stub_;
  std::vector<std::int64_t> cursors_;  // of what was recorded
};

using EventServiceTest = EventServiceFixture<async::SystemClock>;
using AgedWatchTest = EventServiceFixture<support::FakeClock>;

TEST_F(EventServiceTest, ReaderThatTakesNothingIsCutOffAndGoesOnByItsCursor) {
  Record(0, kEvents);
  grpc::ClientContext slow_context;
  const auto slow = Watch(slow_context, 0);
  v1::WatchEventsResponse response;
  ASSERT_TRUE(slow->Read(&response));
  // Meanwhile others get everything, and new events are recorded.
  grpc::ClientContext quick_context;
  const auto quick = Watch(quick_context, 0);
  for (int i = 0; i < kEvents; ++i) {
    ASSERT_TRUE(quick->Read(&response));
    ASSERT_EQ(response.event().cursor(), cursors_[i]);
  }
  Record(kEvents, 1);
  ASSERT_TRUE(quick->Read(&response));
  EXPECT_EQ(response.event().cursor(), cursors_[kEvents]);
  while (Watchers() > 1) std::this_thread::yield();  // until the slow one is cut off
  // Coming back, it finds what was on its way, and then why it ended.
  int seen = 1;
  while (slow->Read(&response)) ASSERT_EQ(response.event().cursor(), cursors_[seen++]);
  EXPECT_LT(seen, kEvents);
  const grpc::Status ended = slow->Finish();
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(ended.error_message(), HasSubstr("cut off"));
  grpc::ClientContext again_context;
  const auto again = Watch(again_context, cursors_[seen - 1]);
  while (seen <= kEvents) {
    ASSERT_TRUE(again->Read(&response));
    ASSERT_EQ(response.event().cursor(), cursors_[seen++]);
  }
  again_context.TryCancel();
  quick_context.TryCancel();
  again->Finish();
  quick->Finish();
}

TEST_F(EventServiceTest, StopEndsAWatchThatWaitsForItsReader) {
  Record(0, kEvents);
  grpc::ClientContext context;
  const auto reader = Watch(context, 0);
  v1::WatchEventsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  std::promise<void> stopping;
  loop_.Post([&] {
    router_.BeginStop(async::MonoTime::max());
    stopping.set_value();
  });
  stopping.get_future().get();
  int seen = 1;
  while (reader->Read(&response)) ++seen;
  EXPECT_LT(seen, kEvents);
  const grpc::Status ended = reader->Finish();
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(ended.error_details(), HasSubstr("SHUTTING_DOWN"));
}

TEST_F(AgedWatchTest, StreamThatIsADayOldEndsAndSaysSo) {
  grpc::ClientContext context;
  const auto reader = Watch(context, 0);
  reader->WaitForInitialMetadata();
  // It waits for news once no limit of a read is left.
  bool a_day_later = false;
  while (!a_day_later) {
    std::promise<bool> looked;
    loop_.Post([&] {
      const absl::Duration wait = async::Between(clock_.Mono(), clock_.NextAlarm());
      const bool waits = wait > absl::Hours(23) && wait <= absl::Hours(24);
      if (waits) clock_.AdvanceToNextAlarm();
      looked.set_value(waits);
    });
    a_day_later = looked.get_future().get();
  }
  v1::WatchEventsResponse response;
  EXPECT_FALSE(reader->Read(&response));
  const grpc::Status ended = reader->Finish();
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::UNAVAILABLE);
  google::rpc::Status status;
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(status.ParseFromString(ended.error_details()));
  ASSERT_TRUE(status.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "STREAM_AGED");
}

TEST_F(EventServiceTest, A05_CursorThatWasNeverGivenIsRefusedAtOnce) {
  Record(0, 2);
  v1::WatchEventsResponse response;
  for (const std::int64_t unknown :
       {cursors_.back() + 1, std::numeric_limits<std::int64_t>::max()}) {
    grpc::ClientContext watch_context;
    const auto watch = Watch(watch_context, unknown);
    EXPECT_FALSE(watch->Read(&response));
    const grpc::Status ended = watch->Finish();
    EXPECT_EQ(ended.error_code(), grpc::StatusCode::OUT_OF_RANGE);
    EXPECT_THAT(ended.error_message(), HasSubstr("after_cursor"));
    EXPECT_THAT(ended.error_details(), HasSubstr("CURSOR_UNKNOWN"));
    grpc::ClientContext list_context;
    v1::ListEventsRequest request;
    request.set_after_cursor(unknown);
    v1::ListEventsResponse page;
    const grpc::Status listed = stub_->ListEvents(&list_context, request, &page);
    EXPECT_EQ(listed.error_code(), grpc::StatusCode::OUT_OF_RANGE);
    EXPECT_THAT(listed.error_details(), HasSubstr("CURSOR_UNKNOWN"));
  }
}

// Whoever follows closely shares one read of each event, however far apart in time the events are.
TEST_F(EventServiceTest, WatchersAtTheEndShareTheirReads) {
  Record(0, 1);
  constexpr int kWatchers = 20;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::WatchEventsResponse>>> watches;
  v1::WatchEventsResponse response;
  for (int i = 0; i < kWatchers; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    watches.push_back(Watch(*contexts.back(), 0));
    ASSERT_TRUE(watches.back()->Read(&response));
  }
  constexpr int kMore = 20;
  const std::int64_t before = storage_.thread().stats().reads;
  for (int event = 1; event <= kMore; ++event) {
    Record(event, 1);
    for (const auto& watch : watches) {
      ASSERT_TRUE(watch->Read(&response));
      ASSERT_EQ(response.event().cursor(), cursors_[event]);
    }
  }
  EXPECT_LT(storage_.thread().stats().reads - before, kMore * kWatchers / 2);
  for (int i = 0; i < kWatchers; ++i) {
    contexts[i]->TryCancel();
    watches[i]->Finish();
  }
}

}  // namespace
}  // namespace hongyan::endpoints
