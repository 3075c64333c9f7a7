# What cmake --install gives, all of it relocatable: see docs/install.md.
#
#   bin/xlstm                       the command line
#   lib/libxlstm.so                 every folder of xlstm/ but apps, as one library
#   lib/xlstm/mlx/{lib,include}     MLX as it was built against, with its licence
#   lib/xlstm/mlx_cpu.libs          what MLX's Linux wheel brings along (BLAS, LAPACK)
#   lib/cmake/xlstm                 find_package(xlstm): xlstm::xlstm, xlstm::mlx
#   include/xlstm/...               the public headers
#   share/xlstm/models              the embedded models: classics-8m, tides-1m
#   share/...                       man page, shell completions
include(CMakePackageConfigHelpers)

# --- the library -----------------------------------------------------------------------------
# Every object of every folder, used inside or not; the archives only bring what they are linked with.
add_library(xlstm_shared SHARED)
foreach(_folder IN LISTS XLSTM_FOLDERS)
  if(_folder MATCHES "^(apps|python)$")
    continue()
  endif()
  get_target_property(_kind xlstm_${_folder} TYPE)
  if(_kind STREQUAL "STATIC_LIBRARY")
    target_sources(xlstm_shared PRIVATE $<TARGET_OBJECTS:xlstm_${_folder}>)
    target_link_libraries(xlstm_shared PRIVATE xlstm_${_folder})
  endif()
