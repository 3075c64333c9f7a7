# xlstm download and its relatives against the hub of server.py, and beside the hub's own Python client, which
# scripts/setup.sh puts into .venv. Where an MLX of the user's own is built with, the user says which Python
# has one, or these are left out.
find_package(Python3 3.9 COMPONENTS Interpreter)
if(NOT Python3_FOUND)
  message(STATUS "No Python 3.9: downloads are not tested")
  return()
endif()
set(XLSTM_PYTHON_WITH_HUB "" CACHE FILEPATH "A Python that has huggingface_hub, for tests with an MLX of your own")
set(_python "${XLSTM_PYTHON_WITH_HUB}")
set(_venv "${PROJECT_SOURCE_DIR}/.venv")
cmake_path(IS_PREFIX _venv "${MLX_DIR}" NORMALIZE _ours)
if(NOT _python AND _ours)
  set(_python "${_venv}/bin/python")
endif()

# Runs tests/hub/NAME_test.py with the Python that is named.
function(add_hub_test NAME PYTHON)
  add_test(NAME hub.${NAME} COMMAND "${PYTHON}" -B "${CMAKE_CURRENT_SOURCE_DIR}/${NAME}_test.py")
  set_tests_properties(
    hub.${NAME}
    PROPERTIES LABELS hub TIMEOUT 300 ENVIRONMENT
               "XLSTM_PROGRAM=$<TARGET_FILE:xlstm_cli>;XLSTM_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
endfunction()

add_hub_test(server "${Python3_EXECUTABLE}")
foreach(NAME download faults interrupted space cache)
  add_hub_test(${NAME} "${Python3_EXECUTABLE}")
endforeach()
if(_python)
  add_hub_test(interop "${_python}")
else()
  message(STATUS "No XLSTM_PYTHON_WITH_HUB: the hub's own client is not run beside ours")
endif()
