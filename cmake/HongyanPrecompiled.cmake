# Two precompiled headers, made once for all targets: reading headers is half of a compilation. They hold what nearly every
# source includes and what takes long to read; sources include all the same what they use.
#
# hongyan_precompiled(TARGET [TESTS]): lets a target of ours use them. Every target is compiled -fPIC -pthread
# (HongyanOptions), or the compiler would refuse them.
#
# No file of ours is among them, since its path would keep ccache from sharing them between checkouts.
set(HONGYAN_PRECOMPILED
  <algorithm> <chrono> <cstdint> <functional> <map> <memory> <optional> <set> <string> <utility> <variant> <vector>
  <boost/asio/awaitable.hpp> <boost/asio/basic_waitable_timer.hpp> <boost/asio/cancellation_signal.hpp>
  <boost/asio/co_spawn.hpp> <boost/asio/executor_work_guard.hpp> <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp>
  <boost/asio/post.hpp> <boost/asio/this_coro.hpp> <boost/asio/use_awaitable.hpp>
  <absl/container/flat_hash_map.h> <absl/functional/any_invocable.h> <absl/status/statusor.h> <absl/strings/str_cat.h>
  <absl/time/time.h>)

# hongyan_precompile(NAME HEADERS ... DEPS ...)
function(hongyan_precompile name)
  cmake_parse_arguments(ARG "" "" "HEADERS;DEPS" ${ARGN})
  file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/cmake/${name}.cc CONTENT "")
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/cmake/${name}.cc)
  target_link_libraries(${name} PRIVATE hongyan::options Boost::headers absl::any_invocable absl::flat_hash_map
                                        absl::statusor absl::strings absl::time Threads::Threads ${ARG_DEPS})
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
endfunction()

hongyan_precompile(hongyan_precompiled HEADERS ${HONGYAN_PRECOMPILED})
if(HONGYAN_TESTS)
  hongyan_precompile(hongyan_precompiled_tests
    HEADERS ${HONGYAN_PRECOMPILED} <gmock/gmock.h> <gtest/gtest.h>
    DEPS GTest::gmock)
  target_compile_options(hongyan_precompiled_tests PRIVATE ${HONGYAN_TESTS_SANITIZE})
endif()

# For tests, which are built for release so that nothing rots: GCC 12's optimizer sees ghosts in strings that it inlines, and
# a precompiled header takes away the mark that they are the library's.
set(HONGYAN_NO_GHOSTS
  "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-array-bounds;-Wno-stringop-overflow;-Wno-stringop-overread;-Wno-restrict>")

function(hongyan_precompiled target)
  if(HONGYAN_FUZZ)
    return()
  endif()
  if("TESTS" IN_LIST ARGN)
    target_precompile_headers(${target} REUSE_FROM hongyan_precompiled_tests)
  else()
    target_precompile_headers(${target} REUSE_FROM hongyan_precompiled)
  endif()
endfunction()
