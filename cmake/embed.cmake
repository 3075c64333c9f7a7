# Run by xlstm_cuda_kernels(): writes OUT from the lists (divided by |) TEXTS, HEADERS and BINARIES.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/embed_bytes.cmake")

file(WRITE "${OUT}.new" "// Written by cmake/embed.cmake.\n#include \"xlstm/cuda/kernel_texts.h\"\n\n"
                        "namespace xlstm::cuda {\nnamespace {\n")
set(_rows)
foreach(_kind IN ITEMS TEXTS HEADERS)
  string(REPLACE "|" ";" _files "${${_kind}}")
  set(_rows_${_kind})
  foreach(_file IN LISTS _files)
    get_filename_component(_stem "${_file}" NAME_WE)
    get_filename_component(_extension "${_file}" EXT)
    string(MAKE_C_IDENTIFIER "${_stem}${_extension}" _id)
    embed("kText_${_id}" "${_file}")
    file(RELATIVE_PATH _name "${ROOT}" "${_file}")
    set(_binary "{}")
    if(_kind STREQUAL "TEXTS")
      set(_name "${_stem}")
      string(REPLACE "|" ";" _binaries "${BINARIES}")
      foreach(_each IN LISTS _binaries)
        get_filename_component(_binary_stem "${_each}" NAME_WE)
        if(_binary_stem STREQUAL _stem)
          embed("kBinary_${_id}" "${_each}")
          set(_binary "kBinary_${_id}")
        endif()
      endforeach()
    endif()
    string(APPEND _rows_${_kind}
           "    {\"${_name}\", {reinterpret_cast<const char*>(kText_${_id}), sizeof kText_${_id}}, ${_binary}},\n")
  endforeach()
endforeach()
file(APPEND "${OUT}.new"
     "const KernelText kTexts[] = {\n${_rows_TEXTS}};\nconst KernelText kHeaders[] = {\n${_rows_HEADERS}};\n"
     "}  // namespace\n\nstd::span<const KernelText> kernel_texts() {\n  return kTexts;\n}\n"
     "std::span<const KernelText> kernel_headers() {\n  return kHeaders;\n}\n\n}  // namespace xlstm::cuda\n")
file(RENAME "${OUT}.new" "${OUT}")
