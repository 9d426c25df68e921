# Thin helpers, so that each folder's CMakeLists.txt is a list of sources and direct dependencies.

# incept_add_mlir_library(NAME SOURCES ... DEPENDS tablegen-target... LINK_LIBS libraries...)
# A static library of the compiler: LLVM headers, no exceptions thrown across its API, precompiled MLIR headers.
function(incept_add_mlir_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LINK_LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  target_compile_definitions(${name} PUBLIC ${INCEPT_LLVM_DEFINITIONS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS} MLIR LLVM)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  incept_use_mlir_pch(${name})
endfunction()

# All MLIR translation units share one precompiled header: parsing MLIR takes longer than compiling our code.
function(incept_use_mlir_pch name)
  if(NOT TARGET InceptMLIRPch)
    file(WRITE ${CMAKE_BINARY_DIR}/pch/empty.cpp.in "namespace incept { void pchAnchor(); void pchAnchor() {} }\n")
    configure_file(${CMAKE_BINARY_DIR}/pch/empty.cpp.in ${CMAKE_BINARY_DIR}/pch/empty.cpp COPYONLY)
    add_library(InceptMLIRPch STATIC ${CMAKE_BINARY_DIR}/pch/empty.cpp)
    target_include_directories(InceptMLIRPch SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
    target_compile_definitions(InceptMLIRPch PUBLIC ${INCEPT_LLVM_DEFINITIONS})
    target_precompile_headers(InceptMLIRPch PRIVATE
      <mlir/IR/Builders.h> <mlir/IR/BuiltinOps.h> <mlir/IR/BuiltinTypes.h> <mlir/IR/Diagnostics.h>
      <mlir/IR/PatternMatch.h> <mlir/Pass/Pass.h> <mlir/Dialect/Func/IR/FuncOps.h>
      <llvm/ADT/TypeSwitch.h> <llvm/ADT/DenseMap.h> <llvm/ADT/StringMap.h>)
  endif()
  target_precompile_headers(${name} REUSE_FROM InceptMLIRPch)
endfunction()

# incept_add_mlir_tool(NAME SOURCES ... LINK_LIBS ...)
function(incept_add_mlir_tool name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS} MLIR LLVM)
  incept_use_mlir_pch(${name})
endfunction()

# incept_tablegen(TARGET TD_FILE output -gen-option [output -gen-option]...) runs mlir-tblgen.
function(incept_tablegen target td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  set(rest ${ARGN})
  set(outputs)
  while(rest)
    list(POP_FRONT rest output options)
    separate_arguments(options)
    mlir_tablegen(${output} ${options})
    list(APPEND outputs ${CMAKE_CURRENT_BINARY_DIR}/${output})
  endwhile()
  add_custom_target(${target} DEPENDS ${outputs})
endfunction()
