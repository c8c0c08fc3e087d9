# Turns the description FROM into OUT, which implements openapi() of src/studio/server_openapi.h. The assembler reads it
# (.incbin).
#
#   cmake -DFROM=src/studio/openapi.json -DOUT=build/openapi.cc -P embed_openapi.cmake

file(SHA256 ${FROM} checksum)
file(WRITE ${OUT}
"// Written by cmake/embed_openapi.cmake.
#include \"studio/server_openapi.h\"

asm(\".section .rodata\\nklieg_openapi:\\n.incbin \\\"${FROM}\\\"\\nklieg_openapi_end:\\n.byte 0\\n.previous\\n\");  // ${checksum}
extern \"C\" const char klieg_openapi[], klieg_openapi_end[];

namespace klieg::studio {

std::string_view openapi() { return {klieg_openapi, klieg_openapi_end}; }

}  // namespace klieg::studio
")
