# weir_flags: what every file is compiled with. Warnings are errors.
set(WEIR_SANITIZE "" CACHE STRING "empty, address, thread")
option(WEIR_LTO "link-time optimisation" OFF)
option(WEIR_COVERAGE "gcov" OFF)

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(weir_flags INTERFACE)
target_compile_definitions(weir_flags INTERFACE _GNU_SOURCE WEIR_VERSION="${PROJECT_VERSION}")
target_compile_options(weir_flags INTERFACE -std=gnu2x -g -fno-omit-frame-pointer -pthread
  -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Werror)
target_link_options(weir_flags INTERFACE -pthread)

if(WEIR_SANITIZE STREQUAL "address")
  target_compile_options(weir_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all)
  target_link_options(weir_flags INTERFACE -fsanitize=address,undefined)
elseif(WEIR_SANITIZE STREQUAL "thread")
  target_compile_options(weir_flags INTERFACE -fsanitize=thread)
  target_link_options(weir_flags INTERFACE -fsanitize=thread)
endif()
if(WEIR_FUZZ) # the modules too: without coverage of them a fuzzer is blind
  target_compile_options(weir_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(WEIR_LTO)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()
if(WEIR_COVERAGE)
  target_compile_options(weir_flags INTERFACE --coverage)
  target_link_options(weir_flags INTERFACE --coverage)
endif()
