// Where a command writes and how.
//
// Lifetime: the streams outlive it.
#pragma once

#include <istream>
#include <ostream>

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
  absl::TimeZone zone = absl::UTCTimeZone();
};

}  // namespace hongyan::cli
