# embed(NAME FILE): appends a C++ array of a file's bytes to ${OUT}.new. For scripts that write sources.
function(embed NAME FILE)
  file(READ "${FILE}" _bytes HEX)
  string(REGEX REPLACE "(................................................................)" "\\1\n" _bytes
                       "${_bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," _bytes "${_bytes}")
  file(APPEND "${OUT}.new" "alignas(16) const unsigned char ${NAME}[] = {\n${_bytes}};\n")
endfunction()
