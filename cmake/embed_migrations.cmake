# Turns the files NNNN_name.sql of FROM into OUT, which implements migrations() of src/store/migrate.h. The assembler
# reads them (.incbin).
#
#   cmake -DFROM=src/store/migrations -DOUT=build/migrations.cc -P embed_migrations.cmake

file(GLOB files ${FROM}/*.sql)
list(SORT files)
set(assembly "")
set(entries "")
set(number 0)
foreach(file ${files})
  math(EXPR number "${number} + 1")
  get_filename_component(base ${file} NAME_WE)
  if(NOT base MATCHES "^([0-9][0-9][0-9][0-9])_([a-z_]+)$")
    message(FATAL_ERROR "${file}: a migration is named NNNN_name.sql")
  endif()
  set(name ${CMAKE_MATCH_2})
  math(EXPR expected "10000 + ${number}")
  if(NOT "1${CMAKE_MATCH_1}" EQUAL expected)
    message(FATAL_ERROR "${file}: migrations are numbered from 1 without a hole; this would be number ${number}")
  endif()
  file(SHA256 ${file} checksum)
  set(symbol klieg_migration_${number})
  string(APPEND assembly
         "asm(\".section .rodata\\n${symbol}:\\n.incbin \\\"${file}\\\"\\n${symbol}_end:\\n.byte 0\\n.previous\\n\");  // ${checksum}\n"
         "extern \"C\" const char ${symbol}[], ${symbol}_end[];\n")
  string(APPEND entries "      {${number}, \"${name}\", \"${checksum}\", {${symbol}, ${symbol}_end}},\n")
endforeach()

file(WRITE ${OUT}
"// Written by cmake/embed_migrations.cmake.
#include \"store/migrate.h\"

${assembly}
namespace klieg::store {

std::span<const Migration> migrations() {
  static const Migration all[] = {
${entries}  };
  return all;
}

}  // namespace klieg::store
")
