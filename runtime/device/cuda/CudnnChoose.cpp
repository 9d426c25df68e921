// SPDX-License-Identifier: Apache-2.0
//
// The choice of an engine, without a GPU: cuDNN's heuristics propose configurations for a described device, the first
// one that is fit and finalises is taken.
#include "runtime/device/cuda/CudnnGraph.h"
#include "runtime/device/cuda/CudnnText.h"

#include <algorithm>
#include <cstdio>
#include <set>

namespace incept::cudnn {

namespace {

/// Proposals read from one heuristic; it ranks a few dozen at most.
constexpr int64_t kMaxProposals = 64;
constexpr int64_t kMaxKnobs = CUDNN_KNOB_TYPE_COUNTS + 16;

/// An engine with its knobs, and what the library notes about it.
struct Candidate {
  int64_t engine = -1;
  Knobs knobs;
  bool ranked = false; ///< proposed by a heuristic that predicts times
  std::set<int> numerical, behavior;

  bool has(cudnnBackendNumericalNote_t note) const { return numerical.count(note); }
  bool has(cudnnBackendBehaviorNote_t note) const { return behavior.count(note); }
};

template <typename Note>
std::set<int> readNotes(const Descriptor &engine, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type) {
  Note notes[32];
  int64_t count = std::min<int64_t>(engine.get(name, type, std::size(notes), notes), std::size(notes));
  return std::set<int>(notes, notes + std::max<int64_t>(count, 0));
}

bool readEngine(const Descriptor &engine, Candidate &candidate) {
  candidate.numerical =
      readNotes<cudnnBackendNumericalNote_t>(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE);
  candidate.behavior =
      readNotes<cudnnBackendBehaviorNote_t>(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE);
  return engine.get(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, candidate.engine);
}

/// Reads a proposed configuration back into engine, knobs and notes, so that it can be built again elsewhere.
bool readProposal(const Descriptor &config, Candidate &candidate) {
  auto engines = config.getDescriptors(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, 1);
  if (engines.empty() || !readEngine(engines.front(), candidate))
    return false;
  for (const Descriptor &choice :
       config.getDescriptors(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, kMaxKnobs)) {
    cudnnBackendKnobType_t type;
    int64_t value = 0;
    if (choice.get(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &type) != 1 ||
        !choice.get(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, value))
      return false;
    candidate.knobs.emplace_back(int64_t(type), value);
  }
  std::sort(candidate.knobs.begin(), candidate.knobs.end());
  return true;
}

/// The configurations to try, best first: those of the heuristics, then every engine with its default knobs. Later
/// sources are asked only when the earlier ones are used up.
class Candidates {
public:
  Candidates(const Api &api, const Graph &graph, const Place &place) : api(api), graph(graph), place(place) {}

  /// The next candidate, or null at the end. Pointers stay valid.
  const Candidate *at(size_t index) {
    while (index >= found.size() && source < kSources)
      fetch(source++);
    return index < found.size() ? &found[index] : nullptr;
  }

private:
  static constexpr int kSources = 4;
  void fetch(int source);
  void askHeuristic(cudnnBackendHeurMode_t mode);
  void enumerate();
  void add(Candidate candidate) {
    if (seen.emplace(candidate.engine, candidate.knobs).second)
      found.push_back(std::move(candidate));
  }

  const Api &api;
  const Graph &graph;
  const Place &place;
  int source = 0;
  std::deque<Candidate> found;
  std::set<std::pair<int64_t, Knobs>> seen;
};

void Candidates::fetch(int source) {
  constexpr cudnnBackendHeurMode_t kModes[] = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_B, CUDNN_HEUR_MODE_FALLBACK};
  if (source < int(std::size(kModes)))
    askHeuristic(kModes[source]);
  else
    enumerate();
}

void Candidates::askHeuristic(cudnnBackendHeurMode_t mode) {
  std::string ignored;
  Descriptor heuristic(api, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph.graph)
      .set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
  if (place.device) // without one it asks the handle's
    heuristic.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *place.device);
  if (!heuristic.finalize(ignored))
    return;
  for (const Descriptor &config :
       heuristic.getDescriptors(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, kMaxProposals)) {
    Candidate candidate;
    candidate.ranked = mode == CUDNN_HEUR_MODE_A;
    if (readProposal(config, candidate))
      add(std::move(candidate));
  }
}

void Candidates::enumerate() {
  int64_t count = 0;
  if (!graph.graph.get(CUDNN_ATTR_OPERATIONGRAPH_ENGINE_GLOBAL_COUNT, count))
    return;
  for (int64_t index = 0; index < count; ++index) {
    std::string ignored;
    Descriptor engine;
    Candidate candidate;
    if (buildEngine(api, graph, index, place, engine, ignored) && readEngine(engine, candidate))
      add(std::move(candidate));
  }
}

