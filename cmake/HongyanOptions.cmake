# One interface target holds what every target of ours is compiled with.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
# The same for libraries and programs, with and without GTest, so that one precompiled header fits all.
add_compile_options(-fPIC -pthread)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(HONGYAN_CCACHE ccache)
if(HONGYAN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The base folder lets checkouts share the cache. The sloppiness is what ccache wants for precompiled headers: sources
  # with other macros than the header's, and __TIME__, which nothing of ours uses.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros
      ${HONGYAN_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()

add_library(hongyan_options INTERFACE)
add_library(hongyan::options ALIAS hongyan_options)
target_include_directories(hongyan_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(hongyan_options INTERFACE
  -Wall -Wextra -Wnon-virtual-dtor -Woverloaded-virtual
  # GCC 12 sees ghosts in coroutine frames and in inlined standard strings.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-mismatched-new-delete>
  $<$<BOOL:${HONGYAN_WERROR}>:-Werror>
  -fstack-protector-strong -fstack-clash-protection -fcf-protection)
target_compile_definitions(hongyan_options INTERFACE
  _GLIBCXX_ASSERTIONS
  # Asio without its deprecated parts, and without threads' inheritance tricks.
  BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_DISABLE_BOOST_DATE_TIME)
if(NOT HONGYAN_SANITIZE)
  target_compile_definitions(hongyan_options INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>)
endif()

find_program(HONGYAN_MOLD mold)
if(HONGYAN_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
add_link_options(-Wl,-z,relro,-z,now)

if(HONGYAN_SANITIZE)
  add_compile_options(-fsanitize=${HONGYAN_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${HONGYAN_SANITIZE})
  if(HONGYAN_SANITIZE MATCHES "undefined")
    # Its check of vptrs opens a pipe to see whether memory may be read: without a free descriptor it finds a fault in
    # whatever it looks at.
    add_compile_options(-fno-sanitize-recover=undefined -fno-sanitize=vptr)
    # The tests' own code does without: a third of its compilation goes into checks of expectations, and it is what most of
    # a build compiles.
    set(HONGYAN_TESTS_SANITIZE -fno-sanitize=undefined)
  endif()
  if(HONGYAN_SANITIZE MATCHES "thread")
    # GCC's thread sanitizer does not model fences; nothing of ours relies on them. protobuf's headers lay their
    # classes out differently under this macro than the distribution's library was built with.
    add_compile_options(-Wno-tsan -U__SANITIZE_THREAD__)
  endif()
  add_compile_definitions(HONGYAN_SANITIZED)
endif()

# hongyan_library(NAME module SOURCES ... DEPS ...): one library a module, hongyan_<module>, alias hongyan::<module>.
function(hongyan_library)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(hongyan_${ARG_NAME} STATIC ${ARG_SOURCES})
  add_library(hongyan::${ARG_NAME} ALIAS hongyan_${ARG_NAME})
  target_link_libraries(hongyan_${ARG_NAME} PUBLIC hongyan::options ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  hongyan_precompiled(hongyan_${ARG_NAME})
endfunction()
