// SPDX-License-Identifier: Apache-2.0

#include "codegen/cpu/Tune.h"
#include "codegen/cpu/ChannelBlocks.h"
#include "codegen/cpu/CompileKernels.h"
#include "codegen/cpu/CpuTarget.h"
#include "dialect/TileOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/KernelBuilder.h"
#include "passes/KernelRules.h"
#include "runtime/device/cpu/OneDnn.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <omp.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

using namespace mlir;

namespace incept::cpu {

namespace {

/// What networks have: few channels and many pixels, many channels and few pixels, wide and narrow windows, a stride.
constexpr struct {
  int64_t images, size, in, out, kh, kw, stride = 1;
} kShapes[] = {{1, 73, 32, 64, 3, 3},  {1, 35, 96, 96, 3, 3},    {2, 17, 192, 224, 3, 3}, {4, 8, 384, 384, 3, 3},
               {1, 73, 64, 64, 1, 7},  {2, 17, 192, 224, 1, 7},  {2, 17, 224, 256, 7, 1}, {8, 8, 384, 256, 1, 3},
               {4, 8, 448, 512, 3, 1}, {1, 147, 64, 96, 3, 3, 2}};

double now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) * 1e6 + double(time.tv_nsec) / 1e3;
}

/// The least that `run` took in several calls: what disturbs it takes longer.
double measure(llvm::function_ref<void()> run) {
  run();
  double best = 0, total = 0;
  for (int i = 0; i < 6 && (i < 2 || total < 10000); ++i) {
    double start = now();
    run();
    double took = now() - start;
    total += took;
    best = i ? std::min(best, took) : took;
  }
  return std::max(best, 1e-3);
}

/// Memory of a measurement in large pages, as programs have it, with numbers near 1.
class Floats {
public:
  explicit Floats(uint64_t asked) : bytes(llvm::alignTo(std::max<uint64_t>(asked, 1), kPage)) {
    memory = static_cast<float *>(std::aligned_alloc(kPage, bytes));
    if (!memory)
      llvm::report_bad_alloc_error("no memory to measure in");
    ::madvise(memory, bytes, MADV_HUGEPAGE);
    for (size_t i = 0; i < bytes / 4; ++i)
      memory[i] = float(i % 7) * 0.25f - 0.5f;
  }
  ~Floats() { std::free(memory); }
  Floats(Floats &&other) noexcept : bytes(other.bytes), memory(std::exchange(other.memory, nullptr)) {}
  float *data() { return memory; }

private:
  static constexpr uint64_t kPage = uint64_t(2) << 20;
  uint64_t bytes;
  float *memory;
};

