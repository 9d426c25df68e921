// SPDX-License-Identifier: Apache-2.0
//
// A real program with its image damaged, in many ways: each must end in one sentence and exit status 1. Every damage is
// tried twice: as it is, where the checksum tells, and sealed, with the checksum that belongs to the damaged bytes,
// where the checks of what the image says have to. Sealed damage may also be harmless (the digit of a name) or look
// like another machine's program; code is damaged only where the checksum tells.
//
//   incept-damage PROGRAM [RANDOM [SEED]]     prints what went wrong; exit status 1 where something did
//
// Every try is a process of its own that loads the program, takes one training step and infers once, so that a crash is
// one try's. Built with sanitizers it tells more.

#include "runtime/device/cpu/CpuDevice.h"
#include "runtime/train/Program.h"
#include "test/runtime/TinyProgram.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace incept;
using nlohmann::json;
using Edit = std::function<void(json &)>;

// A report of a sanitizer is not an exit status of ours.
extern "C" const char *__asan_default_options() { return "exitcode=99:detect_leaks=0:allocator_may_return_null=1"; }
extern "C" const char *__ubsan_default_options() { return "halt_on_error=1:exitcode=99:print_stacktrace=1"; }

namespace {

struct Outcome {
  int status = 0; ///< exit status, or 1000 + signal
  std::string message;
};

/// What the program does: everything that a damaged image could lead astray.
Status useProgram(const std::string &path) {
  auto program = Program::open(path, cpuBackend());
  if (!program)
    return program.status();
  INCEPT_RETURN_IF_ERROR((*program)->initialize(1));
  if ((*program)->image().mode == "train") {
    INCEPT_RETURN_IF_ERROR((*program)->trainStep(0, 1, 1));
    INCEPT_RETURN_IF_ERROR((*program)->trainStep(1, 1, 1, Input::F32));
  }
  INCEPT_RETURN_IF_ERROR((*program)->prepareInference());
  INCEPT_RETURN_IF_ERROR((*program)->infer());
  for (const program::Tensor &tensor : (*program)->image().tensors)
    if (tensor.kind == "parameter" || tensor.kind == "state" || tensor.kind == "slot")
      if (auto value = (*program)->read(tensor); !value)
        return value.status();
  return {};
}

/// Uses a program of these bytes in a process of its own.
Outcome tryProgram(const std::string &elf) {
  int words[2];
  if (::pipe(words) != 0)
    std::abort();
  std::fflush(nullptr);
  pid_t child = ::fork();
  if (child == 0) {
    ::dup2(words[1], STDERR_FILENO);
    ::close(words[0]);
    ::alarm(120);
    int file = ::memfd_create("program", 0);
    if (::write(file, elf.data(), elf.size()) != static_cast<ssize_t>(elf.size()))
      ::_exit(98);
    Status status = useProgram("/proc/self/fd/" + std::to_string(file));
    if (!status.ok())
      std::fprintf(stderr, "%s\n", status.message().c_str());
    std::fflush(nullptr);
    ::_exit(static_cast<int>(status.code()));
  }
  ::close(words[1]);
  Outcome outcome;
  char buffer[4096];
  for (ssize_t count; (count = ::read(words[0], buffer, sizeof buffer)) > 0;)
    outcome.message.append(buffer, count);
  ::close(words[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  return outcome;
}

/// A program in memory, and its image as header and blobs.
class Subject {
public:
  explicit Subject(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    elf.assign(std::istreambuf_iterator<char>(file), {});
    std::string_view section;
    if (!program::findSection(elf, section).ok())
      return;
    offset = section.data() - elf.data();
    image = section;
    std::memcpy(&headerBytes, image.data(), 8);
    header = json::parse(image.substr(program::kPrefixBytes, headerBytes));
  }

  bool ok() const { return !header.is_null(); }

  /// The image with an edited header, whose length stays.
  std::string edited(const Edit &edit) const {
    json copy = header;
    copy["spec"]["text"] = ""; // makes room
    edit(copy);
    std::string text = copy.dump(), result = image;
    if (text.size() > headerBytes) {
      std::fprintf(stderr, "an edit is longer than the header has room for\n");
      std::exit(2);
    }
    text.resize(headerBytes, ' ');
    return result.replace(program::kPrefixBytes, headerBytes, text);
  }

  std::string program(const std::string &changed) const {
    std::string result = elf;
    return result.replace(offset, image.size(), changed);
  }

  std::string elf, image;
  json header;
  uint64_t headerBytes = 0;

private:
  size_t offset = 0;
};

/// The value at a path of keys and indices.
json &at(json &value, const std::string &pointer) { return value[json::json_pointer(pointer)]; }

/// The first launch that `wanted` accepts; the test's network must have one.
json &launchOf(json &header, const std::function<bool(const json &)> &wanted) {
  for (auto &[entry, launches] : header["entries"].items())
    for (json &launch : launches)
      if (wanted(launch))
        return launch;
  std::fprintf(stderr, "the program has no launch of a kind that this test damages\n");
  std::exit(2);
}

json &kernelLaunch(json &header, const std::string &family) {
  const json kernels = header["kernels"];
  return launchOf(header, [&](const json &launch) {
    return launch.contains("kernel") && kernels[launch["kernel"].get<size_t>()]["family"] == family;
  });
}

json &kernelOf(json &header, const std::string &family) {
  return header["kernels"][kernelLaunch(header, family)["kernel"].get<size_t>()];
}

json &planOf(json &header, const std::string &kind) {
  const json plans = header["plans"];
  json &launch = launchOf(header, [&](const json &candidate) {
    return candidate.contains("plan") && plans[candidate["plan"].get<size_t>()]["kind"] == kind;
  });
  return header["plans"][launch["plan"].get<size_t>()];
}

json &tensorOf(json &header, const std::function<bool(const json &)> &wanted) {
  for (json &tensor : header["tensors"])
    if (wanted(tensor))
      return tensor;
  std::fprintf(stderr, "the program has no tensor of a kind that this test damages\n");
  std::exit(2);
}

/// A parameter of a convolution of more than one input channel.
json &weightsOf(json &header) {
  return tensorOf(header, [](const json &tensor) {
    return tensor["kind"] == "parameter" && tensor["shape"].size() == 4 && tensor["shape"][1] > 8;
  });
}

void scale(json &value, int64_t by) {
  value = value.is_string() ? json(std::to_string(std::stoll(value.get<std::string>()) * by))
                            : json(value.get<int64_t>() * by);
}

struct Damage {
  const char *what;
  Edit edit;
};

/// An edit that sets the value at a pointer.
Edit put(const char *pointer, json value) {
  return [=](json &header) { at(header, pointer) = value; };
}

const char *kConvolution = "convolution_forward";

const Damage kDamages[] = {
    {"another version", put("/format_version", 99)},
    {"version of another type", put("/format_version", "2")},
    {"an unknown key", put("/colour", "red")},
    {"a network without a name", put("/network", 7)},
    {"an unknown target", put("/target/kind", "tpu")},
    {"no threads", put("/target/threads", 0)},
    {"a million threads", put("/target/threads", 1 << 20)},
    {"an unknown precision", put("/precision", "f8")},
    {"an unknown mode", put("/mode", "both")},
    {"no batch", put("/batch_size", 0)},
    {"a larger batch", [](json &h) { scale(h["batch_size"], 2); }},
    {"a huge batch", put("/batch_size", int64_t(1) << 45)},
    {"more classes", [](json &h) { h["classes"] = h["classes"].get<int>() + 1; }},
    {"huge images", put("/image/height", int64_t(1) << 40)},
    {"a flag of another type", put("/keep_gradients", 3)},
    {"training that is no object", put("/training", 1)},
    {"an unknown schedule", put("/training/learning_rate/kind", "exponential")},
    {"no memory", [](json &h) { h.erase("memory"); }},
    {"a small arena", [](json &h) { h["regions"][0]["bytes"] = 64; }},
    {"small parameters",
     [](json &h) { scale(h["regions"][weightsOf(h)["region"].get<size_t>()]["bytes"], 0); }},
    {"a negative region", put("/regions/0/bytes", -1)},
    {"a huge region", put("/regions/0/bytes", int64_t(1) << 62)},
    {"a tensor of no region", put("/tensors/0/region", 99)},
    {"a tensor far away", put("/tensors/0/offset", int64_t(1) << 40)},
    {"a tensor before its region", put("/tensors/0/offset", -4)},
    {"a huge tensor", put("/tensors/0/shape", {int64_t(1) << 40, int64_t(1) << 40})},
    {"an unknown type", put("/tensors/0/type", "f33")},
    {"an unknown kind of tensor", put("/tensors/0/kind", "paramter")},
    {"a tensor twice", [](json &h) { h["tensors"][0]["name"] = h["tensors"][1]["name"]; }},
    {"a tensor of no bytes", put("/tensors/0/bytes", 0)},
    {"blocks beyond their region",
     [](json &h) { weightsOf(h)["format"] = "1024x1024x3x3/1x1x1x1/1024a1024b"; }},
    {"strides that meet",
     [](json &h) {
       json &tensor = weightsOf(h);
       std::string dims;
       for (const json &dim : tensor["shape"])
         dims += (dims.empty() ? "" : "x") + std::to_string(dim.get<int64_t>());
       tensor["format"] = dims + "/1x1x1x1/";
     }},
    {"an unknown format", [](json &h) { weightsOf(h)["format"] = "nchw32c"; }},
    {"groups that do not divide", [](json &h) { weightsOf(h)["format"] = "g7:"; }},
    {"an unknown init", [](json &h) { weightsOf(h)["init"]["kind"] = "normal"; }},
    {"an init of another type", [](json &h) { weightsOf(h)["init"]["fan_in"] = "many"; }},
    {"an unknown kind of plan", [](json &h) { planOf(h, kConvolution)["kind"] = "convolution_sideways"; }},
    {"an unknown field of a plan", [](json &h) { planOf(h, kConvolution)["colour"] = "1"; }},
    {"a plan with a word for a number", [](json &h) { planOf(h, kConvolution)["mb"] = "x"; }},
    {"a matmul of 65536 rows", [](json &h) { planOf(h, "matmul")["m"] = "65536"; }},
    {"a matmul whose rows overlap", [](json &h) { planOf(h, "matmul")["lda"] = "1"; }},
    {"a matmul with a wide pitch", [](json &h) { scale(planOf(h, "matmul")["ldc"], 100000); }},
    {"a huge convolution", [](json &h) { scale(planOf(h, kConvolution)["mb"], 100000); }},
    {"a larger window", [](json &h) { planOf(h, kConvolution)["kh"] = "11"; }},
    {"a convolution of no channels", [](json &h) { planOf(h, kConvolution)["ic"] = "0"; }},
    {"a convolution of no stride", [](json &h) { planOf(h, kConvolution)["sh"] = "0"; }},
    {"a dst of another size", [](json &h) { planOf(h, kConvolution)["oh"] = "1"; }},
    {"any format", [](json &h) { planOf(h, kConvolution)["weights_format"] = "any"; }},
    {"weights of another shape", [](json &h) { planOf(h, kConvolution)["weights_format"] = "1x1x1x1/1x1x1x1/"; }},
    {"activations of an unknown layout", [](json &h) { planOf(h, kConvolution)["activations"] = "nchw9c"; }},
    {"a plan in an unknown type", [](json &h) { planOf(h, kConvolution)["type"] = "f64"; }},
    {"a huge scratchpad", [](json &h) { planOf(h, kConvolution)["scratchpad_bytes"] = int64_t(1) << 40; }},
    {"a kernel twice", [](json &h) { h["kernels"][0]["name"] = h["kernels"][1]["name"]; }},
    {"a kernel that is not there", put("/kernels/0/name", "k0_nothing")},
    {"an unknown family", put("/kernels/0/family", "mop")},
    {"an operand of an unknown type", [](json &h) { kernelOf(h, "map")["inputs"][0][0] = "f31"; }},
    {"an operand of another rank", [](json &h) { kernelOf(h, "map")["inputs"][0][1] = 1; }},
    {"a kernel with an operand less", [](json &h) { kernelOf(h, "reduce")["inputs"].erase(0); }},
    {"a kernel with a count more", [](json &h) { kernelOf(h, "combine")["counts"] = 7; }},
    {"a launch of no kernel", [](json &h) { kernelLaunch(h, "map")["kernel"] = 999; }},
    {"a launch of another kernel",
     [](json &h) { kernelLaunch(h, "normalize_image")["kernel"] = kernelLaunch(h, "combine")["kernel"]; }},
    {"a launch of no plan",
     [](json &h) { launchOf(h, [](const json &launch) { return launch.contains("plan"); })["plan"] = 9999; }},
    {"an operand outside", [](json &h) { kernelLaunch(h, "map")["operands"][0] = {0, int64_t(1) << 45}; }},
    {"a kernel's operand at its region's end",
     [](json &h) {
       json &place = kernelLaunch(h, "map")["operands"][0];
       place[1] = h["regions"][place[0].get<size_t>()]["bytes"].get<int64_t>() - 64;
     }},
    {"a plan's operand at its region's end",
     [](json &h) {
       json &place = launchOf(h, [](const json &launch) { return launch.contains("plan"); })["operands"][0];
       place[1] = h["regions"][place[0].get<size_t>()]["bytes"].get<int64_t>() - 64;
     }},
    {"an operand in no region", [](json &h) { kernelLaunch(h, "map")["operands"][0] = {99, 0}; }},
    {"half an operand", [](json &h) { kernelLaunch(h, "map")["operands"][0] = {0}; }},
    {"an operand between two elements",
     [](json &h) {
       json &offset = kernelLaunch(h, "map")["operands"][0][1];
       offset = offset.get<int64_t>() + 1;
     }},
    {"an operand less", [](json &h) { kernelLaunch(h, "map")["operands"].erase(0); }},
    {"a plan's operand less",
     [](json &h) { launchOf(h, [](const json &launch) { return launch.contains("plan"); })["operands"].erase(0); }},
    {"a thousand times the units", [](json &h) { scale(kernelLaunch(h, "map")["units"], 1000); }},
    {"no units", [](json &h) { kernelLaunch(h, "flat")["units"] = 0; }},
    {"a thousand times the elements",
     [](json &h) {
       json &launch = kernelLaunch(h, "flat");
       launch["extents"][0] = launch["extents"][0].get<int64_t>() / 1024 * 1024 * 1000 + 1024000;
       launch["units"] = launch["extents"][0].get<int64_t>() / 1024;
     }},
    {"an extent more", [](json &h) { kernelLaunch(h, "map")["extents"].push_back(8); }},
    {"an extent less", [](json &h) { kernelLaunch(h, "reduce")["extents"].erase(0); }},
    {"a negative extent", [](json &h) { kernelLaunch(h, "reduce")["extents"][0] = -5; }},
    {"chunks of nothing", [](json &h) { kernelLaunch(h, "reduce")["extents"][2] = 0; }},
    {"a pool without steps", [](json &h) { kernelLaunch(h, "max_pool_with_index")["extents"][8] = 0; }},
    {"a pool of more images",
     [](json &h) {
       json &launch = kernelLaunch(h, "max_pool_with_index");
       scale(launch["extents"][0], 100000), scale(launch["units"], 100000);
     }},
    {"rows far apart", [](json &h) { scale(kernelLaunch(h, "map")["extents"][2], 100000); }},
    {"rows that overlap", [](json &h) { kernelLaunch(h, "map")["extents"][2] = 1; }},
    {"no way to infer", [](json &h) { h["entries"].erase("infer"); }},
    {"an unknown entry point", put("/entries/infear", json::array())},
    {"an entry point that is no list", put("/entries/infer", json::object())},
    {"a step field outside", put("/step/0/offset", 60)},
    {"a step field of half a number", put("/step/0/type", "f16")},
    {"a step field before its region", put("/step/0/offset", -8)},
    {"kernels outside", put("/blobs/kernels/offset", int64_t(1) << 40)},
    {"more kernels than there are", [](json &h) { scale(h["blobs"]["kernels"]["bytes"], 2); }},
    {"no kernels", put("/blobs", json::object())},
    {"a path that is no text", [](json &h) { kernelLaunch(h, "map")["op"] = 1; }},
    {"negative work", [](json &h) { kernelLaunch(h, "map")["flops"] = -1; }},
};

class Trial {
public:
  Trial(const Subject &subject) : subject(subject) {}

  /// `mayPass`: damage that need not matter.
  void run(const std::string &what, const std::string &image, bool mayPass, const char *words = "") {
    ++tried;
    Outcome outcome = tryProgram(subject.program(image));
    const std::string &message = outcome.message;
    bool isSentence = message.find('\n') == message.size() - 1 && message.size() > 10;
    bool isRefused = outcome.status == 1 && isSentence && message.find(words) != std::string::npos;
    // What is refused as another machine's ends with 3.
    bool isFine = mayPass && (outcome.status == 0 || (outcome.status == 3 && isSentence));
    refused += isRefused;
    if (isRefused || isFine)
      return;
    ++failed;
    std::printf("FAILED %s: status %d, %s\n", what.c_str(), outcome.status, message.substr(0, 2000).c_str());
  }

  int tried = 0, refused = 0, failed = 0;

private:
  const Subject &subject;
};

std::string sealed(std::string image) {
  tests::seal(image);
  return image;
}

void runTargeted(const Subject &subject, Trial &trial) {
  for (const Damage &damage : kDamages) {
    std::string image = subject.edited(damage.edit);
    trial.run(damage.what, image, false, "its checksum does not match");
    trial.run(std::string(damage.what) + ", sealed", sealed(image), false, "the program image");
  }
  auto withLength = [&](uint64_t length) {
    std::string image = subject.image;
    std::memcpy(image.data(), &length, 8);
    return image;
  };
  trial.run("a header beyond the image", withLength(uint64_t(1) << 60), false, "longer than the image");
  trial.run("a shorter header", withLength(subject.headerBytes - 64), false, "its checksum does not match");
  trial.run("a shorter header, sealed", sealed(withLength(subject.headerBytes / 2)), false, "not JSON");
  std::string nonsense = subject.image;
  std::fill_n(nonsense.begin() + program::kPrefixBytes, subject.headerBytes, '[');
  trial.run("a header of brackets, sealed", sealed(nonsense), false, "not JSON");
}

void runRandom(const Subject &subject, Trial &trial, int count, uint64_t seed) {
  std::mt19937_64 random(seed);
  auto below = [&](uint64_t limit) { return random() % limit; };
  for (int i = 0; i < count; ++i) {
    std::string what = "random damage " + std::to_string(i) + " of seed " + std::to_string(seed);
    // Anywhere, and told by the checksum.
    std::string image = subject.image;
    size_t place = below(image.size());
    for (uint64_t left = 1 + below(64) * below(2); left > 0 && place < image.size(); --left, ++place)
      image[place] = static_cast<char>(image[place] ^ (1 + below(255)));
    trial.run(what, image, false);
    // In the header: a bit, a byte, or the digit of a number.
    image = subject.image;
    uint64_t kind = below(4);
    place = program::kPrefixBytes + below(subject.headerBytes);
    if (kind >= 2)
      if (size_t digit = image.find_first_of("0123456789", place); digit < program::kPrefixBytes + subject.headerBytes)
        place = digit;
    char old = image[place];
    image[place] = kind == 0   ? static_cast<char>(old ^ (1 << below(8)))
                   : kind == 1 ? static_cast<char>(below(256))
                               : static_cast<char>('0' + below(10));
    if (image[place] != old)
      trial.run(what + " at " + std::to_string(place) +
                    ", sealed: " + image.substr(place - std::min<size_t>(place, 20), 40),
                sealed(image), true);
  }
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 2 || argc > 4) {
    std::fprintf(stderr, "usage: incept-damage PROGRAM [RANDOM [SEED]]\n");
    return 2;
  }
  Subject subject(argv[1]);
  if (!subject.ok()) {
    std::fprintf(stderr, "'%s' is not a program\n", argv[1]);
    return 2;
  }
  if (Outcome outcome = tryProgram(subject.elf); outcome.status != 0) {
    std::printf("the program itself does not run: status %d, %s\n", outcome.status, outcome.message.c_str());
    return 1;
  }
  Trial trial(subject);
  runTargeted(subject, trial);
  std::printf("%d targeted damages, %d refused\n", trial.tried, trial.refused);
  int random = argc > 2 ? std::atoi(argv[2]) : 0, before = trial.tried, refused = trial.refused;
  uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
  runRandom(subject, trial, random, seed);
  std::printf("%d random damages of seed %llu, %d refused, the others harmless\n", trial.tried - before,
              static_cast<unsigned long long>(seed), trial.refused - refused);
  return trial.failed > 0 ? 1 : 0;
}
