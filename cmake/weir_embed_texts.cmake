# weir_embed_texts(target FOLDER HEADER TYPE TABLE): the .sql files of a folder become a table of {name, text} in the binary; HEADER
# declares TYPE and TABLE. The same file is the script that writes it, at build time.
if(CMAKE_SCRIPT_MODE_FILE)
  cmake_minimum_required(VERSION 3.25)
  file(GLOB files ${DIR}/*.sql)
  list(SORT files)
  set(rows "")
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(REGEX REPLACE "\n$" "" text "${text}")
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
    string(APPEND rows "    {\"${name}\",\n     \"${text}\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT "/* Written at build time from the .sql files of a folder. */
#include \"@HEADER@\"

const struct @TYPE@ @TABLE@[] = {
@rows@};
const size_t n_@TABLE@ = sizeof @TABLE@ / sizeof *@TABLE@;
")
  return()
endif()

# weir_embed_texts(lifecycle FOLDER src/lifecycle/rollups HEADER lifecycle/rollup_sql.h TYPE rollup_text TABLE rollup_texts)
function(weir_embed_texts target)
  cmake_parse_arguments(T "" "FOLDER;HEADER;TYPE;TABLE" "" ${ARGN})
  set(dir ${CMAKE_SOURCE_DIR}/${T_FOLDER})
  set(out ${CMAKE_BINARY_DIR}/generated/${T_TABLE}.c)
  set(script ${CMAKE_SOURCE_DIR}/cmake/weir_embed_texts.cmake)
  file(GLOB files CONFIGURE_DEPENDS ${dir}/*.sql)
  add_custom_command(OUTPUT ${out} DEPENDS ${files} ${script}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DDIR=${dir} -DHEADER=${T_HEADER} -DTYPE=${T_TYPE} -DTABLE=${T_TABLE} -P ${script})
  target_sources(${target} PRIVATE ${out})
endfunction()