/// Why the problem must not run on this engine; empty where it may. A change of it raises kChoiceRules:
/// answers that are cached are those of the rules before.
std::string unfit(const Problem &problem, const Candidate &candidate) {
  if (candidate.has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC))
    return "it is not deterministic";
  if (candidate.has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION))
    return "it adds up in less than f32";
  if (problem.type == Type::F32 && !problem.tf32 &&
      (candidate.has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) || candidate.has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS)))
    return "it rounds f32 to tf32";
  if (candidate.has(CUDNN_BEHAVIOR_NOTE_REQUIRES_FILTER_INT8x32_REORDER) ||
      candidate.has(CUDNN_BEHAVIOR_NOTE_REQUIRES_BIAS_INT8x32_REORDER))
    return "it wants another weights format";
  // Its code has atomic additions of f32, which no note says.
  if ((problem.stats || problem.normGradient || problem.normalized) &&
      candidate.has(CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION))
    return "it adds the sums of its blocks up in any order";
  return "";
}

/// The kernel a plan names, where it names one.
std::string kernelName(const std::string &json) {
  for (const char *key : {"\"kernelName\":\"", "\"kernel_name\":\"", "\"funcName\":\""}) {
    size_t begin = json.find(key);
    if (begin == std::string::npos)
      continue;
    begin += std::string_view(key).size();
    return json.substr(begin, json.find('"', begin) - begin);
  }
  return "";
}

/// Searches the candidates of one problem.
class Search {
public:
  Search(const Api &api, const Problem &problem, const Graph &graph, const Place &place, const EngineCosts *costs)
      : api(api), problem(problem), graph(graph), place(place), costs(costs), candidates(api, graph, place) {}

  bool run(uint64_t limit, Choice &choice, std::string &error);

private:
  /// What became of a candidate: a finalised plan, or the reason why there is none.
  struct Outcome {
    Choice choice;
    std::string reason;
  };
  const Outcome &outcome(size_t index, const Candidate &candidate);
  bool finalise(const Candidate &candidate, Choice &choice, std::string &why);
  /// How fast an engine has to look: most that no heuristic ranks, or that leave tensor cores unused although the types
  /// are theirs, are many times slower.
  enum class Wish { Fast, Ranked, Any };
  bool meets(Wish wish, const Candidate &candidate) const;
  bool pick(uint64_t limit, Wish wish, Choice &choice);
  void preferCopies(uint64_t limit, Choice &choice);

  const Api &api;
  const Problem &problem;
  const Graph &graph;
  const Place &place;
  const EngineCosts *costs; ///< null: not known
  Candidates candidates;
  std::map<size_t, Outcome> outcomes; ///< by candidate: a plan is built once, however often it is considered
};

bool Search::finalise(const Candidate &candidate, Choice &choice, std::string &why) {
  why = unfit(problem, candidate);
  Descriptor engine;
  BuiltPlan built;
  if (!why.empty() || !buildEngine(api, graph, candidate.engine, place, engine, why) ||
      !buildPlan(api, std::move(engine), candidate.knobs, place, built, why) ||
      !planJson(built.plan, choice.serialized, why))
    return false;
  choice.engine = candidate.engine;
  choice.knobs = text::joinKnobs(candidate.knobs);
  choice.workspaceBytes = planWorkspace(built.plan);
  // The precompiled engines that do a part of batch norm are of tensor cores alone (f16, multiples of 8 channels), but
  // do not note it.
  choice.tensorCore =
      candidate.has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) || problem.stats || problem.normGradient || problem.normalized;
  choice.runtimeCompiled = candidate.has(CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION);
  choice.impl = kernelName(choice.serialized);
  if (choice.impl.empty())
    choice.impl = "engine " + std::to_string(candidate.engine);
  return true;
}

const Search::Outcome &Search::outcome(size_t index, const Candidate &candidate) {
  auto [found, isNew] = outcomes.try_emplace(index);
  if (isNew)
    finalise(candidate, found->second.choice, found->second.reason);
  return found->second;
}

bool Search::meets(Wish wish, const Candidate &candidate) const {
  bool mayUseTensorCores = problem.type != Type::F32 || problem.tf32;
  bool usesThem = mayUseTensorCores && candidate.has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE);
  return wish == Wish::Any || usesThem || (candidate.ranked && (wish == Wish::Ranked || !mayUseTensorCores));
}

