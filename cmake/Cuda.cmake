# The kernels of xlstm/cuda/kernels/ as C++ arrays: their text, and, where nvcc is found, machine code.
#
# xlstm_cuda_kernels(OUT NAME...): OUT gets the path of a source made of kernels/NAME.cu and all headers
# beside them.
#
# XLSTM_NVCC: nvcc's path, or OFF to build without; XLSTM_CUDA_ARCHITECTURES: what machine code is for.
# Newer GPUs are served by the PTX of the newest.
if(NOT DEFINED XLSTM_NVCC)
  find_program(XLSTM_NVCC nvcc HINTS /usr/local/cuda/bin /opt/cuda/bin
               DOC "NVIDIA's compiler; OFF: kernels are compiled when the program first runs")
endif()
# Older ones do not know the newest of these architectures.
set(_oldest 12.8)
if(XLSTM_NVCC)
  execute_process(COMMAND "${XLSTM_NVCC}" --version OUTPUT_VARIABLE _version ERROR_QUIET)
  string(REGEX MATCH "release ([0-9]+\\.[0-9]+)" _ "${_version}")
  if(NOT CMAKE_MATCH_1 OR CMAKE_MATCH_1 VERSION_LESS _oldest)
    message(STATUS "nvcc ${_oldest} or newer: not found (${XLSTM_NVCC} is ${CMAKE_MATCH_1}); CUDA "
                   "kernels are compiled when they are first used")
    set(XLSTM_NVCC OFF)
  endif()
endif()
set(XLSTM_CUDA_ARCHITECTURES "80;90a;100" CACHE STRING "GPUs that kernels are compiled for")
# Without the a, kernels by warpgroups would have nothing in them.
list(TRANSFORM XLSTM_CUDA_ARCHITECTURES REPLACE "^90$" "90a")
list(SORT XLSTM_CUDA_ARCHITECTURES COMPARE NATURAL)
list(GET XLSTM_CUDA_ARCHITECTURES -1 XLSTM_CUDA_NEWEST)
string(REGEX REPLACE "[a-z]" "" XLSTM_CUDA_NEWEST "${XLSTM_CUDA_NEWEST}")

# Our own executable script writes a file of arrays: see cmake/embed.cmake.
function(xlstm_cuda_kernels OUT)
  set(_folder "${CMAKE_CURRENT_SOURCE_DIR}/kernels")
  file(GLOB _headers CONFIGURE_DEPENDS "${_folder}/*.cuh" "${_folder}/*.h")
  set(_binaries)
  foreach(_name IN LISTS ARGN)
    set(_binary "${CMAKE_CURRENT_BINARY_DIR}/${_name}.fatbin")
    if(XLSTM_NVCC)
      set(_targets)
      foreach(_architecture IN LISTS XLSTM_CUDA_ARCHITECTURES)
        list(APPEND _targets "-gencode=arch=compute_${_architecture},code=sm_${_architecture}")
      endforeach()
      list(APPEND _targets "-gencode=arch=compute_${XLSTM_CUDA_NEWEST},code=compute_${XLSTM_CUDA_NEWEST}")
      add_custom_command(
        OUTPUT "${_binary}"
        COMMAND "${XLSTM_NVCC}" -fatbin -std=c++17 --compress-mode=size "-I${PROJECT_SOURCE_DIR}"
                ${_targets} -o "${_binary}" "${_folder}/${_name}.cu"
        DEPENDS "${_folder}/${_name}.cu" ${_headers}
        COMMENT "Compiling kernels ${_name}.cu"
        VERBATIM)
      list(APPEND _binaries "${_binary}")
    endif()
  endforeach()
  set(_source "${CMAKE_CURRENT_BINARY_DIR}/kernel_texts.cpp")
  set(_texts)
  foreach(_name IN LISTS ARGN)
    list(APPEND _texts "${_folder}/${_name}.cu")
  endforeach()
  string(REPLACE ";" "|" _text_list "${_texts}")
  string(REPLACE ";" "|" _header_list "${_headers}")
  string(REPLACE ";" "|" _binary_list "${_binaries}")
  add_custom_command(
    OUTPUT "${_source}"
    COMMAND "${CMAKE_COMMAND}" "-DOUT=${_source}" "-DROOT=${PROJECT_SOURCE_DIR}" "-DTEXTS=${_text_list}"
            "-DHEADERS=${_header_list}" "-DBINARIES=${_binary_list}" -P
            "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
    DEPENDS ${_texts} ${_headers} ${_binaries} "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
            "${PROJECT_SOURCE_DIR}/cmake/embed_bytes.cmake"
    COMMENT "Embedding kernels"
    VERBATIM)
  set(${OUT} "${_source}" PARENT_SCOPE)
endfunction()
