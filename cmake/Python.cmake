# What the Python module is built with: Python's headers and nanobind, by the Python of .venv, or, where
# scikit-build-core runs us, by the one that it builds for.
#
# XLSTM_PYTHON_FOUND: whether both are there. What is bound in nanobind's domain "mlx" shares types with
# MLX's own Python module if that was bound by a nanobind of the same internals: requirements/README.md.
set(XLSTM_PYTHON_FOUND OFF)
if(NOT XLSTM_PYTHON OR XLSTM_SANITIZE)
  return()
endif()
if(NOT SKBUILD AND NOT Python_EXECUTABLE AND EXISTS "${PROJECT_SOURCE_DIR}/.venv/bin/python")
  set(Python_EXECUTABLE "${PROJECT_SOURCE_DIR}/.venv/bin/python")
endif()
find_package(Python 3.10 COMPONENTS Interpreter Development.Module)
if(Python_Interpreter_FOUND)
  execute_process(COMMAND "${Python_EXECUTABLE}" -m nanobind --cmake_dir OUTPUT_VARIABLE _nanobind
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(Python_FOUND AND _nanobind)
  find_package(nanobind CONFIG REQUIRED PATHS "${_nanobind}" NO_DEFAULT_PATH)
  set(XLSTM_PYTHON_FOUND ON)
elseif(SKBUILD)
  message(FATAL_ERROR "wanted Python's headers and nanobind, got ${Python_EXECUTABLE}, "
                      "headers '${Python_INCLUDE_DIRS}', nanobind '${_nanobind}'")
else()
  message(STATUS "No Python headers or no nanobind: the Python package is not built")
endif()
