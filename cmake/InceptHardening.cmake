# What a distribution builds its programs with, for ours too: checked calls of libc, stack protectors, no writable table
# of addresses, and addresses that change from run to run. On by default; it costs a step nothing that can be measured
# (docs/Rationale.md). Sanitizers bring checks of their own and do not go together with _FORTIFY_SOURCE.
option(INCEPT_HARDEN "Build with _FORTIFY_SOURCE=3, stack protectors, RELRO, BIND_NOW and PIE" ON)
if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  set(INCEPT_HARDEN OFF)
endif()
if(INCEPT_HARDEN)
  # In front of everything, so that -fPIC of shared libraries comes later and wins.
  string(PREPEND CMAKE_C_FLAGS "-fPIE ")
  string(PREPEND CMAKE_CXX_FLAGS "-fPIE ")
  add_compile_options(-fstack-protector-strong)
  # Without optimisation there is nothing that libc could check.
  add_compile_options("$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>")
  add_link_options("LINKER:-z,relro,-z,now,-z,noexecstack" "$<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>")
endif()
