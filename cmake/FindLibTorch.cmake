# LibTorch from the unpacked PyPI wheel (scripts/bootstrap puts it in .deps/libtorch). Defines LibTorch::cpu.
#
# Why not find_package(Torch): with this wheel it demands nvcc at configure time. Why -idirafter: the wheel carries old copies of
# Protobuf's and fmt's headers, which must never shadow the system's.
set(ENTRAIN_LIBTORCH "${PROJECT_SOURCE_DIR}/.deps/libtorch" CACHE PATH "Folder with the unpacked torch wheel")
set(_torch "${ENTRAIN_LIBTORCH}/torch")
if(NOT EXISTS "${_torch}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "LibTorch not found in ${ENTRAIN_LIBTORCH}. Run scripts/bootstrap first.")
endif()
add_library(LibTorch::cpu INTERFACE IMPORTED GLOBAL)
target_compile_options(LibTorch::cpu INTERFACE
  "SHELL:-idirafter ${_torch}/include" "SHELL:-idirafter ${_torch}/include/torch/csrc/api/include")
target_link_libraries(LibTorch::cpu INTERFACE "${_torch}/lib/libtorch_cpu.so" "${_torch}/lib/libc10.so")
target_link_options(LibTorch::cpu INTERFACE "LINKER:-rpath,${_torch}/lib")
if(ENTRAIN_CUDA)
  add_library(LibTorch::cuda INTERFACE IMPORTED GLOBAL)
  target_link_libraries(LibTorch::cuda INTERFACE LibTorch::cpu "${_torch}/lib/libtorch_cuda.so" "${_torch}/lib/libc10_cuda.so")
endif()
set(LibTorch_FOUND TRUE)
