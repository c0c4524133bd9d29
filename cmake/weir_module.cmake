# weir_module(ingest/decode USES base model LIBS PkgConfig::zstd TEST_USES ingest/encode)
#
# One folder under src/ is one library plus one test program. The test links the
# library and what it declares (and TEST_USES), nothing else: a dependency nobody declared is an
# undefined symbol, and a header that needs another one first does not compile.
function(weir_module path)
  cmake_parse_arguments(M "" "" "USES;LIBS;TEST_USES" ${ARGN})
  string(REPLACE "/" "_" name ${path})
  file(GLOB sources CONFIGURE_DEPENDS src/${path}/*.c)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.c$")
  list(FILTER tests INCLUDE REGEX "_test\\.c$")

  file(GLOB headers RELATIVE ${CMAKE_SOURCE_DIR}/src CONFIGURE_DEPENDS src/${path}/*.h)
  foreach(header ${headers}) # each header compiles alone
    set(probe ${CMAKE_BINARY_DIR}/headers/${header}.c)
    file(CONFIGURE OUTPUT ${probe} CONTENT "#include \"${header}\"\n")
    list(APPEND sources ${probe})
  endforeach()

  list(TRANSFORM M_USES REPLACE "/" "_" OUTPUT_VARIABLE uses)
  list(TRANSFORM M_TEST_USES REPLACE "/" "_" OUTPUT_VARIABLE test_uses)
  if(NOT sources) # a stage whose first file is still to come
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${uses} ${M_LIBS} weir_flags)
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC src)
  target_link_libraries(${name} PUBLIC ${uses} ${M_LIBS} weir_flags)

  if(tests AND WEIR_TESTS AND (NOT WEIR_TEST_MODULES OR path IN_LIST WEIR_TEST_MODULES))
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test ${name} ${test_uses} testing)
    add_test(NAME ${WEIR_TEST_PREFIX}${path} COMMAND ${name}_test)
    set_tests_properties(${WEIR_TEST_PREFIX}${path} PROPERTIES LABELS unit TIMEOUT 300)
    if(WEIR_SANITIZE STREQUAL thread)
      set_tests_properties(${WEIR_TEST_PREFIX}${path} PROPERTIES
        ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/harness/tsan.supp")
    endif()
  endif()
endfunction()
