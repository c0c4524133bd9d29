# Checks that are tests: layering. Once, in the build that runs the unit tests.
if(WEIR_TESTS AND NOT WEIR_TEST_MODULES)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  add_test(NAME layers COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/check_layers.py
    ${CMAKE_SOURCE_DIR}/src)
  set_tests_properties(layers PROPERTIES LABELS lint)
endif()