/// Takes the first candidate that meets the wish and has a plan of at most `limit` bytes of workspace.
bool Search::pick(uint64_t limit, Wish wish, Choice &choice) {
  std::vector<std::string> declined;
  for (size_t i = 0; const Candidate *candidate = candidates.at(i); ++i) {
    std::string reason;
    if (!meets(wish, *candidate)) {
      reason = "it is slow: it is not ranked, or leaves tensor cores unused";
    } else {
      const Outcome &found = outcome(i, *candidate);
      uint64_t workspace = found.choice.workspaceBytes;
      reason = found.reason;
      if (reason.empty() && workspace > limit)
        reason = "its workspace of " + std::to_string(workspace) + " bytes is over " + std::to_string(limit);
      if (reason.empty()) {
        choice = found.choice;
        choice.declined = std::move(declined);
        return true;
      }
    }
    declined.push_back("engine " + std::to_string(candidate->engine) +
                       (candidate->knobs.empty() ? "" : " (" + text::joinKnobs(candidate->knobs) + ")") + ": " +
                       reason);
  }
  choice.declined = std::move(declined);
  return false;
}

std::string nameOf(const Choice &choice) {
  return "engine " + std::to_string(choice.engine) + (choice.knobs.empty() ? "" : " (" + choice.knobs + ")");
}

/// `choice` takes slices as they lie. Another engine that copies them takes its place where that is quicker by the
/// costs; the other one, if there is one, is said first of those that were declined.
void Search::preferCopies(uint64_t limit, Choice &choice) {
  Choice copying;
  if (!costs || !pick(limit, Wish::Fast, copying) || copying.workspaceBytes < packedSlices(problem).smallest)
    return;
  double there = estimateSeconds(problem, choice, *costs), copied = estimateSeconds(problem, copying, *costs);
  auto text = [](double seconds) {
    char buffer[32];
    snprintf(buffer, sizeof(buffer), "%.1f us", seconds * 1e6);
    return std::string(buffer);
  };
  uint64_t slices = std::min(copying.workspaceBytes, packedSlices(problem).all);
  std::string alone = text(there) + " with slices where they lie",
              copies = text(copied) + " with " + std::to_string(slices) + " bytes of slices copied";
  std::string by = costs->measured ? " (measured costs)" : " (assumed costs)";
  if (there <= copied) {
    choice.declined.insert(choice.declined.begin(), nameOf(copying) + ": " + copies + ", against " + alone + by);
    return;
  }
  copying.declined.insert(copying.declined.begin(), nameOf(choice) + ": " + alone + ", against " + copies + by);
  choice = std::move(copying);
}

bool Search::run(uint64_t limit, Choice &choice, std::string &error) {
  uint64_t slice = packedSlices(problem).smallest;
  if (slice != 0 && slice - 1 < limit && pick(slice - 1, Wish::Fast, choice)) { // nothing is copied
    preferCopies(limit, choice);
    return true;
  }
  if (pick(limit, Wish::Ranked, choice) || pick(limit, Wish::Any, choice))
    return true;
  error = "cuDNN has no engine for it" + (choice.declined.empty() ? "" : ": " + choice.declined.front());
  return false;
}

bool search(const Api &api, const Problem &problem, const Place &place, uint64_t limit, const EngineCosts *costs,
            Choice &choice, std::string &error) {
  choice = Choice();
  Graph graph;
  return buildGraph(api, problem, place, graph, error) &&
         Search(api, problem, graph, place, costs).run(limit, choice, error);
}

} // namespace

bool Library::choose(const Problem &problem, const std::string &deviceProfile, uint64_t workspaceLimit, Choice &choice,
                     std::string &error, const EngineCosts *costs) const {
  auto device = describeDevice(*impl, deviceProfile, error);
  return device && search(impl->api, problem, {nullptr, device.get()}, workspaceLimit, costs, choice, error);
}

bool Library::choose(const Problem &problem, Handle handle, uint64_t workspaceLimit, Choice &choice,
                     std::string &error) const {
  if (!handle)
    return fail(error, "there is no handle of a device");
  return search(impl->api, problem, {handle, nullptr}, workspaceLimit, /*costs=*/nullptr, choice, error);
}

bool Library::workspaceOn(const Problem &problem, const Choice &choice, const std::string &deviceProfile,
                          uint64_t &bytes, std::string &error) const {
  auto device = describeDevice(*impl, deviceProfile, error);
  Graph graph;
  BuiltPlan built;
  if (!device || !buildChoice(impl->api, problem, choice, {nullptr, device.get()}, graph, built, error))
    return false;
  bytes = planWorkspace(built.plan);
  return true;
}

} // namespace incept::cudnn
