# What is not ours. MLX comes from MLX_DIR (a system MLX's share/cmake/MLX folder) or from the wheel
# that scripts/setup.sh put into .venv; all else comes from Debian or Homebrew.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(NETTLE REQUIRED IMPORTED_TARGET nettle)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-cpp)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)

# The environment speaks first, so that a change of it reaches a build folder that remembers another.
if(DEFINED ENV{MLX_DIR} AND NOT "$ENV{MLX_DIR}" STREQUAL "")
  set(MLX_DIR "$ENV{MLX_DIR}" CACHE PATH "Folder of MLXConfig.cmake" FORCE)
endif()
if(SKBUILD AND NOT MLX_DIR)  # the wheel among what the package is built with
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
            "import pathlib, sys
found = [p for d in sys.path for p in pathlib.Path(d).glob('mlx/share/cmake/MLX')]
print(found[0].as_posix() if found else '', end='')"
    OUTPUT_VARIABLE MLX_DIR)
endif()
if(NOT MLX_DIR OR NOT EXISTS "${MLX_DIR}/MLXConfig.cmake")
  file(GLOB _mlx_found
       "${PROJECT_SOURCE_DIR}/.venv/lib/python*/site-packages/mlx/share/cmake/MLX/MLXConfig.cmake")
  if(NOT _mlx_found)
    message(FATAL_ERROR "MLX not found: run scripts/setup.sh (or 'make run'), which puts its pinned "
                        "wheel into .venv, or set MLX_DIR to the folder of a system MLX's MLXConfig.cmake")
  endif()
  list(GET _mlx_found 0 _mlx_found)
  get_filename_component(_mlx_found "${_mlx_found}" DIRECTORY)
  set(MLX_DIR "${_mlx_found}" CACHE PATH "Folder of MLXConfig.cmake" FORCE)
endif()
find_package(MLX CONFIG REQUIRED PATHS "${MLX_DIR}" NO_DEFAULT_PATH)

# MLX's headers are not ours to keep free of warnings.
get_target_property(_mlx_include mlx INTERFACE_INCLUDE_DIRECTORIES)
set_target_properties(mlx PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${_mlx_include}")
# Its macOS wheel names frameworks by their paths in its builder's Xcode; any Xcode's will do.
get_target_property(_mlx_link mlx INTERFACE_LINK_LIBRARIES)
if(APPLE AND _mlx_link)
  list(TRANSFORM _mlx_link REPLACE "^.*/([A-Za-z]+)\\.framework$" "-framework \\1")
  set_target_properties(mlx PROPERTIES INTERFACE_LINK_LIBRARIES "${_mlx_link}")
endif()