endforeach()
set_target_properties(
  xlstm_shared
  PROPERTIES OUTPUT_NAME xlstm
             EXPORT_NAME xlstm
             LINKER_LANGUAGE CXX
             VERSION ${PROJECT_VERSION}
             SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(_public_include "${PROJECT_BINARY_DIR}/include/public")  # the headers that will be installed
target_include_directories(
  xlstm_shared INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>"
                         "$<BUILD_INTERFACE:${_public_include}>")
target_compile_features(xlstm_shared INTERFACE cxx_std_20)
add_library(xlstm::xlstm ALIAS xlstm_shared)  # as programs call it that find the package

# --- run paths: relative to the file that has them -------------------------------------------
set(_private_dir "${CMAKE_INSTALL_LIBDIR}/xlstm")  # ours alone: nothing else looks in there
if(APPLE)
  set(_origin "@loader_path")
else()
  set(_origin "$ORIGIN")
endif()
file(RELATIVE_PATH _bin_to_mlx "/${CMAKE_INSTALL_BINDIR}" "/${_private_dir}/mlx/lib")
file(RELATIVE_PATH _lib_to_mlx "/${CMAKE_INSTALL_LIBDIR}" "/${_private_dir}/mlx/lib")
set_target_properties(xlstm_shared PROPERTIES INSTALL_RPATH "${_origin}/${_lib_to_mlx}")
if(TARGET xlstm)
  set_target_properties(xlstm PROPERTIES INSTALL_RPATH "${_origin}/${_bin_to_mlx}")
  install(TARGETS xlstm)
endif()

# --- headers and package ---------------------------------------------------------------------
install(TARGETS xlstm_shared EXPORT xlstmTargets)
# What a program may use, and whatever these include. All else is how it works inside.
set(_headers
    base/error.h
    convert/convert.h
    engine/doctor.h
    engine/engine.h
    engine/forecaster.h
    engine/quantized_copies.h
    generate/batch.h
    generate/generator.h
    generate/perplexity.h
    generate/score.h
    generate/stop.h
    hub/cache.h
    hub/hub.h
    grammar/constraint.h
    grammar/json_constraint.h
    grammar/regex_constraint.h
    model/model.h
    model/state_file.h
    text/tokenizer.h
    weights/safetensors.h
    wiring/checkpoint.h
    wiring/discover.h
    wiring/views.h)
list(TRANSFORM _headers PREPEND "xlstm/")
set(_public_headers)
while(_headers)
  list(POP_FRONT _headers _header)
  if(NOT _header IN_LIST _public_headers AND EXISTS "${PROJECT_SOURCE_DIR}/${_header}")
    list(APPEND _public_headers "${_header}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${_header}")
    file(STRINGS "${PROJECT_SOURCE_DIR}/${_header}" _includes REGEX "^#include \"xlstm/")
    list(TRANSFORM _includes REPLACE "^#include \"([^\"]+)\".*" "\\1")
    list(APPEND _headers ${_includes})
  endif()
endwhile()
file(REMOVE_RECURSE "${_public_include}")
foreach(_header IN LISTS _public_headers)
  get_filename_component(_folder "${_header}" DIRECTORY)
  file(MAKE_DIRECTORY "${_public_include}/${_folder}")
  file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${_header}" "${_public_include}/${_header}" SYMBOLIC)
  install(FILES "${PROJECT_SOURCE_DIR}/${_header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/${_folder}")
endforeach()

set(_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/xlstm")
set(MLX_INSTALL_DIR "${_private_dir}/mlx")
get_target_property(MLX_COMPILE_OPTIONS mlx INTERFACE_COMPILE_OPTIONS)
if(NOT MLX_COMPILE_OPTIONS)
  set(MLX_COMPILE_OPTIONS "")
endif()
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/xlstmConfig.cmake.in" "${PROJECT_BINARY_DIR}/xlstmConfig.cmake"
  INSTALL_DESTINATION "${_package_dir}" PATH_VARS MLX_INSTALL_DIR NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/xlstmConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(EXPORT xlstmTargets NAMESPACE xlstm:: DESTINATION "${_package_dir}")
install(FILES "${PROJECT_BINARY_DIR}/xlstmConfig.cmake"
              "${PROJECT_BINARY_DIR}/xlstmConfigVersion.cmake" DESTINATION "${_package_dir}")

# --- MLX -------------------------------------------------------------------------------------
get_filename_component(_mlx_prefix "${MLX_DIR}/../../.." ABSOLUTE)
install(
  DIRECTORY "${_mlx_prefix}/lib/"
  DESTINATION "${_private_dir}/mlx/lib"
  USE_SOURCE_PERMISSIONS
  FILES_MATCHING
  REGEX "/lib(mlx|jaccl)[^/]*$"
  PATTERN "*.metallib"
  PATTERN "cmake" EXCLUDE
  PATTERN "pkgconfig" EXCLUDE)
install(DIRECTORY "${_mlx_prefix}/include/mlx" DESTINATION "${_private_dir}/mlx/include")
if(EXISTS "${_mlx_prefix}/include/metal_cpp")
  install(DIRECTORY "${_mlx_prefix}/include/metal_cpp" DESTINATION "${_private_dir}/mlx/include")
endif()
# Where its wheel keeps what the library needs, seen from the library: ../../mlx_cpu.libs.
file(GLOB _mlx_neighbours "${_mlx_prefix}/../mlx_*.libs")
foreach(_neighbour IN LISTS _mlx_neighbours)
  install(DIRECTORY "${_neighbour}" DESTINATION "${_private_dir}" USE_SOURCE_PERMISSIONS)
endforeach()
file(GLOB _mlx_licence "${_mlx_prefix}/../mlx_*.dist-info/licenses/LICENSE")
foreach(_licence IN LISTS _mlx_licence)
  install(FILES "${_licence}" DESTINATION "${_private_dir}/mlx")
endforeach()

# --- model, man page, completions ------------------------------------------------------------
install(DIRECTORY "${PROJECT_SOURCE_DIR}/models/" DESTINATION "${CMAKE_INSTALL_DATADIR}/xlstm/models")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/xlstm")
function(_install_if_there SOURCE FOLDER)
  if(EXISTS "${PROJECT_SOURCE_DIR}/packaging/${SOURCE}")
    install(FILES "${PROJECT_SOURCE_DIR}/packaging/${SOURCE}" DESTINATION "${FOLDER}" ${ARGN})
  endif()
endfunction()
_install_if_there(xlstm.1 "${CMAKE_INSTALL_MANDIR}/man1")
_install_if_there(completions/xlstm.bash "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME xlstm)
_install_if_there(completions/_xlstm "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
_install_if_there(completions/xlstm.fish "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