/// The kernels of a module, in memory.
class Kernels {
public:
  using Kernel = void (*)(void *const *, const int64_t *, int64_t, int64_t);
  explicit Kernels(const std::vector<char> &bytes) {
    int file = memfd_create("kernels", MFD_CLOEXEC);
    if (file >= 0 && ::write(file, bytes.data(), bytes.size()) == ssize_t(bytes.size()))
      handle = dlopen(("/proc/self/fd/" + std::to_string(file)).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (file >= 0)
      ::close(file);
  }
  ~Kernels() {
    if (handle)
      dlclose(handle);
  }
  Kernel find(StringRef name) { return handle ? Kernel(dlsym(handle, name.str().c_str())) : nullptr; }

private:
  void *handle = nullptr;
};

std::string tensor(ArrayRef<int64_t> shape, StringRef layout = "") {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + "f32" + layout.str() + ">";
}

/// A function of the one kernel group of `op`, on values of these types.
std::string groupOf(StringRef name, StringRef op, ArrayRef<std::string> ins, ArrayRef<std::string> outs) {
  std::string formal, outer, inner, results;
  for (auto [i, type] : llvm::enumerate(ins)) {
    StringRef comma = i ? ", " : "";
    formal += llvm::formatv("{0}%b{1}: {2}", comma, i, type);
    outer += llvm::formatv("{0}%b{1}", comma, i);
    inner += llvm::formatv("{0}%a{1}: {2}", comma, i, type);
  }
  for (size_t i = 0; i < outs.size(); ++i)
    results += llvm::formatv("{0}%r#{1}", i ? ", " : "", i);
  std::string types = "(" + llvm::join(ins, ", ") + ") -> (" + llvm::join(outs, ", ") + ")";
  return llvm::formatv("func.func @{0}({1}) {{\n%g:{2} = incept.group \"kernel\" ({3}) : {4} {{\n^bb0({5}):\n"
                       "%r:{2} = incept.{6} : {4}\nincept.yield {7} : {8}\n}\nreturn\n}\n",
                       name, formal, outs.size(), outer, types, inner, op, results, llvm::join(outs, ", "));
}

/// A convolution in one way, as it is to be measured.
struct Probe {
  std::string name;
  LibraryProblem problem;
  ConvolutionCandidate candidate;
};

/// The functions that compute `probe` by tiles.
std::string textOf(const Probe &probe, int64_t index) {
  const LibraryProblem &p = probe.problem;
  const TilePlan &plan = *probe.candidate.plan;
  const TileShape &shape = plan.shape;
  bool isData = p.kind == LibraryKind::ConvolutionBackwardData;
  int64_t k = isData ? p.oc : p.ic, o = isData ? p.ic : p.oc;
  auto image = [&](int64_t channels, int64_t height, int64_t width) {
    return tensor({p.mb, channels, height, width}, ", #incept.layout<nhwc>");
  };
  std::string src = image(p.ic, p.ih, p.iw), dst = image(p.oc, p.oh, p.ow);
  std::string window = llvm::formatv("kernel [{0}, {1}]", shape.kh, shape.kw),
              tile = llvm::formatv("tile [{0}, {1}] lanes {2}{3}", shape.mh, shape.mw, shape.lanes,
                                   shape.stride > 1 ? llvm::formatv(" stride {0}", shape.stride).str() : ""),
              pad = llvm::formatv("pad [{0}, {1}]", p.pt, p.pl), weights = tensor({p.oc, p.ic, p.kh, p.kw});
  if (p.kind == LibraryKind::ConvolutionBackwardWeights)
    return groupOf(
        llvm::formatv("p{0}", index).str(),
        llvm::formatv("correlate_tiles %a0, %a1 {0} {1} {2} grid [1, 1] block {3}", window, pad, tile, plan.block)
            .str(),
        {src, dst}, {weights, tensor({correlateScratch(shape, k, o, 1, 1, plan.block)})});
  std::string transformed = tensor({transformedElements(shape, k, o)});
  return groupOf(llvm::formatv("t{0}", index).str(),
                 llvm::formatv("transform_weights %a0 {0} {1}{2}", window, tile, isData ? " transposed" : "").str(),
                 {weights}, {transformed}) +
         groupOf(llvm::formatv("p{0}", index).str(),
                 llvm::formatv("convolve_tiles %a0, %a1 {0} {1} {2}{3} units 1 block {4}", window, pad, tile,
                               shape.transposed ? " transposed" : "", plan.block)
                     .str(),
                 {isData ? dst : src, transformed},
                 {isData ? src : dst, tensor({convolveScratch(shape, k, o, plan.block)})});
}

/// What oneDNN takes, in the layout that the target would ask for. Reorders into it are not in that time: whether there
/// are any depends on the neighbours.
bool measureDirect(const LibraryProblem &asked, double &microseconds, std::string &error) {
  onednn::Problem problem;
  static_cast<LibraryProblem &>(problem) = asked;
  onednn::Description description;
  if (!onednn::describe(problem, description, error))
    return false;
  onednn::Problem blocked = problem;
  onednn::Description ofBlocked;
  blocked.activations = blocksFor(problem, description.impl).str();
  if (!blocked.activations.empty() && onednn::describe(blocked, ofBlocked, error) && !ofBlocked.reference &&
      ofBlocked.impl == description.impl) {
    problem = blocked;
    description = ofBlocked;
  }
  problem.weightsFormat = description.weightsFormat;
  onednn::Primitive primitive;
  std::vector<uint64_t> bytes;
  if (!onednn::operandBytes(problem, bytes, error) || !primitive.build(problem, error))
    return false;
  bytes.push_back(primitive.description().scratchpadBytes);
  std::vector<Floats> memory;
  std::vector<void *> operands;
  for (uint64_t size : bytes)
    memory.emplace_back(size);
  for (Floats &floats : memory)
    operands.push_back(floats.data());
  bool runs = true;
  microseconds = measure([&] { runs &= primitive.run(operands.data(), operands.size(), error); });
  return runs;
}

std::vector<Probe> listProbes(int64_t lanes) {
  std::vector<Probe> probes;
  const std::pair<LibraryKind, const char *> kinds[] = {{LibraryKind::ConvolutionForward, "forward"},
                                                        {LibraryKind::ConvolutionBackwardData, "gradient of data"},
                                                        {LibraryKind::ConvolutionBackwardWeights, "of weights"}};
  for (const auto &shape : kShapes)
    for (auto [kind, name] : kinds) {
      LibraryProblem p;
      p.kind = kind;
      p.mb = shape.images, p.ic = shape.in, p.oc = shape.out, p.kh = shape.kh, p.kw = shape.kw;
      p.ih = p.iw = shape.size;
      p.sh = p.sw = shape.stride;
      if (shape.stride == 1)
        p.pt = p.pb = (p.kh - 1) / 2, p.pl = p.pr = (p.kw - 1) / 2;
      p.oh = (p.ih + p.pt + p.pb - p.kh) / p.sh + 1, p.ow = (p.iw + p.pl + p.pr - p.kw) / p.sw + 1;
      for (ConvolutionCandidate &candidate :
           listCandidates(p, lanes, /*threads=*/1, {true, 1}, ConvolutionCosts::shipped(lanes)))
        probes.push_back(
            {llvm::formatv("{0} {1}x{2} {3}->{4} {5}x{5}, {6}", name, p.kh, p.kw, p.ic, p.oc, p.ih, candidate.name), p,
             std::move(candidate)});
    }
  return probes;
}

} // namespace

