# The kernels' tests on x86 processors that this one may not be, run by an emulator: one with AVX2 and
# without AVX-512, and one with all that the emulator has, where that is more.
#   EMULATOR, TESTS, CLASSES  programs; CLASSES is simd_classes.cpp
# Left out are tests of the environment, which start the program anew and so leave the emulator, and
# what takes minutes in it: a long list of cases is tried in part (XLSTM_EMULATED, op_cases.h).
cmake_minimum_required(VERSION 3.25)

function(classes_of CPU OUT)
  execute_process(COMMAND "${EMULATOR}" -cpu ${CPU} "${CLASSES}" OUTPUT_VARIABLE _lines
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" _lines "${_lines}")
  set(${OUT} "${_lines}" PARENT_SCOPE)
endfunction()

function(run_tests CPU)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env XLSTM_EMULATED=1 "${EMULATOR}" -cpu ${CPU} "${TESTS}"
            --gtest_brief=1 --gtest_filter=-*ThreadCount*:*DeathTest*:Compensate.ErrsLess*
    COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(ENV{XLSTM_SIMD} "")
classes_of(max,-avx512f _without)
list(GET _without 0 _best)
if(NOT "avx2" IN_LIST _without OR _best MATCHES "avx512")
  message(FATAL_ERROR "wanted an emulated processor with AVX2 and without AVX-512, got ${_without}")
endif()
message("emulated: ${_without}")
run_tests(max,-avx512f)

classes_of(max _with)
list(GET _with 0 _best)
if(_best MATCHES "avx512")
  message("emulated: ${_with}")
  run_tests(max)
endif()

execute_process(COMMAND "${CLASSES}" all OUTPUT_VARIABLE _missing
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" _missing "${_missing}")
list(REMOVE_ITEM _missing ${_with})
if(_missing)
  message("left out: an emulated x86 processor with ${_missing}, which this emulator does not have")
endif()
