// SPDX-License-Identifier: Apache-2.0
//
// libcudnn.so.9 of the simulator as the runtime uses it: plans loaded and rebuilt, executed at once and in a graph.
#include "test/sim/Simulated.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

using namespace incept::sim;

namespace {

using Raw = cudnnBackendDescriptor_t;

Raw create(cudnnBackendDescriptorType_t type) {
  Raw made = nullptr;
  EXPECT_EQ(dnn("cudnnBackendCreateDescriptor", type, &made), CUDNN_STATUS_SUCCESS);
  return made;
}

template <typename T>
cudnnStatus_t set(Raw descriptor, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                  const std::vector<T> &values) {
  return dnn("cudnnBackendSetAttribute", descriptor, name, type, int64_t(values.size()),
             static_cast<const void *>(values.data()));
}

cudnnStatus_t finalise(Raw descriptor) { return dnn("cudnnBackendFinalize", descriptor); }

Raw tensor(int64_t uid, std::vector<int64_t> dims, int64_t alignment = 16) {
  Raw made = create(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  std::vector<int64_t> strides = {dims[1] * dims[2] * dims[3], 1, dims[1] * dims[3], dims[1]};
  set<int64_t>(made, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, {uid});
  set<cudnnDataType_t>(made, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, {CUDNN_DATA_FLOAT});
  set<int64_t>(made, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, dims);
  set<int64_t>(made, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, strides);
  set<int64_t>(made, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, {alignment});
  EXPECT_EQ(finalise(made), CUDNN_STATUS_SUCCESS);
  return made;
}

std::string lastError() {
  char text[256] = "";
  dnn("cudnnGetLastErrorString", static_cast<char *>(text), sizeof(text));
  return text;
}

class Cudnn : public testing::Test {
protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    makeCurrent();
    ASSERT_EQ(dnn("cudnnCreate", &handle), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(cu("cuStreamCreate", &stream, unsigned(CU_STREAM_NON_BLOCKING)), CUDA_SUCCESS);
    ASSERT_EQ(dnn("cudnnSetStream", handle, stream), CUDNN_STATUS_SUCCESS);
  }
  void TearDown() override { EXPECT_EQ(dnn("cudnnDestroy", handle), CUDNN_STATUS_SUCCESS); }

  /// A 1x1 convolution of tensor 1 (1x4x2x2) with 2 (4x4x1x1) into 3: a matrix product a person can check.
  Raw operationGraph(int64_t srcAlignment = 16);
  Raw buildPlan();
  /// CUDNN_STATUS_SUCCESS where the stored text loads.
  cudnnStatus_t loadPlan(const std::string &json, Raw &plan);
  std::string jsonOf(Raw plan);
  Raw variantPack(std::vector<void *> pointers);
  void *device(const std::vector<float> &values);
  std::vector<float> read(void *pointer, size_t count);

  cudnnHandle_t handle = nullptr;
  CUstream stream = nullptr;
};

using CudnnDeathTest = Cudnn;

Raw Cudnn::operationGraph(int64_t srcAlignment) {
  Raw window = create(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  set<int64_t>(window, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, {2});
  set<cudnnDataType_t>(window, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, {CUDNN_DATA_FLOAT});
  set<cudnnConvolutionMode_t>(window, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE,
                              {CUDNN_CROSS_CORRELATION});
  for (auto name : {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS})
    set<int64_t>(window, name, CUDNN_TYPE_INT64, {0, 0});
  for (auto name : {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_ATTR_CONVOLUTION_DILATIONS})
    set<int64_t>(window, name, CUDNN_TYPE_INT64, {1, 1});
  EXPECT_EQ(finalise(window), CUDNN_STATUS_SUCCESS);
  Raw operation = create(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  set<Raw>(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_TYPE_BACKEND_DESCRIPTOR,
           {tensor(1, {1, 4, 2, 2}, srcAlignment)});
  set<Raw>(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_TYPE_BACKEND_DESCRIPTOR,
           {tensor(2, {4, 4, 1, 1})});
  set<Raw>(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_TYPE_BACKEND_DESCRIPTOR,
           {tensor(3, {1, 4, 2, 2})});
  set<float>(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, {1});
  EXPECT_EQ(finalise(operation), CUDNN_STATUS_BAD_PARAM); // the window is missing
  set<Raw>(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, {window});
  EXPECT_EQ(finalise(operation), CUDNN_STATUS_BAD_PARAM); // beta is missing
  set<double>(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_DOUBLE, {0});
  EXPECT_EQ(finalise(operation), CUDNN_STATUS_SUCCESS);
  Raw graph = create(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  set<Raw>(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, {operation});
  set<cudnnHandle_t>(graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, {handle});
  EXPECT_EQ(finalise(graph), CUDNN_STATUS_SUCCESS);
  return graph;
}

Raw Cudnn::buildPlan() {
  Raw engine = create(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  set<Raw>(engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, {operationGraph()});
  set<int64_t>(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, {28});
  EXPECT_EQ(finalise(engine), CUDNN_STATUS_SUCCESS);
  Raw knob = create(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
  set<cudnnBackendKnobType_t>(knob, CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, {CUDNN_KNOB_TYPE_STAGES});
  set<int64_t>(knob, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, {3});
  EXPECT_EQ(finalise(knob), CUDNN_STATUS_SUCCESS);
  Raw config = create(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
  set<Raw>(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, {engine});
  set<Raw>(config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_TYPE_BACKEND_DESCRIPTOR, {knob});
  EXPECT_EQ(finalise(config), CUDNN_STATUS_SUCCESS);
  Raw plan = create(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  set<cudnnHandle_t>(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, {handle});
  set<Raw>(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, {config});
  EXPECT_EQ(finalise(plan), CUDNN_STATUS_SUCCESS) << lastError();
  return plan;
}

cudnnStatus_t Cudnn::loadPlan(const std::string &json, Raw &plan) {
  plan = create(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  set<cudnnHandle_t>(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, {handle});
  set<char>(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
            std::vector<char>(json.begin(), json.end()));
  return finalise(plan);
}

std::string Cudnn::jsonOf(Raw plan) {
  int64_t size = 0;
  auto get = [&](int64_t requested, void *text) {
    return dnn("cudnnBackendGetAttribute", plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
               requested, &size, text);
  };
  EXPECT_EQ(get(0, nullptr), CUDNN_STATUS_SUCCESS);
  std::string json(size_t(size), ' ');
  EXPECT_EQ(get(size, json.data()), CUDNN_STATUS_SUCCESS);
  return json;
}

Raw Cudnn::variantPack(std::vector<void *> pointers) {
  Raw pack = create(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  std::vector<int64_t> uids;
  for (size_t i = 0; i < pointers.size(); ++i)
    uids.push_back(int64_t(i) + 1);
  set<int64_t>(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, uids);
  set<void *>(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, pointers);
  set<void *>(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, {nullptr});
  EXPECT_EQ(finalise(pack), CUDNN_STATUS_SUCCESS);
  return pack;
}

void *Cudnn::device(const std::vector<float> &values) {
  CUdeviceptr address = 0;
  EXPECT_EQ(cu("cuMemAlloc", &address, values.size() * 4), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuMemcpyHtoD", address, static_cast<const void *>(values.data()), values.size() * 4), CUDA_SUCCESS);
  return reinterpret_cast<void *>(address);
}

std::vector<float> Cudnn::read(void *pointer, size_t count) {
  std::vector<float> values(count);
  EXPECT_EQ(cu("cuMemcpyDtoH", static_cast<void *>(values.data()), reinterpret_cast<CUdeviceptr>(pointer), count * 4),
            CUDA_SUCCESS);
  return values;
}

const std::vector<float> kSrc = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
/// Filter o picks channel o, doubled, and adds the first channel.
const std::vector<float> kWeights = {3, 0, 0, 0, 1, 2, 0, 0, 1, 0, 2, 0, 1, 0, 0, 2};
const std::vector<float> kDst = {3, 5, 7, 9, 15, 17, 19, 21, 27, 29, 31, 33, 39, 41, 43, 45};

// The rules are those of EngineRules.h, which a test compares with the real library.
TEST_F(Cudnn, EnginesAskForAlignment) {
  auto engine = [&](int64_t index, int64_t alignment) {
    Raw made = create(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    set<Raw>(made, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, {operationGraph(alignment)});
    set<int64_t>(made, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, {index});
    return finalise(made);
  };
  EXPECT_EQ(engine(35, 16), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(engine(28, 4), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(engine(35, 8), CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(lastError(), "engine 35 does not take the graph: tensor 1 is aligned to 8 bytes, not to 16");
  // Nor does a stored plan that says otherwise load.
  std::string json = jsonOf(buildPlan());
  Raw plan = nullptr;
  EXPECT_EQ(loadPlan(json, plan), CUDNN_STATUS_SUCCESS) << lastError();
  size_t at = json.find("\"engineId\":28"), align = json.find("\"ptrAlignment\":16");
  ASSERT_NE(at, std::string::npos);
  ASSERT_NE(align, std::string::npos);
  json.replace(at, 13, "\"engineId\":35");
  EXPECT_EQ(loadPlan(json, plan), CUDNN_STATUS_SUCCESS) << lastError();
  json.replace(json.find("\"ptrAlignment\":16"), 17, "\"ptrAlignment\":8 ");
  EXPECT_EQ(loadPlan(json, plan), CUDNN_STATUS_NOT_SUPPORTED);
}

TEST_F(Cudnn, BuildsStoresLoadsAndExecutesAPlan) {
  EXPECT_EQ(size_t(dnn("cudnnGetVersion")), 91900u);
  Raw built = buildPlan(), loaded = nullptr;
  std::string json = jsonOf(built);
  EXPECT_NE(json.find("\"engineId\":28"), std::string::npos);
  ASSERT_EQ(loadPlan(json, loaded), CUDNN_STATUS_SUCCESS) << lastError();
  for (Raw plan : {built, loaded}) {
    void *src = device(kSrc), *weights = device(kWeights), *dst = device(std::vector<float>(16));
    ASSERT_EQ(dnn("cudnnBackendExecute", handle, plan, variantPack({src, weights, dst})), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cu("cuStreamSynchronize", stream), CUDA_SUCCESS);
    EXPECT_EQ(read(dst, 16), kDst);
  }
}

TEST_F(Cudnn, ExecutesInAGraph) {
  Raw plan = buildPlan();
  void *src = device(std::vector<float>(16)), *weights = device(kWeights), *dst = device(std::vector<float>(16));
  Raw pack = variantPack({src, weights, dst});
  CUgraph graph = nullptr;
  CUgraphExec executable = nullptr;
  ASSERT_EQ(cu("cuStreamBeginCapture", stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), CUDA_SUCCESS);
  ASSERT_EQ(dnn("cudnnBackendExecute", handle, plan, pack), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(cu("cuStreamEndCapture", stream, &graph), CUDA_SUCCESS);
  ASSERT_EQ(cu("cuGraphInstantiate", &executable, graph, 0ull), CUDA_SUCCESS);
  EXPECT_EQ(read(dst, 16), std::vector<float>(16)); // not yet
  // The plan may go; the graph keeps what it needs. The operands are read at the launch.
  EXPECT_EQ(dnn("cudnnBackendDestroyDescriptor", plan), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(dnn("cudnnBackendDestroyDescriptor", pack), CUDNN_STATUS_SUCCESS);
  cu("cuMemcpyHtoD", reinterpret_cast<CUdeviceptr>(src), static_cast<const void *>(kSrc.data()), size_t(64));
  EXPECT_EQ(cu("cuGraphLaunch", executable, stream), CUDA_SUCCESS);
  EXPECT_EQ(cu("cuStreamSynchronize", stream), CUDA_SUCCESS);
  EXPECT_EQ(read(dst, 16), kDst);
}

TEST_F(Cudnn, RefusesPlansOfOtherVersionsAndDevices) {
  std::string json = jsonOf(buildPlan());
  auto replaced = [&](const std::string &from, const std::string &to) {
    std::string text = json;
    size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos);
    return text.replace(at, from.size(), to);
  };
  Raw plan = nullptr;
  EXPECT_EQ(loadPlan(replaced("\"cudnnVersion\":91900", "\"cudnnVersion\":91901"), plan),
            CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH);
  EXPECT_EQ(loadPlan(replaced("\"multiProcessorCount\":132", "\"multiProcessorCount\":114"), plan),
            CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH);
  EXPECT_NE(lastError().find("multiProcessorCount"), std::string::npos);
  EXPECT_EQ(loadPlan(replaced("{", "["), plan), CUDNN_STATUS_BAD_PARAM);
}

TEST_F(CudnnDeathTest, RefusesAllPlansOnRequest) {
  setenv("INCEPT_SIM_PLANS", "refuse", 1);
  EXPECT_EXIT(
      {
        Raw built = buildPlan();
        Raw loaded = nullptr;
        exit(loadPlan(jsonOf(built), loaded) == CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH ? 0 : 99);
      },
      testing::ExitedWithCode(0), "");
  unsetenv("INCEPT_SIM_PLANS");
}

TEST_F(CudnnDeathTest, ReportsOperandsByTensor) {
  EXPECT_EXIT(
      {
        CUdeviceptr unwritten = 0;
        cu("cuMemAlloc", &unwritten, size_t(64));
        Raw pack = variantPack({device(kSrc), reinterpret_cast<void *>(unwritten), device(kSrc)});
        dnn("cudnnBackendExecute", handle, buildPlan(), pack);
        exit(cu("cuStreamSynchronize", stream) == CUDA_ERROR_ILLEGAL_ADDRESS ? 0 : 99);
      },
      testing::ExitedWithCode(1), "cuDNN convolution: tensor 2: .*written");
}

TEST_F(Cudnn, ChecksCalls) {
  Raw plan = buildPlan();
  void *src = device(kSrc), *weights = device(kWeights), *dst = device(kDst);
  Raw lacking = variantPack({src, weights});
  EXPECT_EQ(dnn("cudnnBackendExecute", handle, plan, lacking), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(lastError(), "the variant pack lacks tensor 3");
  Raw shifted = variantPack({static_cast<char *>(src) + 4, weights, dst});
  EXPECT_EQ(dnn("cudnnBackendExecute", handle, plan, shifted), CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
  EXPECT_EQ(dnn("cudnnBackendExecute", handle, lacking, plan), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(dnn("cudnnBackendExecute", cudnnHandle_t(nullptr), plan, lacking), CUDNN_STATUS_BAD_PARAM);

  Raw tensor = create(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  EXPECT_EQ(set<int>(tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT32, {1}),
            CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE);
  EXPECT_EQ(set<int64_t>(tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, {1, 2}), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(finalise(tensor), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(dnn("cudnnBackendDestroyDescriptor", tensor), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(finalise(tensor), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(set<int64_t>(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, {1}),
            CUDNN_STATUS_NOT_INITIALIZED); // finalised
}

TEST_F(Cudnn, SaysWhatIsNotSimulated) {
  testing::internal::CaptureStderr();
  Raw made = nullptr;
  EXPECT_EQ(dnn("cudnnBackendCreateDescriptor", CUDNN_BACKEND_RESAMPLE_DESCRIPTOR, &made), CUDNN_STATUS_NOT_SUPPORTED);
  Raw tensor = create(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  EXPECT_EQ(set<int64_t>(tensor, CUDNN_ATTR_TENSOR_VECTOR_COUNT, CUDNN_TYPE_INT64, {4}), CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "incept-sim: not simulated: cuDNN: descriptor type 24\n"
            "incept-sim: not simulated: cuDNN: attribute 904 of descriptor type 17\n");
}

// Wrong calls, each with its status and its sentence.
TEST_F(Cudnn, SaysWhatIsWrongWithACall) {
  auto said = [](cudnnStatus_t status) { return std::to_string(int(status)) + ": " + lastError(); };
  auto answer = [](cudnnStatus_t status, const std::string &text) { return std::to_string(int(status)) + ": " + text; };
  const cudnnStatus_t bad = CUDNN_STATUS_BAD_PARAM;
  const Raw none = reinterpret_cast<Raw>(this);
  const auto stranger = reinterpret_cast<cudnnHandle_t>(this);
  lastError(); // forgets
  EXPECT_EQ(lastError(), "");
  cudaStream_t got = nullptr;
  EXPECT_EQ(said(dnn("cudnnCreate", static_cast<cudnnHandle_t *>(nullptr))), answer(bad, "no place for the handle"));
  EXPECT_EQ(said(dnn("cudnnDestroy", stranger)), answer(bad, "no such handle"));
  EXPECT_EQ(said(dnn("cudnnSetStream", stranger, stream)), answer(bad, "no such handle"));
  EXPECT_EQ(said(dnn("cudnnGetStream", stranger, &got)), answer(bad, "no such handle"));
  EXPECT_EQ(said(dnn("cudnnGetStream", handle, static_cast<cudaStream_t *>(nullptr))), answer(bad, "no such handle"));
  EXPECT_EQ(dnn("cudnnGetStream", handle, &got), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(got, stream);
  EXPECT_EQ(said(dnn("cudnnBackendCreateDescriptor", CUDNN_BACKEND_TENSOR_DESCRIPTOR, static_cast<Raw *>(nullptr))),
            answer(bad, "no place for the descriptor"));
  EXPECT_EQ(dnn("cudnnBackendDestroyDescriptor", Raw(nullptr)), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(said(dnn("cudnnBackendDestroyDescriptor", none)), answer(bad, "no such descriptor"));
  EXPECT_EQ(said(finalise(none)), answer(bad, "no such descriptor"));
  EXPECT_EQ(said(dnn("cudnnBackendInitialize", none)), answer(bad, "no such descriptor"));

  Raw made = create(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  auto setId = [&](cudnnBackendAttributeType_t type, int64_t count, const void *elements) {
    return dnn("cudnnBackendSetAttribute", made, CUDNN_ATTR_TENSOR_UNIQUE_ID, type, count, elements);
  };
  int64_t id = 5;
  EXPECT_EQ(said(setId(CUDNN_TYPE_DOUBLE, 1, &id)),
            answer(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "attribute 906 has another type"));
  for (int64_t count : {-1, 0, 2})
    EXPECT_EQ(said(setId(CUDNN_TYPE_INT64, count, &id)), answer(bad, "attribute 906 has a wrong number of elements"))
        << count;
  EXPECT_EQ(said(setId(CUDNN_TYPE_INT64, 1, nullptr)), answer(bad, "attribute 906 has a wrong number of elements"));
  EXPECT_EQ(said(finalise(made)), answer(bad, "attribute 906 is missing"));
  EXPECT_EQ(setId(CUDNN_TYPE_INT64, 1, &id), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(said(finalise(made)),
            answer(bad, "attribute " + std::to_string(CUDNN_ATTR_TENSOR_DATA_TYPE) + " is missing"));
  int64_t count = 0;
  auto get = [&](Raw of, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t requested,
                 void *elements) {
    count = -7;
    return dnn("cudnnBackendGetAttribute", of, name, type, requested, &count, elements);
  };
  EXPECT_EQ(said(get(made, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id)),
            answer(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the descriptor is not finalised"));
  // A descriptor that is begun again has nothing of before.
  EXPECT_EQ(dnn("cudnnBackendInitialize", made), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(said(finalise(made)), answer(bad, "attribute 906 is missing"));

  Raw whole = tensor(7, {1, 4, 2, 2});
  EXPECT_EQ(said(finalise(whole)), answer(bad, "the descriptor is finalised already"));
  EXPECT_EQ(said(set<int64_t>(whole, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, {1})),
            answer(CUDNN_STATUS_NOT_INITIALIZED, "the descriptor is finalised"));
  int64_t dims[4] = {-1, -1, -1, -1};
  EXPECT_EQ(get(whole, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, dims), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(dims[0], 7);
  EXPECT_EQ(get(whole, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 2, dims), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(count, 4);
  EXPECT_EQ(std::vector<int64_t>(dims, dims + 4), (std::vector<int64_t>{1, 4, -1, -1}));
  EXPECT_EQ(get(whole, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 0, nullptr), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(count, 4);
  EXPECT_EQ(said(get(whole, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, -1, dims)),
            answer(bad, "attribute " + std::to_string(CUDNN_ATTR_TENSOR_DIMENSIONS) + ": wrong type or count"));
  EXPECT_EQ(said(get(whole, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_DOUBLE, 4, dims)),
            answer(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE,
                   "attribute " + std::to_string(CUDNN_ATTR_TENSOR_DIMENSIONS) + " has another type"));

  Raw pack = create(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  set<int64_t>(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, {1, 2, 1});
  set<void *>(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, {&id, &id});
  EXPECT_EQ(said(finalise(pack)), answer(bad, "a variant pack has other numbers of ids and of pointers"));
  set<void *>(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, {&id, &id, &id});
  EXPECT_EQ(said(finalise(pack)), answer(CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, "a variant pack has an id twice"));
  set<int64_t>(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, {1, 2, 3});
  EXPECT_EQ(finalise(pack), CUDNN_STATUS_SUCCESS);
  Raw built = buildPlan();
  void *src = device(kSrc), *weights = device(kWeights);
  EXPECT_EQ(said(dnn("cudnnBackendExecute", handle, built, variantPack({src, weights, nullptr}))),
            answer(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "tensor 3 is a null pointer"));
  EXPECT_EQ(said(dnn("cudnnBackendExecute", handle, built, variantPack({static_cast<char *>(src) + 8, weights, src}))),
            answer(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "tensor 1 is not aligned to 16 bytes"));
  EXPECT_EQ(said(dnn("cudnnBackendExecute", stranger, built, pack)),
            answer(bad, "an execution needs a handle, a finalised plan and a finalised variant pack"));
  EXPECT_EQ(said(dnn("cudnnBackendExecute", handle, built, built)),
            answer(bad, "an execution needs a handle, a finalised plan and a finalised variant pack"));
}

// Graphs, engines and plans: what they need, and what is asked of them.
TEST_F(Cudnn, SaysWhatAPlanNeeds) {
  auto said = [](cudnnStatus_t status) { return std::to_string(int(status)) + ": " + lastError(); };
  auto answer = [](cudnnStatus_t status, const std::string &text) { return std::to_string(int(status)) + ": " + text; };
  const cudnnStatus_t bad = CUDNN_STATUS_BAD_PARAM, unsupported = CUDNN_STATUS_NOT_SUPPORTED;
  Raw graph = operationGraph(), whole = tensor(7, {1, 4, 2, 2});
  int64_t number = 0, count = 0;
  auto get = [&](Raw of, cudnnBackendAttributeName_t name, int64_t requested, void *elements,
                 cudnnBackendAttributeType_t type = CUDNN_TYPE_INT64) {
    return dnn("cudnnBackendGetAttribute", of, name, type, requested, &count, elements);
  };
  EXPECT_EQ(get(graph, CUDNN_ATTR_OPERATIONGRAPH_ENGINE_GLOBAL_COUNT, 1, &number), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(number, 1000);
  EXPECT_EQ(count, 1);
  auto engine = [&](Raw of, int64_t index, Raw &made) {
    made = create(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    set<Raw>(made, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, {of});
    set<int64_t>(made, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, {index});
    return finalise(made);
  };
  Raw first = nullptr, other = nullptr;
  EXPECT_EQ(said(engine(graph, -1, other)), answer(unsupported, "there is no engine -1"));
  EXPECT_EQ(said(engine(graph, 1000, other)), answer(unsupported, "there is no engine 1000"));
  EXPECT_EQ(engine(graph, 999, other), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(engine(graph, 0, first), CUDNN_STATUS_SUCCESS);
  for (auto name : {CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_ATTR_ENGINE_KNOB_INFO}) {
    count = 7;
    EXPECT_EQ(get(first, name, 0, nullptr), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(count, 0);
  }
  EXPECT_EQ(said(engine(whole, 0, other)),
            answer(bad, "attribute " + std::to_string(CUDNN_ATTR_ENGINE_OPERATION_GRAPH) +
                            " must be a descriptor of type " +
                            std::to_string(int(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR))));
  const std::string graphWords = "attribute " + std::to_string(CUDNN_ATTR_ENGINE_OPERATION_GRAPH);
  other = create(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  EXPECT_EQ(said(set<Raw>(other, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                          {reinterpret_cast<Raw>(this)})),
            answer(bad, graphWords + " is not a descriptor"));
  EXPECT_EQ(said(set<Raw>(other, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, {other})),
            answer(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, graphWords + " is a descriptor that is not finalised"));
  Raw parts = create(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  set<Raw>(parts, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, {whole});
  EXPECT_EQ(said(finalise(parts)), answer(bad, "a part of the operation graph is not an operation"));

  // Two engines, 0 and 1, of the graph.
  Raw heuristics = create(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  set<Raw>(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, {graph});
  set<cudnnBackendHeurMode_t>(heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, {CUDNN_HEUR_MODE_A});
  EXPECT_EQ(finalise(heuristics), CUDNN_STATUS_SUCCESS) << lastError();
  Raw configs[3] = {create(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR), create(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR), whole};
  EXPECT_EQ(get(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, 0, nullptr, CUDNN_TYPE_BACKEND_DESCRIPTOR),
            CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(count, 2);
  EXPECT_EQ(get(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, 3, configs, CUDNN_TYPE_BACKEND_DESCRIPTOR),
            CUDNN_STATUS_SUCCESS);
  for (int64_t i = 0; i < 2; ++i) {
    Raw inside = create(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    EXPECT_EQ(get(configs[i], CUDNN_ATTR_ENGINECFG_ENGINE, 1, &inside, CUDNN_TYPE_BACKEND_DESCRIPTOR),
              CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(get(inside, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, 1, &number), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(number, i);
  }
  EXPECT_EQ(said(get(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, 1, &configs[2], CUDNN_TYPE_BACKEND_DESCRIPTOR)),
            answer(bad, "element 0 is not a descriptor of the right type"));

  Raw device = create(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  EXPECT_EQ(said(finalise(device)), answer(bad, "a device description needs a handle or a JSON text"));
  set<char>(device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, {'{', '}'});
  EXPECT_EQ(said(finalise(device)), answer(bad, "the device profile needs a value for 'deviceVer'"));
  std::ifstream file(INCEPT_SIM_INPUTS "/h100.json");
  std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
  text.push_back(0);
  text.push_back('x'); // behind the end
  set<char>(device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, text);
  EXPECT_EQ(finalise(device), CUDNN_STATUS_SUCCESS) << lastError();

  Raw plan = create(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  EXPECT_EQ(said(finalise(plan)), answer(bad, "a plan needs a handle or a device description"));
  set<Raw>(plan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, {device});
  EXPECT_EQ(said(finalise(plan)), answer(bad, "attribute " + std::to_string(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG) +
                                                  " must be a descriptor of type " +
                                                  std::to_string(int(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR))));
  set<Raw>(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, {configs[1]});
  EXPECT_EQ(finalise(plan), CUDNN_STATUS_SUCCESS) << lastError();
  EXPECT_NE(jsonOf(plan).find("\"engineId\":1"), std::string::npos);
  number = -1;
  EXPECT_EQ(get(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, 1, &number), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(number, 0); // no image plans one
  EXPECT_EQ(jsonOf(buildPlan()).find("\"knobChoices\":{\"" + std::to_string(int(CUDNN_KNOB_TYPE_STAGES)) + "\":3}"),
            jsonOf(buildPlan()).find("\"knobChoices\""));
}

TEST_F(Cudnn, WordsOfAStatus) {
  auto words = [](cudnnStatus_t status) {
    auto *function =
        reinterpret_cast<const char *(*)(cudnnStatus_t)>(dlsym(openSimulated("libcudnn.so.9"), "cudnnGetErrorString"));
    return std::string(function(status));
  };
  EXPECT_EQ(words(CUDNN_STATUS_SUCCESS), "CUDNN_STATUS_SUCCESS");
  EXPECT_EQ(words(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER), "CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER");
  EXPECT_EQ(words(CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH), "CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH");
  EXPECT_EQ(words(CUDNN_STATUS_INTERNAL_ERROR), "CUDNN_STATUS_INTERNAL_ERROR");
  EXPECT_EQ(words(CUDNN_STATUS_EXECUTION_FAILED_CURAND), "CUDNN_STATUS_INTERNAL_ERROR"); // has no words here
  // A text that is too long is cut, and no place is no crash.
  EXPECT_EQ(dnn("cudnnBackendDestroyDescriptor", reinterpret_cast<Raw>(this)), CUDNN_STATUS_BAD_PARAM);
  char text[8] = "xxxxxxx";
  dnn("cudnnGetLastErrorString", static_cast<char *>(text), size_t(5));
  EXPECT_EQ(std::string(text, 8), std::string("no s\0xx\0", 8));
  dnn("cudnnGetLastErrorString", static_cast<char *>(nullptr), size_t(5));
  EXPECT_EQ(lastError(), "");
}

} // namespace
