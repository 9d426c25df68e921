# Finds what the CUDA target needs at build and compile time: the toolkit's headers and ptxas, cuDNN's headers and
# libraries. Looks in the wheels that `scripts/setup.sh --cuda` unpacks into build/cuda-toolchain, then in the system's
# places. Nothing is linked: drivers and cuDNN are opened at run time. Sets
#   INCEPT_CUDA               all of it is there
#   INCEPT_CUDA_INCLUDE_DIRS  cuda.h and cudnn_backend.h
#   INCEPT_PTXAS              the assembler
#   INCEPT_CUDNN_DIR          the folder of libcudnn.so.9
# Without INCEPT_CUDA everything still builds; what needs cuDNN then says that it is missing.
set(wheels ${CMAKE_SOURCE_DIR}/build/cuda-toolchain/nvidia)
find_path(INCEPT_CUDA_H cuda.h HINTS ${wheels}/cu13/include PATHS /usr/local/cuda/include)
find_program(INCEPT_PTXAS ptxas HINTS ${wheels}/cu13/bin PATHS /usr/local/cuda/bin)
find_path(INCEPT_CUDNN_H cudnn_backend.h HINTS ${wheels}/cudnn/include PATHS /usr/local/cuda/include)
find_path(INCEPT_CUDNN_DIR libcudnn.so.9 HINTS ${wheels}/cudnn/lib
  PATHS /usr/local/cuda/lib64 /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE} /usr/lib64)

set(INCEPT_CUDA FALSE)
set(INCEPT_CUDA_INCLUDE_DIRS "")
if(INCEPT_CUDA_H AND INCEPT_PTXAS AND INCEPT_CUDNN_H AND INCEPT_CUDNN_DIR)
  set(INCEPT_CUDA TRUE)
  set(INCEPT_CUDA_INCLUDE_DIRS ${INCEPT_CUDA_H} ${INCEPT_CUDNN_H})
  list(REMOVE_DUPLICATES INCEPT_CUDA_INCLUDE_DIRS)
  message(STATUS "cuDNN: ${INCEPT_CUDNN_DIR}, ptxas: ${INCEPT_PTXAS}")
else()
  message(STATUS "No CUDA toolkit with cuDNN: plans for cuda targets cannot be made (scripts/setup.sh --cuda)")
endif()
mark_as_advanced(INCEPT_CUDA_H INCEPT_PTXAS INCEPT_CUDNN_H INCEPT_CUDNN_DIR)