FailureOr<std::vector<TuneSample>> measureConvolutions(const Processor &processor, std::string &error) {
  int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  auto restore = llvm::scope_exit([=] { omp_set_num_threads(threads); });
  std::vector<Probe> probes = listProbes(processor.vectorBits / 32);
  std::string text;
  for (auto [i, probe] : llvm::enumerate(probes))
    if (probe.candidate.plan)
      text += textOf(probe, int64_t(i));
  DialectRegistry registry;
  registry.insert<InceptDialect, func::FuncDialect>();
  registerKernelRules(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  auto module = parseSourceString<ModuleOp>(text, &context);
  auto target = createCpuTarget(1);
  error = "cannot compile the kernels to measure";
  if (!module)
    return failure();
  KernelTable table(*module, *target);
  llvm::StringMap<KernelLaunch> launches; // by function
  for (func::FuncOp function : llvm::to_vector(module->getOps<func::FuncOp>())) {
    auto found = table.get(*function.getOps<GroupOp>().begin());
    if (failed(found) || found->size() != 1)
      return failure();
    launches[function.getSymName()] = found->front();
  }
  KernelOptions options;
  options.cpu = processor.asked;
  auto bytes = compileKernels(*module, options);
  if (failed(bytes))
    return failure();
  Kernels kernels(*bytes);
  auto measureLaunch = [&](const std::string &function) {
    const KernelLaunch &launch = launches[function];
    Kernels::Kernel kernel = kernels.find(launch.symbol);
    if (!kernel)
      return 0.0;
    std::vector<Floats> memory;
    std::vector<void *> operands;
    for (Value value : launch.operands)
      memory.emplace_back(uint64_t(cast<RankedTensorType>(value.getType()).getNumElements()) * 4);
    for (Floats &floats : memory)
      operands.push_back(floats.data());
    return measure([&] { kernel(operands.data(), launch.extents.data(), 0, launch.units); });
  };
  // In rounds, which lie apart: something else may run beside one of them.
  std::vector<TuneSample> samples;
  size_t next = 0;
  auto keep = [&](const std::string &name, const WorkCounts &work, double took) {
    if (next == samples.size())
      samples.push_back({name, work, took});
    samples[next].microseconds = std::min(samples[next].microseconds, took);
    ++next;
  };
  constexpr int kRounds = 3;
  for (int round = 0; round < kRounds; ++round) {
    next = 0;
    for (auto [i, probe] : llvm::enumerate(probes)) {
      WorkCounts work = probe.candidate.work;
      double took = 0;
      if (!probe.candidate.plan) {
        if (!measureDirect(probe.problem, took, error))
          return failure();
        keep(probe.name, work, took);
        continue;
      }
      // The transform of weights is a sample of its own.
      std::string index = std::to_string(i);
      if (launches.count("t" + index)) {
        WorkCounts transform;
        for (Work kind : {Work::Weights, Work::Transposed})
          std::swap(transform[kind], work[kind]);
        if (work[Work::Far] > 0) {
          transform[Work::Far] = transform[Work::Weights] + transform[Work::Transposed];
          work[Work::Far] -= transform[Work::Far];
        }
        transform[Work::Call] = work[Work::Call] = 1;
        keep(probe.name + ", weights", transform, measureLaunch("t" + index));
      }
      keep(probe.name, work, measureLaunch("p" + index));
    }
  }
  if (llvm::any_of(samples, [](const TuneSample &sample) { return sample.microseconds == 0; })) {
    error = "cannot run the kernels to measure";
    return failure();
  }
  return samples;
}

ConvolutionCosts fitCosts(const std::vector<TuneSample> &samples) {
  // Coordinate by coordinate: the problem is small, convex, and its least value one.
  ConvolutionCosts costs;
  std::vector<double> left(samples.size(), 1); // of each time, relative to it
  auto share = [&](size_t sample, size_t work) {
    return samples[sample].work.counts[work] / 1000 / samples[sample].microseconds;
  };
  for (int round = 0; round < 2000; ++round)
    for (size_t work = 0; work < kWorks; ++work) {
      double along = 0, square = 0;
      for (size_t i = 0; i < samples.size(); ++i) {
        along += left[i] * share(i, work);
        square += share(i, work) * share(i, work);
      }
      if (square == 0)
        continue;
      double next = std::max(costs.nanoseconds[work] + along / square, 0.0);
      for (size_t i = 0; i < samples.size(); ++i)
        left[i] -= (next - costs.nanoseconds[work]) * share(i, work);
      costs.nanoseconds[work] = next;
    }
  return costs;
}

std::string costsKey(const Processor &processor) {
  return "costs 1 " + processor.name + " " + processor.features + " oneDNN " + onednn::version() + " " + onednn::isa();
}

} // namespace incept::cpu
