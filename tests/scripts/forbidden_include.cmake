# What xlstm/folders.txt does not allow does not compile: COMPILER with the include PATHS of the folder
# `text`, which may include `base` and nothing else.
function(compile HEADER FAULT)
  file(WRITE "${WORK}/includes.cpp" "#include \"${HEADER}\"\n")
  execute_process(COMMAND "${COMPILER}" -std=c++20 -fsyntax-only ${OPTIONS} "${WORK}/includes.cpp"
                  ERROR_VARIABLE _said RESULT_VARIABLE _result)
  if(FAULT STREQUAL "" AND NOT _result EQUAL 0)
    message(FATAL_ERROR "${HEADER} is not found:\n${_said}")
  elseif(NOT FAULT STREQUAL "" AND NOT "${_result} ${_said}" MATCHES "^1 .*${FAULT}")
    message(FATAL_ERROR "${HEADER} is found from another folder:\n${_said}")
  endif()
endfunction()

list(TRANSFORM PATHS PREPEND -I OUTPUT_VARIABLE OPTIONS)
compile(xlstm/text/tokenizer.h "")
compile(xlstm/base/error.h "")
compile(xlstm/weights/tensor_source.h "(No such file|not found)")
compile(xlstm/engine/engine.h "(No such file|not found)")
