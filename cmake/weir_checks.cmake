# Checks that are tests: layering.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME layers COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/check_layers.py
  ${CMAKE_SOURCE_DIR}/src)
set_tests_properties(layers PROPERTIES LABELS lint)
