# weir_embed_migrations(target): src/schema/NNNN_*.sql become the table `migrations` of the binary.
# The same file is the script that writes it, at build time: cmake -DOUT=... -DDIR=... -P weir_embed.cmake
if(CMAKE_SCRIPT_MODE_FILE)
  cmake_minimum_required(VERSION 3.25)
  file(GLOB files ${DIR}/[0-9][0-9][0-9][0-9]_*.sql)
  list(SORT files)
  set(rows "")
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME_WE)
    string(REGEX REPLACE "^0*([0-9]+)_.*" "\\1" version ${name})
    file(READ ${file} text)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
    string(APPEND rows "    {${version}, \"${name}\",\n     \"${text}\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT "/* Written at build time from src/schema. */
#include \"schema/migrate.h\"

const struct migration migrations[] = {
@rows@};
const size_t n_migrations = sizeof migrations / sizeof *migrations;
")
  return()
endif()

function(weir_embed_migrations target)
  set(dir ${CMAKE_SOURCE_DIR}/src/schema)
  set(out ${CMAKE_BINARY_DIR}/generated/migrations.c)
  set(script ${CMAKE_SOURCE_DIR}/cmake/weir_embed.cmake)
  file(GLOB files CONFIGURE_DEPENDS ${dir}/[0-9][0-9][0-9][0-9]_*.sql)
  add_custom_command(OUTPUT ${out} DEPENDS ${files} ${script}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DDIR=${dir} -P ${script})
  target_sources(${target} PRIVATE ${out})
endfunction()
