// Sends the lines of a batch in small calls, two at a time, and keeps account of each.
//
// Contract: a line is journalled as begun before its call, and as finished after its result was
//           reported and, if it was not accepted, written to its file. A line without result counts
//           as unknown, unless its call certainly sent nothing: then it stays unsent. A call holds
//           no more lines than the service works on at once, so what is journalled as begun is on
//           its way. After the first call that fails none is begun.
// Errors:   Run() returns why it ended early; OK also after an interrupt.
// Threads:  one; Run() has a second one, and ends it.
// Lifetime: everything given to the constructor outlives it.
#pragma once

#include <cstddef>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cli/batch_file.h"
#include "client/cli/batch_journal.h"
#include "client/cli/batch_report.h"
#include "client/cli/session.h"

namespace hongyan::cli {

// The service works on so many of one call at once (docs/operations.md, Limits).
inline constexpr std::size_t kMaxChunkLines = 32;
// Well below the 4 MiB that the service takes by default.
inline constexpr std::size_t kMaxChunkBytes = 1U << 20U;

// Lines go to it as they are; it comes into being with the first one.
class LineFile {
 public:
  explicit LineFile(std::string path) : path_(std::move(path)) {}
  absl::Status Write(absl::string_view line);
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::ofstream file_;
};

class BatchSender {
 public:
  BatchSender(Session& session, BatchJournal& journal, LineFile& failed, LineFile& unknown,
              BatchReport& report)
      : session_(session), journal_(journal), failed_(failed), unknown_(unknown), report_(report) {}

  // `counts` goes on from what it holds.
  absl::Status Run(const std::vector<BatchLine>& lines, BatchCounts& counts);

  // Records a line that can't be sent.
  absl::Status Refuse(const BadLine& bad, BatchCounts& counts);

  // Records a line that an earlier run left without result.
  absl::Status Abandon(const BatchLine& line, BatchCounts& counts);

 private:
  struct Chunk {
    std::vector<BatchLine> lines;
    std::vector<bool> answered;
    v1::SendBatchRequest request;
  };

  // Sends call after call until nothing is left, one failed or the user interrupts. Two of them
  // run at the same time, so that one is on its way while the other waits for its slowest line.
  void SendChunks(const std::vector<BatchLine>& lines, BatchCounts& counts);
  bool HasMore(const std::vector<BatchLine>& lines);
  // Takes the next lines and journals them as begun. nullopt: there is nothing more to begin.
  std::optional<Chunk> Begin(const std::vector<BatchLine>& lines);
  Chunk Fill(const std::vector<BatchLine>& lines, std::size_t from) const;
  absl::Status Send(Chunk& chunk, BatchCounts& counts);
  absl::Status Record(const BatchLine& line, const v1::Delivery& delivery, BatchCounts& counts);

  Session& session_;
  BatchJournal& journal_;
  LineFile& failed_;
  LineFile& unknown_;
  BatchReport& report_;

  // Guards what follows, and journal, files, report and counts while Run() runs.
  std::mutex mutex_;
  std::size_t next_ = 0;
  absl::Status failure_;
};

}  // namespace hongyan::cli
