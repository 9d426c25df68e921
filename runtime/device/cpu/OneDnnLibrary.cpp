// SPDX-License-Identifier: Apache-2.0
//
// The functions of oneDNN that OneDnn.cpp calls, under their own names: each goes on to the library's, once it is open.
// One that is missing here does not link; it needs a function below and a line in the table.
#include "runtime/device/cpu/OneDnnLibrary.h"

#include <dlfcn.h>
#include <dnnl.h>
#include <dnnl_version.h>

namespace {

/// The library's function; the one of ours that has its name is the key.
template <auto *Function>
decltype(Function) real = nullptr;

struct Symbol {
  const char *name;
  void *place; ///< of the function's pointer
};

const Symbol kSymbols[] = {
    {"dnnl_dilated_convolution_backward_data_desc_init", &real<&dnnl_dilated_convolution_backward_data_desc_init>},
    {"dnnl_dilated_convolution_backward_weights_desc_init",
     &real<&dnnl_dilated_convolution_backward_weights_desc_init>},
    {"dnnl_dilated_convolution_forward_desc_init", &real<&dnnl_dilated_convolution_forward_desc_init>},
    {"dnnl_engine_create", &real<&dnnl_engine_create>},
    {"dnnl_engine_destroy", &real<&dnnl_engine_destroy>},
    {"dnnl_get_effective_cpu_isa", &real<&dnnl_get_effective_cpu_isa>},
    {"dnnl_matmul_desc_init", &real<&dnnl_matmul_desc_init>},
    {"dnnl_memory_create", &real<&dnnl_memory_create>},
    {"dnnl_memory_desc_equal", &real<&dnnl_memory_desc_equal>},
    {"dnnl_memory_desc_get_size", &real<&dnnl_memory_desc_get_size>},
    {"dnnl_memory_desc_init_by_strides", &real<&dnnl_memory_desc_init_by_strides>},
    {"dnnl_memory_desc_init_by_tag", &real<&dnnl_memory_desc_init_by_tag>},
    {"dnnl_memory_desc_permute_axes", &real<&dnnl_memory_desc_permute_axes>},
    {"dnnl_memory_destroy", &real<&dnnl_memory_destroy>},
    {"dnnl_post_ops_append_eltwise", &real<&dnnl_post_ops_append_eltwise>},
    {"dnnl_post_ops_create", &real<&dnnl_post_ops_create>},
    {"dnnl_post_ops_destroy", &real<&dnnl_post_ops_destroy>},
    {"dnnl_primitive_attr_create", &real<&dnnl_primitive_attr_create>},
    {"dnnl_primitive_attr_destroy", &real<&dnnl_primitive_attr_destroy>},
    {"dnnl_primitive_attr_set_output_scales", &real<&dnnl_primitive_attr_set_output_scales>},
    {"dnnl_primitive_attr_set_post_ops", &real<&dnnl_primitive_attr_set_post_ops>},
    {"dnnl_primitive_attr_set_scratchpad_mode", &real<&dnnl_primitive_attr_set_scratchpad_mode>},
    {"dnnl_primitive_create", &real<&dnnl_primitive_create>},
    {"dnnl_primitive_desc_destroy", &real<&dnnl_primitive_desc_destroy>},
    {"dnnl_primitive_desc_iterator_create", &real<&dnnl_primitive_desc_iterator_create>},
    {"dnnl_primitive_desc_iterator_destroy", &real<&dnnl_primitive_desc_iterator_destroy>},
    {"dnnl_primitive_desc_iterator_fetch", &real<&dnnl_primitive_desc_iterator_fetch>},
    {"dnnl_primitive_desc_query", &real<&dnnl_primitive_desc_query>},
    {"dnnl_primitive_desc_query_md", &real<&dnnl_primitive_desc_query_md>},
    {"dnnl_primitive_destroy", &real<&dnnl_primitive_destroy>},
    {"dnnl_primitive_execute", &real<&dnnl_primitive_execute>},
    {"dnnl_reorder_primitive_desc_create", &real<&dnnl_reorder_primitive_desc_create>},
    {"dnnl_set_max_cpu_isa", &real<&dnnl_set_max_cpu_isa>},
    {"dnnl_stream_create", &real<&dnnl_stream_create>},
    {"dnnl_stream_destroy", &real<&dnnl_stream_destroy>},
    {"dnnl_version", &real<&dnnl_version>}};

} // namespace

bool incept::onednn::openLibrary(std::string &error) {
  static const std::string problem = [] {
    const std::string file = "libdnnl.so." + std::to_string(DNNL_VERSION_MAJOR);
    const std::string advice = ": install libdnnl" + std::to_string(DNNL_VERSION_MAJOR);
    void *library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
      return "expected the library oneDNN on this machine, but " + std::string(::dlerror()) + advice;
    for (const Symbol &symbol : kSymbols) {
      void *function = ::dlsym(library, symbol.name);
      if (!function)
        return "expected the function " + std::string(symbol.name) + " in " + file + advice;
      *static_cast<void **>(symbol.place) = function;
    }
    return std::string();
  }();
  error = problem;
  return problem.empty();
}

