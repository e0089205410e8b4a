# Fails where the numeric code has a fused multiply-add, which rounds once where
# core/DETERMINISM.md says twice.
# usage: cmake -DOBJDUMP=<objdump> -DLIBRARY=<libweightinit_core.a> -P no_fused_multiply_add.cmake
execute_process(COMMAND ${OBJDUMP} --disassemble --no-show-raw-insn ${LIBRARY}
  OUTPUT_VARIABLE assembly RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${OBJDUMP} failed on ${LIBRARY}")
endif()
# That the numeric code is in it: a packed multiplication (x86, AArch64).
if(NOT assembly MATCHES "[ \t]v?mulps[ \t]|[ \t]fmul[ \t]")
  message(FATAL_ERROR "no vector multiplication found in ${LIBRARY}")
endif()
string(REGEX MATCHALL "[ \t](vfn?m(add|sub)[a-z0-9]*|fn?m(add|sub)|fml[as])[ \t][^\n]*" fused "${assembly}")
if(fused)
  list(GET fused 0 first)
  list(LENGTH fused count)
  message(FATAL_ERROR "${count} fused multiply-adds, the first: ${first}")
endif()
message(STATUS "no fused multiply-add")
