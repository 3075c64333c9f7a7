# Run by xlstm_metal_texts(): writes OUT from the list (divided by |) TEXTS.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/embed_bytes.cmake")

file(WRITE "${OUT}.new" "// Written by cmake/embed_metal.cmake.\n"
                        "#include \"xlstm/mlx/metal/kernel_texts.h\"\n\n"
                        "namespace xlstm::mlx::metal {\nnamespace {\n")
set(_rows)
string(REPLACE "|" ";" _files "${TEXTS}")
foreach(_file IN LISTS _files)
  file(RELATIVE_PATH _path "${ROOT}" "${_file}")
  string(MAKE_C_IDENTIFIER "kText_${_path}" _id)
  embed("${_id}" "${_file}")
  string(APPEND _rows "    {\"${_path}\", {reinterpret_cast<const char*>(${_id}), sizeof ${_id}}},\n")
endforeach()
file(APPEND "${OUT}.new"
     "const KernelText kTexts[] = {\n${_rows}};\n}  // namespace\n\n"
     "std::span<const KernelText> kernel_texts() {\n  return kTexts;\n}\n\n}  // namespace xlstm::mlx::metal\n")
file(RENAME "${OUT}.new" "${OUT}")
