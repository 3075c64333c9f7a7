# XLSTM_NATIVE_KERNELS: kernels for the instructions of this machine only. Files with Highway's kernels,
# otherwise compiled once for each of its targets, then take a quarter of the time, with sanitizers less.
#
# xlstm_native_kernels(TARGET): the target has kernels, or asks Highway what they were built for.
option(XLSTM_NATIVE_KERNELS "Build kernels for the instructions of this machine only (x86)" OFF)

function(xlstm_native_kernels TARGET)
  if(XLSTM_NATIVE_KERNELS AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    # Without it reference kernels, which have no FMA elsewhere, would be fused too.
    target_compile_options(${TARGET} PRIVATE -march=native -ffp-contract=off)
    target_compile_definitions(${TARGET} PRIVATE XLSTM_NATIVE_KERNELS)
    # Headers are precompiled with the options of others.
    set_target_properties(${TARGET} PROPERTIES DISABLE_PRECOMPILE_HEADERS ON)
  endif()
endfunction()
