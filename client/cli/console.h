// Where a command writes and how.
//
// Threads:  one.
// Lifetime: the streams outlive it.
#pragma once

#include <istream>
#include <ostream>
#include <string>

#include "absl/time/time.h"
#include "client/cli/language.h"

namespace hongyan::cli {

struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  // Terminals get a progress bar on err, and no line for each success on out.
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  int columns = 80;
  Language language = Language::kEnglish;
  // Errors are JSON objects on err, one a line.
  bool json_errors = false;
  absl::TimeZone zone = absl::UTCTimeZone();
  // That of `out`, to notice a reader who leaves while nothing is written; -1: it is not watched.
  int out_descriptor = -1;
  // Whoever read `out` has left, as `head` does when it has enough: no failure of ours.
  bool reader_left = false;
};

// Tells a person something on err that is no error; nothing where programs read.
void Note(Console& console, const Wording& wording);

// Writes `text` through to whoever reads `console.out`. False: that isn't possible any more.
bool Emit(Console& console, const std::string& text);

}  // namespace hongyan::cli
