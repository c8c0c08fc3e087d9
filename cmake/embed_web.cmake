# Builds web/dist if it is older than its sources and turns it into OUT/web_files.cc, which implements
# src/cli/web_files.h. The assembler reads the files (.incbin): nothing is turned into numbers and parsed back.
#
#   cmake -DWEB=web -DOUT=build/web -DSOURCES=a;b;c -P embed_web.cmake

file(LOCK ${WEB}/.embed.lock GUARD PROCESS TIMEOUT 600)  # several build folders share one dist/

set(stale FALSE)
foreach(source ${SOURCES})
  if(NOT EXISTS ${WEB}/dist/index.html.gz OR ${source} IS_NEWER_THAN ${WEB}/dist/index.html.gz)
    set(stale TRUE)
  endif()
endforeach()

function(npm)
  find_program(NPM npm)
  if(NOT NPM)
    message(FATAL_ERROR "The web pages are not built and there is no npm. With Node >= 20.19, run in web/: npm ci && npm run build")
  endif()
  execute_process(COMMAND ${NPM} ${ARGN} WORKING_DIRECTORY ${WEB} RESULT_VARIABLE failed OUTPUT_VARIABLE said
                  ERROR_VARIABLE said)
  if(failed)
    string(JOIN " " line ${ARGN})
    message(FATAL_ERROR "${said}\nIn web/, `npm ${line}` failed. It needs Node >= 20.19.")
  endif()
endfunction()

if(stale)
  set(installed ${WEB}/node_modules/.package-lock.json)
  if(NOT EXISTS ${installed} OR ${WEB}/package-lock.json IS_NEWER_THAN ${installed})
    npm(ci)
  endif()
  npm(run build)
endif()

# A copy of our own: another build folder may rebuild dist/ while the assembler reads.
file(REMOVE_RECURSE ${OUT}/files)
file(COPY ${WEB}/dist/ DESTINATION ${OUT}/files)

function(content_type path type)
  set(text "; charset=utf-8")
  if(path MATCHES "\\.html$")
    set(found "text/html${text}")
  elseif(path MATCHES "\\.js$")
    set(found "text/javascript${text}")
  elseif(path MATCHES "\\.css$")
    set(found "text/css${text}")
  elseif(path MATCHES "\\.svg$")
    set(found "image/svg+xml")
  elseif(path MATCHES "\\.json$")
    set(found "application/json")
  elseif(path MATCHES "\\.txt$")
    set(found "text/plain${text}")
  elseif(path MATCHES "\\.png$")
    set(found "image/png")
  elseif(path MATCHES "\\.woff2$")
    set(found "font/woff2")
  else()
    message(FATAL_ERROR "cmake/embed_web.cmake knows no content type for ${path}")
  endif()
  set(${type} ${found} PARENT_SCOPE)
endfunction()

# Each file becomes two symbols, its first byte and the byte after its last. The hash is there so that the source
# changes when a file does, and is compiled again.
function(incbin symbol file)
  file(SHA256 ${file} hash)
  string(APPEND assembly "// ${hash}\n"
         "asm(\".section .rodata\\n.balign 16\\n${symbol}:\\n.incbin \\\"${file}\\\"\\n${symbol}_end:\\n.byte 0\\n.previous\\n\");\n"
         "extern \"C\" const uint8_t ${symbol}[], ${symbol}_end[];\n")
  set(assembly "${assembly}" PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE files RELATIVE ${OUT}/files ${OUT}/files/*)
list(FILTER files EXCLUDE REGEX "\\.gz$")
list(SORT files)
set(assembly "")
set(entries "")
set(number 0)
foreach(path ${files})
  set(symbol klieg_web_file_${number})
  math(EXPR number "${number} + 1")
  content_type(${path} type)
  incbin(${symbol} ${OUT}/files/${path})
  set(gzip "{}")
  if(EXISTS ${OUT}/files/${path}.gz)
    incbin(${symbol}_gz ${OUT}/files/${path}.gz)
    set(gzip "{${symbol}_gz, ${symbol}_gz_end}")
  endif()
  string(APPEND entries "      {\"/${path}\", \"${type}\", {${symbol}, ${symbol}_end}, ${gzip}},\n")
endforeach()

file(WRITE ${OUT}/web_files.cc
"// Written by cmake/embed_web.cmake.
#include \"cli/web_files.h\"

${assembly}
namespace klieg::cli {

std::span<const WebFile> web_files() {
  static const WebFile files[] = {
${entries}  };
  return files;
}

}  // namespace klieg::cli
")
