# Every third-party package the project uses is found here, with the version it needs.

find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(ZLIB REQUIRED)

# oneDNN's own package file asks for OpenCL headers, which only its GPU engine needs.
find_path(DNNL_INCLUDE_DIR dnnl.hpp REQUIRED)
find_library(DNNL_LIBRARY dnnl REQUIRED)
add_library(DNNL::dnnl SHARED IMPORTED)
set_target_properties(DNNL::dnnl PROPERTIES IMPORTED_LOCATION ${DNNL_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES ${DNNL_INCLUDE_DIR})

# Headers only: a compiled program loads the libraries when it reads an image file.
find_package(Threads REQUIRED)
find_path(JPEG_INCLUDE_DIR jpeglib.h REQUIRED) # libjpeg-turbo's: crops and skips rows
find_library(JPEG_LIBRARY jpeg REQUIRED) # for tests, which make files
find_path(SPNG_INCLUDE_DIR spng.h REQUIRED)

find_package(GTest REQUIRED)

# MLIR's version file only accepts an exact major.minor, so the major number is checked by hand.
find_package(MLIR REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "incept needs LLVM and MLIR 22, but found ${LLVM_VERSION}: run scripts/setup.sh")
endif()
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)
set(MLIR_LINK_MLIR_DYLIB ON)
separate_arguments(INCEPT_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")
