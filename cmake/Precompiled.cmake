# Headers that nearly all include, compiled once. Only to save time: each file includes what it uses, and
# CMAKE_DISABLE_PRECOMPILE_HEADERS builds without.
#
# xlstm_precompile(TARGET KIND [option...]): the target's sources find the headers of KIND (plain, mlx or
# tests) read already. The first target of a kind says with which options that is, besides everybody's.
set(_XLSTM_HEADERS_plain
    <algorithm> <array> <cstdint> <filesystem> <functional> <map> <memory> <optional> <span> <string>
    <string_view> <vector>)
set(_XLSTM_HEADERS_mlx ${_XLSTM_HEADERS_plain} <mlx/mlx.h>)
set(_XLSTM_HEADERS_tests ${_XLSTM_HEADERS_plain} <gmock/gmock.h> <gtest/gtest.h>)
set(_XLSTM_LIBRARIES_mlx mlx)
set(_XLSTM_LIBRARIES_tests GTest::gtest GTest::gmock)

function(xlstm_precompile TARGET KIND)
  set(_headers precompiled_${KIND})
  if(NOT TARGET ${_headers})
    add_library(${_headers} OBJECT "${PROJECT_SOURCE_DIR}/cmake/precompiled.cpp")
    target_precompile_headers(${_headers} PRIVATE ${_XLSTM_HEADERS_${KIND}})
    target_link_libraries(${_headers} PRIVATE ${_XLSTM_LIBRARIES_${KIND}})
    target_compile_options(${_headers} PRIVATE ${ARGN})
    get_target_property(_type ${TARGET} TYPE)
    if(_type STREQUAL "EXECUTABLE")  # its sources are compiled as those of one
      set_target_properties(${_headers} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(${_headers} PRIVATE ${CMAKE_CXX_COMPILE_OPTIONS_PIE})
    endif()
  endif()
  target_precompile_headers(${TARGET} REUSE_FROM ${_headers})
  # g++ forgets that precompiled headers are the system's, and warns of std::string in them.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
    target_compile_options(
      ${TARGET} PRIVATE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
endfunction()
