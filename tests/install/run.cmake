# Proves that an installation works anywhere, without the source tree, the build tree and .venv:
# installs BUILD, moves the whole prefix, builds consumer/ against it with find_package(xlstm), runs
# it, and wants from it the very text that the installed command line writes for the same prompt.
function(run OUTPUT)  # run(variable command...): the command's standard output, or the end
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE _out ERROR_VARIABLE _err RESULT_VARIABLE _code)
  if(NOT _code EQUAL 0)
    list(JOIN ARGN " " _line)
    message(FATAL_ERROR "${_line}\nended with ${_code}\n${_out}\n${_err}")
  endif()
  set(${OUTPUT} "${_out}" PARENT_SCOPE)
endfunction()

# Every library that `file` loads, by name or path, must come from the prefix or from the system.
function(check_libraries FILE)
  find_program(LDD ldd)
  if(NOT LDD)
    return()
  endif()
  run(_libraries "${LDD}" "${FILE}")
  set(_back "/([^/. ]|\\.[^/. ])[^/ ]*/\\.\\./")  # a run path relative to the file shows as bin/../lib
  while(_libraries MATCHES "${_back}")
    string(REGEX REPLACE "${_back}" "/" _libraries "${_libraries}")
  endwhile()
  foreach(_bad "not found" "${SOURCE}" "${BUILD}" "${MLX_DIR}/../../..")
    cmake_path(NORMAL_PATH _bad)
    string(REPLACE "${PREFIX}" "PREFIX" _rest "${_libraries}")  # it lies in the build folder itself
    string(FIND "${_rest}" "${_bad}" _at)
    if(NOT _at EQUAL -1)
      message(FATAL_ERROR "${FILE}: wanted no '${_bad}' among its libraries, got\n${_libraries}")
    endif()
  endforeach()
  if(NOT _libraries MATCHES "${PREFIX}/lib/xlstm/mlx/lib/libmlx")
    message(FATAL_ERROR "${FILE}: wanted the MLX of ${PREFIX}, got\n${_libraries}")
  endif()
endfunction()

foreach(_name LD_LIBRARY_PATH DYLD_LIBRARY_PATH MLX_DIR CMAKE_PREFIX_PATH XLSTM_MODELS)
  unset(ENV{${_name}})
endforeach()
file(REMOVE_RECURSE "${WORK}")
set(PREFIX "${WORK}/moved/here")
run(_log "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/installed")
file(MAKE_DIRECTORY "${WORK}/moved")
file(RENAME "${WORK}/installed" "${PREFIX}")

file(COPY "${CONSUMER}/" DESTINATION "${WORK}/consumer")
# One file that includes every installed header: none may need what is not installed.
file(GLOB_RECURSE _headers RELATIVE "${PREFIX}/include" "${PREFIX}/include/*.h")
list(TRANSFORM _headers REPLACE "(.+)" "#include \"\\1\"")
list(JOIN _headers "\n" _headers)
file(WRITE "${WORK}/consumer/headers.cpp" "${_headers}\n")
run(_log "${CMAKE_COMMAND}" -S "${WORK}/consumer" -B "${WORK}/build" -G "${GENERATOR}"
    "-DCMAKE_CXX_COMPILER=${CXX}" "-DCMAKE_PREFIX_PATH=${PREFIX}" -DCMAKE_BUILD_TYPE=Release)
run(_log "${CMAKE_COMMAND}" --build "${WORK}/build")
check_libraries("${WORK}/build/consumer")
check_libraries("${PREFIX}/bin/xlstm")

set(_prompt "The old man looked at the sea, and")
run(_library "${WORK}/build/consumer" "${_prompt}" "${PREFIX}/share/xlstm/models/classics-8m")
run(_program "${PREFIX}/bin/xlstm" generate --prompt "${_prompt}" --temperature 0 --max-tokens 24)
string(STRIP "${_library}" _library)
string(STRIP "${_program}" _program)
if(_library STREQUAL "" OR NOT _library STREQUAL _program)
  message(FATAL_ERROR "wanted one text from both, got\nlibrary: ${_library}\nprogram: ${_program}")
endif()
message(STATUS "${_library}")
