# Converts a model and lets Python's mlx.core read it. MORE: further options, a list.
file(REMOVE_RECURSE "${WORK}")
execute_process(
  COMMAND "${PROGRAM}" convert "${MODEL}" "${WORK}" --quantize ${BITS} --group-size ${GROUP} --mode
          ${MODE} ${MORE} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${PYTHON}" "${SCRIPT}" "${MODEL}" "${WORK}" RESULT_VARIABLE result)
file(REMOVE_RECURSE "${WORK}")
if(NOT result EQUAL 0)
  message(FATAL_ERROR "mlx.core does not read it as it should")
endif()
