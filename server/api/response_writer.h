// Where the function behind a streaming RPC writes its responses.
//
// Contract: Write() ends when the transport has taken the message, so a slow reader slows the
//           function and nothing piles up. False once the caller is gone, which its deadline brings
//           about too, or has taken nothing for so long that it counts as stalled(); the function
//           ends then, with a status that a caller who reads on soon still finds. After a cancelled
//           Write() the task can't be cancelled any more; where the stream can be taken up
//           elsewhere, it says false. Several tasks may write; they take turns. Begin() sends the
//           initial metadata ahead of the first message, to tell that the stream stands: at most
//           once, before any Write().
// Bounds:   one message, and what the transport's windows hold.
// Threads:  event loop only.
#pragma once

#include <google/protobuf/message_lite.h>

#include "absl/status/status.h"
#include "server/api/call.h"
#include "server/async/task.h"

namespace hongyan::api {

class MessageWriter {
 public:
  virtual ~MessageWriter() = default;
  virtual async::Task<bool> Write(const google::protobuf::MessageLite& response) = 0;
  virtual async::Task<bool> Begin() = 0;
  virtual bool stalled() const = 0;
};

template <typename Response>
class ResponseWriter {
 public:
  explicit ResponseWriter(MessageWriter& writer) : writer_(writer) {}
  // `response` is serialized before the task first waits.
  async::Task<bool> Write(const Response& response) { return writer_.Write(response); }
  async::Task<bool> Begin() { return writer_.Begin(); }
  bool stalled() const { return writer_.stalled(); }

 private:
  MessageWriter& writer_;
};

// Why a stream that could go on ends: its reader was stalled, its time is over, or its caller is
// gone.
absl::Status StreamEnd(const Call& call, bool stalled, async::MonoTime now);

}  // namespace hongyan::api