extern "C" {

dnnl_status_t dnnl_dilated_convolution_backward_data_desc_init(dnnl_convolution_desc_t *desc, dnnl_alg_kind_t algorithm,
                                                               const dnnl_memory_desc_t *diffSrc,
                                                               const dnnl_memory_desc_t *weights,
                                                               const dnnl_memory_desc_t *diffDst,
                                                               const dnnl_dims_t strides, const dnnl_dims_t dilates,
                                                               const dnnl_dims_t begin, const dnnl_dims_t end) {
  return real<&dnnl_dilated_convolution_backward_data_desc_init>(desc, algorithm, diffSrc, weights, diffDst, strides,
                                                                 dilates, begin, end);
}

dnnl_status_t dnnl_dilated_convolution_backward_weights_desc_init(
    dnnl_convolution_desc_t *desc, dnnl_alg_kind_t algorithm, const dnnl_memory_desc_t *src,
    const dnnl_memory_desc_t *diffWeights, const dnnl_memory_desc_t *diffBias, const dnnl_memory_desc_t *diffDst,
    const dnnl_dims_t strides, const dnnl_dims_t dilates, const dnnl_dims_t begin, const dnnl_dims_t end) {
  return real<&dnnl_dilated_convolution_backward_weights_desc_init>(desc, algorithm, src, diffWeights, diffBias,
                                                                    diffDst, strides, dilates, begin, end);
}

dnnl_status_t dnnl_dilated_convolution_forward_desc_init(dnnl_convolution_desc_t *desc, dnnl_prop_kind_t kind,
                                                         dnnl_alg_kind_t algorithm, const dnnl_memory_desc_t *src,
                                                         const dnnl_memory_desc_t *weights,
                                                         const dnnl_memory_desc_t *bias, const dnnl_memory_desc_t *dst,
                                                         const dnnl_dims_t strides, const dnnl_dims_t dilates,
                                                         const dnnl_dims_t begin, const dnnl_dims_t end) {
  return real<&dnnl_dilated_convolution_forward_desc_init>(desc, kind, algorithm, src, weights, bias, dst, strides,
                                                           dilates, begin, end);
}

dnnl_status_t dnnl_engine_create(dnnl_engine_t *engine, dnnl_engine_kind_t kind, size_t index) {
  return real<&dnnl_engine_create>(engine, kind, index);
}

dnnl_status_t dnnl_engine_destroy(dnnl_engine_t engine) { return real<&dnnl_engine_destroy>(engine); }

dnnl_cpu_isa_t dnnl_get_effective_cpu_isa() { return real<&dnnl_get_effective_cpu_isa>(); }

dnnl_status_t dnnl_matmul_desc_init(dnnl_matmul_desc_t *desc, const dnnl_memory_desc_t *src,
                                    const dnnl_memory_desc_t *weights, const dnnl_memory_desc_t *bias,
                                    const dnnl_memory_desc_t *dst) {
  return real<&dnnl_matmul_desc_init>(desc, src, weights, bias, dst);
}

dnnl_status_t dnnl_memory_create(dnnl_memory_t *memory, const dnnl_memory_desc_t *desc, dnnl_engine_t engine,
                                 void *handle) {
  return real<&dnnl_memory_create>(memory, desc, engine, handle);
}

int dnnl_memory_desc_equal(const dnnl_memory_desc_t *a, const dnnl_memory_desc_t *b) {
  return real<&dnnl_memory_desc_equal>(a, b);
}

size_t dnnl_memory_desc_get_size(const dnnl_memory_desc_t *desc) { return real<&dnnl_memory_desc_get_size>(desc); }

dnnl_status_t dnnl_memory_desc_init_by_strides(dnnl_memory_desc_t *desc, int ndims, const dnnl_dims_t dims,
                                               dnnl_data_type_t type, const dnnl_dims_t strides) {
  return real<&dnnl_memory_desc_init_by_strides>(desc, ndims, dims, type, strides);
}

dnnl_status_t dnnl_memory_desc_init_by_tag(dnnl_memory_desc_t *desc, int ndims, const dnnl_dims_t dims,
                                           dnnl_data_type_t type, dnnl_format_tag_t tag) {
  return real<&dnnl_memory_desc_init_by_tag>(desc, ndims, dims, type, tag);
}

dnnl_status_t dnnl_memory_desc_permute_axes(dnnl_memory_desc_t *result, const dnnl_memory_desc_t *desc,
                                            const int *permutation) {
  return real<&dnnl_memory_desc_permute_axes>(result, desc, permutation);
}

dnnl_status_t dnnl_memory_destroy(dnnl_memory_t memory) { return real<&dnnl_memory_destroy>(memory); }

dnnl_status_t dnnl_post_ops_append_eltwise(dnnl_post_ops_t ops, float scale, dnnl_alg_kind_t algorithm, float alpha,
                                           float beta) {
  return real<&dnnl_post_ops_append_eltwise>(ops, scale, algorithm, alpha, beta);
}

dnnl_status_t dnnl_post_ops_create(dnnl_post_ops_t *ops) { return real<&dnnl_post_ops_create>(ops); }

dnnl_status_t dnnl_post_ops_destroy(dnnl_post_ops_t ops) { return real<&dnnl_post_ops_destroy>(ops); }

dnnl_status_t dnnl_primitive_attr_create(dnnl_primitive_attr_t *attr) {
  return real<&dnnl_primitive_attr_create>(attr);
}

dnnl_status_t dnnl_primitive_attr_destroy(dnnl_primitive_attr_t attr) {
  return real<&dnnl_primitive_attr_destroy>(attr);
}

dnnl_status_t dnnl_primitive_attr_set_output_scales(dnnl_primitive_attr_t attr, dnnl_dim_t count, int mask,
                                                    const float *scales) {
  return real<&dnnl_primitive_attr_set_output_scales>(attr, count, mask, scales);
}

dnnl_status_t dnnl_primitive_attr_set_post_ops(dnnl_primitive_attr_t attr, const_dnnl_post_ops_t ops) {
  return real<&dnnl_primitive_attr_set_post_ops>(attr, ops);
}

dnnl_status_t dnnl_primitive_attr_set_scratchpad_mode(dnnl_primitive_attr_t attr, dnnl_scratchpad_mode_t mode) {
  return real<&dnnl_primitive_attr_set_scratchpad_mode>(attr, mode);
}

dnnl_status_t dnnl_primitive_create(dnnl_primitive_t *primitive, const_dnnl_primitive_desc_t desc) {
  return real<&dnnl_primitive_create>(primitive, desc);
}

dnnl_status_t dnnl_primitive_desc_destroy(dnnl_primitive_desc_t desc) {
  return real<&dnnl_primitive_desc_destroy>(desc);
}

dnnl_status_t dnnl_primitive_desc_iterator_create(dnnl_primitive_desc_iterator_t *iterator, const_dnnl_op_desc_t op,
                                                  const_dnnl_primitive_attr_t attr, dnnl_engine_t engine,
                                                  const_dnnl_primitive_desc_t hint) {
  return real<&dnnl_primitive_desc_iterator_create>(iterator, op, attr, engine, hint);
}

dnnl_status_t dnnl_primitive_desc_iterator_destroy(dnnl_primitive_desc_iterator_t iterator) {
  return real<&dnnl_primitive_desc_iterator_destroy>(iterator);
}

dnnl_primitive_desc_t dnnl_primitive_desc_iterator_fetch(const_dnnl_primitive_desc_iterator_t iterator) {
  return real<&dnnl_primitive_desc_iterator_fetch>(iterator);
}

dnnl_status_t dnnl_primitive_desc_query(const_dnnl_primitive_desc_t desc, dnnl_query_t what, int index, void *result) {
  return real<&dnnl_primitive_desc_query>(desc, what, index, result);
}

const dnnl_memory_desc_t *dnnl_primitive_desc_query_md(const_dnnl_primitive_desc_t desc, dnnl_query_t what, int index) {
  return real<&dnnl_primitive_desc_query_md>(desc, what, index);
}

dnnl_status_t dnnl_primitive_destroy(dnnl_primitive_t primitive) { return real<&dnnl_primitive_destroy>(primitive); }

dnnl_status_t dnnl_primitive_execute(const_dnnl_primitive_t primitive, dnnl_stream_t stream, int count,
                                     const dnnl_exec_arg_t *arguments) {
  return real<&dnnl_primitive_execute>(primitive, stream, count, arguments);
}

dnnl_status_t dnnl_reorder_primitive_desc_create(dnnl_primitive_desc_t *desc, const dnnl_memory_desc_t *src,
                                                 dnnl_engine_t srcEngine, const dnnl_memory_desc_t *dst,
                                                 dnnl_engine_t dstEngine, const_dnnl_primitive_attr_t attr) {
  return real<&dnnl_reorder_primitive_desc_create>(desc, src, srcEngine, dst, dstEngine, attr);
}

dnnl_status_t dnnl_set_max_cpu_isa(dnnl_cpu_isa_t isa) { return real<&dnnl_set_max_cpu_isa>(isa); }

dnnl_status_t dnnl_stream_create(dnnl_stream_t *stream, dnnl_engine_t engine, unsigned flags) {
  return real<&dnnl_stream_create>(stream, engine, flags);
}

dnnl_status_t dnnl_stream_destroy(dnnl_stream_t stream) { return real<&dnnl_stream_destroy>(stream); }

const dnnl_version_t *dnnl_version() { return real<&dnnl_version>(); }

} // extern "C"
