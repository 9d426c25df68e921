# CUDA's headers: everything of CUDA is opened at run time, so nothing is linked. Without them the CUDA target's parts are
# left out.
find_path(INCEPT_CUDA_INCLUDE_DIR cuda.h HINTS /usr/local/cuda/include)
find_path(INCEPT_CUDNN_INCLUDE_DIR cudnn_backend.h HINTS /usr/local/cuda/include)
set(INCEPT_CUDA OFF)
if(INCEPT_CUDA_INCLUDE_DIR AND INCEPT_CUDNN_INCLUDE_DIR)
  set(INCEPT_CUDA ON)
  set(INCEPT_CUDA_INCLUDE_DIRS ${INCEPT_CUDA_INCLUDE_DIR} ${INCEPT_CUDNN_INCLUDE_DIR})
endif()
