# Two precompiled headers, made once for all targets: reading headers is half of a compilation.
#
# hongyan_precompiled(TARGET [TESTS]): lets a target of ours use them. Every target is compiled -fPIC (HongyanOptions), or
# the compiler would refuse them.
foreach(name precompiled precompiled_tests)
  if(name STREQUAL "precompiled_tests" AND NOT HONGYAN_TESTS)
    continue()
  endif()
  file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/cmake/${name}.cc CONTENT "")
  add_library(hongyan_${name} OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/cmake/${name}.cc)
  target_link_libraries(hongyan_${name} PRIVATE hongyan::options Boost::headers absl::any_invocable absl::flat_hash_map
                                                absl::statusor absl::strings absl::time Threads::Threads)
  if(name STREQUAL "precompiled_tests")
    target_link_libraries(hongyan_${name} PRIVATE GTest::gmock)
  endif()
  target_precompile_headers(hongyan_${name} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/${name}.h)
endforeach()

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
