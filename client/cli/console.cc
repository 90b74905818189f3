#include "client/cli/console.h"

#include <cerrno>

namespace hongyan::cli {

bool Emit(Console& console, const std::string& text) {
  errno = 0;
  console.out << text << std::flush;
  if (console.out) return true;
  console.reader_left = console.reader_left || errno == EPIPE;
  return false;
}

}  // namespace hongyan::cli
