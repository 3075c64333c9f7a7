# xlstm_metal_texts(OUT): the Metal kernels of xlstm/kernels/ as C++ arrays; OUT gets the source's path.
function(xlstm_metal_texts OUT)
  file(GLOB _texts CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/xlstm/kernels/*/*.metal")
  set(_source "${CMAKE_CURRENT_BINARY_DIR}/metal_texts.cpp")
  string(REPLACE ";" "|" _text_list "${_texts}")
  add_custom_command(
    OUTPUT "${_source}"
    COMMAND "${CMAKE_COMMAND}" "-DOUT=${_source}" "-DROOT=${PROJECT_SOURCE_DIR}" "-DTEXTS=${_text_list}" -P
            "${PROJECT_SOURCE_DIR}/cmake/embed_metal.cmake"
    DEPENDS ${_texts} "${PROJECT_SOURCE_DIR}/cmake/embed_metal.cmake"
            "${PROJECT_SOURCE_DIR}/cmake/embed_bytes.cmake"
    COMMENT "Embedding Metal kernels"
    VERBATIM)
  set(${OUT} "${_source}" PARENT_SCOPE)
endfunction()
