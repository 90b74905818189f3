#include "client/cli/console.h"

#include <cerrno>

namespace hongyan::cli {

void Note(Console& console, const Wording& wording) {
  if (!console.json_errors) {
    console.err << "hongyan: " << wording.In(console.language) << "\n" << std::flush;
  }
}

bool Emit(Console& console, const std::string& text) {
  errno = 0;
  console.out << text << std::flush;
  if (console.out) return true;
  console.reader_left = console.reader_left || errno == EPIPE;
  return false;
}

}  // namespace hongyan::cli
