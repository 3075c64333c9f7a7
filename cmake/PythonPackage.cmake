# The package xlstm_metal: python/xlstm_metal/ with the module beside its files.
#
#   build/NAME/python        importable as it is (PYTHONPATH), above the libraries of the build
#   --component python       what a wheel has: the module, lib/libxlstm, the embedded model. MLX is the
#                            library of the installed mlx, its neighbour in site-packages
if(NOT TARGET xlstm_python)
  return()
endif()
set(_package "${CMAKE_BINARY_DIR}/python/xlstm_metal")
file(GLOB_RECURSE _sources CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/python/xlstm_metal"
     "${PROJECT_SOURCE_DIR}/python/xlstm_metal/*.py" "${PROJECT_SOURCE_DIR}/python/xlstm_metal/*.pyi"
     "${PROJECT_SOURCE_DIR}/python/xlstm_metal/py.typed")
foreach(_source IN LISTS _sources)
  cmake_path(GET _source PARENT_PATH _folder)
  file(MAKE_DIRECTORY "${_package}/${_folder}")
  file(CREATE_LINK "${PROJECT_SOURCE_DIR}/python/xlstm_metal/${_source}" "${_package}/${_source}" SYMBOLIC)
endforeach()
set_target_properties(xlstm_python PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${_package}")

if(NOT SKBUILD)
  return()
endif()
if(APPLE)
  set(_origin "@loader_path")
else()
  set(_origin "$ORIGIN")
endif()
set_target_properties(
  xlstm_python PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH
                                                      "${_origin}/lib;${_origin}/../mlx/lib")
if(TARGET xlstm_shared)
  set_target_properties(xlstm_shared PROPERTIES BUILD_WITH_INSTALL_RPATH ON
                                                INSTALL_RPATH "${_origin}/../../mlx/lib")
endif()
install(TARGETS xlstm_python LIBRARY DESTINATION xlstm_metal COMPONENT python)
# One file of the name that it is loaded by: wheels have no symbolic links.
install(
  FILES "$<TARGET_FILE:xlstm::xlstm>"
  DESTINATION xlstm_metal/lib
  RENAME "$<TARGET_SONAME_FILE_NAME:xlstm::xlstm>"
  PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE
  COMPONENT python)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/models/" DESTINATION xlstm_metal/share/xlstm/models
        COMPONENT python)
