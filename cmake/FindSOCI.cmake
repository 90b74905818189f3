# Finds SOCI, which the distribution ships without a package file of its own.
#
#   find_package(SOCI 4.0 REQUIRED COMPONENTS sqlite3)
#
# gives SOCI::core and one SOCI::<driver> for each component. The header of the sqlite3 driver includes SQLite's own, so
# that driver brings SQLite::SQLite3.
find_path(SOCI_INCLUDE_DIR soci/soci.h)
find_library(SOCI_CORE_LIBRARY soci_core)
if(SOCI_INCLUDE_DIR AND EXISTS ${SOCI_INCLUDE_DIR}/soci/version.h)
  # "4_0_3"
  file(STRINGS ${SOCI_INCLUDE_DIR}/soci/version.h _soci_version REGEX "#define SOCI_LIB_VERSION \"")
  string(REGEX REPLACE ".*\"([0-9_]+)\".*" "\\1" SOCI_VERSION "${_soci_version}")
  string(REPLACE "_" "." SOCI_VERSION "${SOCI_VERSION}")
endif()

foreach(driver IN LISTS SOCI_FIND_COMPONENTS)
  find_library(SOCI_${driver}_LIBRARY soci_${driver})
  mark_as_advanced(SOCI_${driver}_LIBRARY)
  if(SOCI_${driver}_LIBRARY)
    set(SOCI_${driver}_FOUND TRUE)
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SOCI REQUIRED_VARS SOCI_CORE_LIBRARY SOCI_INCLUDE_DIR VERSION_VAR SOCI_VERSION
                                  HANDLE_COMPONENTS)
mark_as_advanced(SOCI_INCLUDE_DIR SOCI_CORE_LIBRARY)

if(SOCI_FOUND AND NOT TARGET SOCI::core)
  add_library(SOCI::core UNKNOWN IMPORTED)
  set_target_properties(SOCI::core PROPERTIES IMPORTED_LOCATION ${SOCI_CORE_LIBRARY}
                                              INTERFACE_INCLUDE_DIRECTORIES ${SOCI_INCLUDE_DIR})
endif()
foreach(driver IN LISTS SOCI_FIND_COMPONENTS)
  if(SOCI_${driver}_FOUND AND NOT TARGET SOCI::${driver})
    add_library(SOCI::${driver} UNKNOWN IMPORTED)
    set_target_properties(SOCI::${driver} PROPERTIES IMPORTED_LOCATION ${SOCI_${driver}_LIBRARY}
                                                     INTERFACE_LINK_LIBRARIES SOCI::core)
    if(driver STREQUAL "sqlite3")
      find_package(SQLite3 REQUIRED)
      target_link_libraries(SOCI::sqlite3 INTERFACE SQLite::SQLite3)
    endif()
  endif()
endforeach()
