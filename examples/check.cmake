# Runs PROGRAM and holds what it prints against EXPECTED, a script in this language of calls like
#
#   want("a regular expression that the output shall match")
execute_process(COMMAND "${PROGRAM}" OUTPUT_VARIABLE OUTPUT ERROR_VARIABLE _err RESULT_VARIABLE _code)
message("${OUTPUT}${_err}")
if(NOT _code EQUAL 0)
  message(FATAL_ERROR "${PROGRAM}: wanted exit code 0, got ${_code}")
endif()

function(want EXPRESSION)
  if(NOT OUTPUT MATCHES "${EXPRESSION}")
    message(SEND_ERROR "${PROGRAM}: wanted what '${EXPRESSION}' matches")
  endif()
endfunction()

include("${EXPECTED}")
