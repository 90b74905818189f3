// FILE.progress: what an interrupted batch has done, so that --resume neither loses nor repeats a
// line.
//
// Contract: Begin() is on disk before the lines leave, Finish() after their result is known. A line
//           that began and neither finished nor was released may have been sent. The journal
//           belongs to one content of its file: LoadProgress() refuses it for another.
// Errors:   INVALID_ARGUMENT: of another content or not a journal. UNKNOWN: the file can't be
//           written.
// Threads:  one.
// Units:    line numbers, from 1.
//
//   hongyan-progress 1 cbf29ce484222325      version, fingerprint of the content
//   begin 1 32                               lines 1 to 32, where not finished yet
//   finish 2 ACCEPTED
//   release 1 32                             undoes that begin: none of the unfinished was sent
//   end                                      nothing is left to do
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cli/batch_file.h"

namespace hongyan::cli {

// What a journal says.
struct BatchProgress {
  absl::flat_hash_set<std::int64_t> finished;
  // Of these, those that ended otherwise than accepted.
  absl::flat_hash_set<std::int64_t> not_accepted;
  // Began, and no result was recorded.
  absl::flat_hash_set<std::int64_t> unclear;
  bool ended = false;
};

// FNV-1a over the content.
std::uint64_t Fingerprint(absl::string_view content);

// Of `lines`, in their order. Nothing finished when there is no such file.
absl::StatusOr<BatchProgress> LoadProgress(const std::string& path, std::uint64_t fingerprint,
                                           const std::vector<BatchLine>& lines);

class BatchJournal {
 public:
  // Adds to what is there when `resume` (a line that a crash cut off goes), else begins anew.
  static absl::StatusOr<BatchJournal> Open(const std::string& path, std::uint64_t fingerprint,
                                           bool resume);
  // Writes nothing: for standard input.
  static BatchJournal None() { return BatchJournal(nullptr); }

  absl::Status Begin(std::int64_t first, std::int64_t last);
  absl::Status Finish(std::int64_t line, absl::string_view state);
  // `first` and `last` as they were begun.
  absl::Status Release(std::int64_t first, std::int64_t last);
  absl::Status End();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  explicit BatchJournal(std::FILE* file) : file_(file) {}
  absl::Status Write(const std::string& line, bool durably);

  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace hongyan::cli
