// SPDX-License-Identifier: Apache-2.0
#include "tools/incept-sim/driver/Course.h"
#include "runtime/device/cuda/Cudnn.h"
#include "runtime/program/Image.h"
#include "runtime/program/KernelRows.h"

#include <fstream>

namespace incept::sim {

namespace {

using program::Image;

/// The bytes of a file; empty where it cannot be read.
std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// Operands of a kernel's launch.
Status describeKernel(const program::Kernel &kernel, const program::Launch &launch, CourseLaunch &result) {
  std::vector<program::OperandSize> sizes;
  int64_t units = 0;
  std::string why;
  if (!program::measureLaunch(kernel, launch.extents, sizes, units, why))
    return inputError(why);
  const std::vector<program::OperandRows> rows = program::operandRows(kernel, launch.extents);
  result.kernel = kernel.name;
  result.family = kernel.family;
  result.extents.assign(launch.extents.begin(), launch.extents.end());
  for (size_t i = 0; i < 3; ++i) {
    result.sizes[i] = launch.grid[i];
    result.sizes[3 + i] = launch.block[i];
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    bool isRead = i < kernel.inputs;
    CourseOperand operand{launch.operands[i].region,
                          launch.operands[i].offset,
                          sizes[i].bytes,
                          rows[i].rowBytes,
                          rows[i].strideBytes,
                          isRead,
                          !isRead,
                          isRead ? "" : kernel.operands[i].type};
    result.operands.push_back(std::move(operand));
  }
  return {};
}

Status describePlan(const program::Plan &plan, const program::Launch &launch, CourseLaunch &result) {
  cudnn::Problem problem;
  std::string error;
  if (!cudnn::decode(plan.fields, problem, error))
    return inputError(error);
  cudnn::Problem packed = problem;
  packed.srcStride = packed.dstStride = packed.residualStride = packed.normStride = 0;
  packed.lda = packed.ldb = packed.ldc = 0;
  std::vector<uint64_t> bytes = cudnn::operandBytes(problem), dense = cudnn::operandBytes(packed);
  if (launch.operands.size() != bytes.size() + 1)
    return inputError("a launch of a plan has operands that do not fit it");
  result.family = plan.kind;
  // Only results are asked for their rows.
  const bool isData = problem.kind == cudnn::Kind::ConvolutionBackwardData;
  const int64_t channels = isData ? problem.ic : problem.kind == cudnn::Kind::MatMul ? problem.n : problem.oc;
  const int64_t pitch = isData                                ? problem.srcStride
                        : problem.kind == cudnn::Kind::MatMul ? problem.ldc
                                                              : problem.dstStride;
  const std::vector<cudnn::Type> types = cudnn::resultTypes(problem);
  const size_t reads = bytes.size() - types.size();
  const uint64_t element = uint64_t(cudnn::typeBytes(problem.resultType));
  for (size_t i = 0; i < bytes.size(); ++i) {
    CourseOperand operand{
        launch.operands[i].region, launch.operands[i].offset, bytes[i], bytes[i], bytes[i], true, false, ""};
    if (i >= reads) {
      operand.isRead = false;
      operand.isWritten = true;
      operand.type = cudnn::typeName(types[i - reads]);
      if (bytes[i] != dense[i]) {
        operand.rowBytes = uint64_t(channels) * element;
        operand.strideBytes = uint64_t(pitch) * element;
      }
    } else if (bytes[i] != dense[i]) {
      operand.rowBytes = operand.strideBytes = 0;
    }
    result.operands.push_back(std::move(operand));
  }
  const program::Operand &workspace = launch.operands.back();
  result.operands.push_back({workspace.region, workspace.offset, plan.scratchpadBytes, plan.scratchpadBytes,
                             plan.scratchpadBytes, false, true, ""});
  return {};
}

} // namespace

Expected<std::unique_ptr<Course>> Course::read(const std::string &path) {
  const std::string bytes = readFile(path);
  std::string_view section;
  INCEPT_RETURN_IF_ERROR(program::findSection(bytes, section));
  Image image;
  INCEPT_RETURN_IF_ERROR(program::parseImage(section, image));
  auto course = std::make_unique<Course>();
  course->begins.resize(image.regions.size());
  course->arenaRegion = static_cast<size_t>(image.findRegion(program::kArenaRegion));
  for (const auto &[entry, launches] : image.entries) {
    std::vector<CourseLaunch> &list = course->entries.emplace_back();
    for (const program::Launch &launch : launches) {
      CourseLaunch &result = list.emplace_back();
      result.entry = entry;
      result.index = list.size() - 1;
      result.op = launch.op;
      result.location = launch.location;
      result.bytes = launch.bytes;
      INCEPT_RETURN_IF_ERROR(launch.isKernel ? describeKernel(image.kernels[launch.index], launch, result)
                                             : describePlan(image.plans[launch.index], launch, result));
    }
  }
  Ranges tensors, derived;
  for (const program::Tensor &tensor : image.tensors)
    if (tensor.region == course->arenaRegion)
      (tensor.kind == "derived" ? derived : tensors).add(tensor.offset, tensor.offset + tensor.bytes);
  course->findEnds(tensors, derived);
  return course;
}

std::vector<CourseLaunch> *Course::find(const std::string &entry) {
  for (std::vector<CourseLaunch> &list : entries)
    if (!list.empty() && list.front().entry == entry)
      return &list;
  return nullptr;
}

/// What is live behind a list is what lists that may follow read, and what the program itself reads or writes: tensors
/// with a name. Those that are derived for inference are overwritten by training.
void Course::findEnds(const Ranges &tensors, const Ranges &derived) {
  auto before = [&](const char *entry, const Ranges &live) {
    std::vector<CourseLaunch> *list = find(entry);
    return list ? walk(*list, live, /*ends=*/false) : live;
  };
  Ranges inference = tensors;
  inference.add(derived);
  const Ranges update = before(program::kUpdate, tensors), infer = before(program::kInfer, inference);
  Ranges steps = before(program::kForwardBackward, update);
  steps.add(infer);
  Ranges any = steps; // behind what runs now and then
  any.add(before(program::kStageU8, steps));
  any.add(before(program::kStageF32, steps));
  for (std::vector<CourseLaunch> &list : entries) {
    if (list.empty())
      continue;
    const std::string &entry = list.front().entry;
    bool isStage = entry == program::kStageU8 || entry == program::kStageF32;
    walk(list,
         isStage                              ? steps
         : entry == program::kForwardBackward ? update
         : entry == program::kInfer           ? inference
         : entry == program::kUpdate          ? tensors
                                              : any,
         /*ends=*/true);
  }
}

Ranges Course::walk(std::vector<CourseLaunch> &list, Ranges live, bool ends) {
  for (size_t i = list.size(); i-- > 0;) {
    CourseLaunch &launch = list[i];
    for (const CourseOperand &operand : launch.operands)
      if (operand.region == arenaRegion && ends)
        for (Ranges::Range range : live.missing(operand.offset, operand.offset + operand.bytes))
          launch.ended.push_back(range);
    for (const CourseOperand &operand : launch.operands)
      if (operand.region == arenaRegion && operand.isWritten && operand.isDense())
        live.remove(operand.offset, operand.offset + operand.bytes);
    for (const CourseOperand &operand : launch.operands)
      if (operand.region == arenaRegion && operand.isRead)
        live.add(operand.offset, operand.offset + operand.bytes);
  }
  return live;
}

bool Course::fits(const CourseLaunch &launch, const std::string &kernel, const std::vector<uint64_t> &values) const {
  // A workspace may lie elsewhere than planned.
  size_t operands = launch.operands.size() - (kernel.empty() && !launch.operands.empty());
  if (launch.kernel != kernel || values.size() != operands + launch.extents.size() ||
      !std::equal(launch.extents.begin(), launch.extents.end(), values.begin() + static_cast<ptrdiff_t>(operands)))
    return false;
  std::map<size_t, uint64_t> found;
  for (size_t i = 0; i < operands; ++i) {
    const CourseOperand &operand = launch.operands[i];
    uint64_t begin = values[i] - operand.offset, known = begins[operand.region];
    if ((known && known != begin) || found.try_emplace(operand.region, begin).first->second != begin)
      return false;
  }
  return true;
}

const CourseLaunch *Course::follow(const std::string &kernel, const std::vector<uint64_t> &values) {
  const CourseLaunch *result = nullptr;
  auto consider = [&](const CourseLaunch &launch) {
    if (!result && fits(launch, kernel, values))
      result = &launch;
  };
  if (lastIssued)
    if (const std::vector<CourseLaunch> &list = *find(lastIssued->entry); lastIssued->index + 1 < list.size())
      consider(list[lastIssued->index + 1]);
  for (const std::vector<CourseLaunch> &list : entries)
    if (!list.empty())
      consider(list.front());
  for (const std::vector<CourseLaunch> &list : entries)
    for (const CourseLaunch &launch : list)
      consider(launch);
  if (!result)
    return nullptr;
  for (size_t i = 0; i < values.size() - result->extents.size(); ++i)
    begins[result->operands[i].region] = values[i] - result->operands[i].offset;
  return lastIssued = result;
}

bool Course::isNext(const CourseLaunch *last, const CourseLaunch &next) const {
  const bool isStage = next.entry == program::kStageU8 || next.entry == program::kStageF32;
  if (next.index == 0 && (isStage || !last))
    return true;
  if (!last)
    return false;
  if (next.index > 0)
    return last->entry == next.entry && last->index + 1 == next.index;
  if (last->index + 1 < const_cast<Course *>(this)->find(last->entry)->size())
    return false;
  if (next.entry == program::kForwardBackward)
    return last->entry == program::kStageU8 || last->entry == program::kStageF32;
  if (next.entry == program::kUpdate)
    return last->entry == program::kForwardBackward;
  return true;
}

} // namespace incept::sim
