# What is not ours. MLX comes from MLX_DIR (a system MLX's share/cmake/MLX folder) or from the wheel
# that scripts/setup.sh put into .venv; all else comes from Debian or Homebrew.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
if(APPLE)  # libedit is part of macOS and has no .pc file there
  add_library(xlstm_libedit INTERFACE)
  target_link_libraries(xlstm_libedit INTERFACE edit)
else()
  pkg_check_modules(LIBEDIT REQUIRED IMPORTED_TARGET libedit)
  add_library(xlstm_libedit ALIAS PkgConfig::LIBEDIT)
endif()

if(NOT MLX_DIR)
  set(MLX_DIR "$ENV{MLX_DIR}")
endif()
if(NOT MLX_DIR)
  file(GLOB MLX_DIR "${CMAKE_SOURCE_DIR}/.venv/lib/python*/site-packages/mlx/share/cmake/MLX")
endif()
if(NOT MLX_DIR)
  message(FATAL_ERROR "MLX not found: run scripts/setup.sh (or 'make run'), which puts its pinned "
                      "wheel into .venv, or set MLX_DIR to the folder of a system MLX's MLXConfig.cmake")
endif()
find_package(MLX CONFIG REQUIRED PATHS "${MLX_DIR}" NO_DEFAULT_PATH)
# MLX's headers are not ours to keep free of warnings.
get_target_property(_mlx_include mlx INTERFACE_INCLUDE_DIRECTORIES)
set_target_properties(mlx PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${_mlx_include}")
