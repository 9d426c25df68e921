# The CUDA toolkit's and cuDNN's headers, where they are installed. Nothing links either.
find_path(INCEPT_CUDA_INCLUDE_DIRS cuda.h HINTS /usr/local/cuda/include)
find_path(INCEPT_CUDNN_INCLUDE_DIR cudnn_backend.h HINTS /usr/local/cuda/include)
set(INCEPT_CUDA OFF)
if(INCEPT_CUDA_INCLUDE_DIRS AND INCEPT_CUDNN_INCLUDE_DIR)
  set(INCEPT_CUDA ON)
endif()
