// SPDX-License-Identifier: Apache-2.0
//
// Every IR that verifies either compiles to a correct program or is refused with a place and a sentence: 500 single
// edits of each phase, from seeds. Edits are tried in processes of their own, so that a crash or a loop is found like
// any other mistake. INCEPT_EDITS=PHASE:SEED tries one and says what becomes of it.

#include "Edits.h"
#include "EditRun.h"
#include "dialect/InceptOps.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace mlir;

namespace incept::test {

namespace {

constexpr int kWorkers = 2;
/// Seconds that one edit may take.
constexpr unsigned kPatience = 60;

/// The network in all phases, and its kernels, compiled before workers are forked.
struct Shared {
  EditRun run;
  std::map<Phase, OwningOpRef<ModuleOp>> modules;

  Shared() {
    for (Phase phase : kPhases)
      modules[phase] = run.moduleOf(phase);
  }
};

Shared &shared() {
  static Shared all;
  return all;
}

struct Tally {
  int refused = 0, equal = 0;
  std::vector<std::string> wrong;
};

uint64_t seedOf(Phase phase, int number) { return (uint64_t(phase) + 1) * 1'000'000 + number; }

/// Makes edit `number`, which may take several draws, and says which it was.
std::string make(ModuleOp module, Phase phase, int number) {
  ScopedDiagnosticHandler quiet(module.getContext(), [](Diagnostic &) { return success(); });
  for (uint64_t draw = 0;; ++draw)
    if (std::string what = edit(module, seedOf(phase, number) * 1000 + draw); !what.empty())
      return what;
}

std::string onOneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

/// Tries the edits `first`, first + step, ... below `count` and writes what becomes of each, line by line.
[[noreturn]] void work(Phase phase, int first, int step, int count, int output) {
  FILE *stream = fdopen(output, "w");
  for (int number = first; number < count; number += step) {
    alarm(kPatience);
    OwningOpRef<ModuleOp> module = shared().modules[phase]->clone();
    std::string what = make(*module, phase, number);
    fprintf(stream, "%d begins %s\n", number, onOneLine(what).c_str());
    fflush(stream);
    Verdict verdict = shared().run.judge(*module, phase);
    const char *kinds[] = {"refused", "equal", "wrong"};
    fprintf(stream, "%d %s %s\n", number, kinds[verdict.kind], onOneLine(verdict.why).c_str());
    fflush(stream);
  }
  // Nothing of the parent's is to be destroyed twice.
  _exit(0);
}

/// Lets processes try the edits of one worker; where one dies, another goes on behind the edit that killed it.
Tally supervise(Phase phase, int first, int count, bool verbose) {
  Tally tally;
  for (int next = first; next < count;) {
    int ends[2];
    if (pipe(ends) != 0)
      return tally;
    pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      work(phase, next, kWorkers, count, ends[1]);
    }
    close(ends[1]);
    FILE *stream = fdopen(ends[0], "r");
    std::string what;
    int current = -1;
    char *line = nullptr;
    size_t capacity = 0;
    while (getline(&line, &capacity, stream) > 0) {
      std::istringstream words(line);
      int number = 0;
      std::string kind, rest;
      words >> number >> kind;
      std::getline(words, rest);
      if (kind == "begins") {
        what = rest;
        current = number;
        continue;
      }
      current = -1;
      next = number + kWorkers;
      tally.refused += kind == "refused";
      tally.equal += kind == "equal";
      if (kind == "wrong")
        tally.wrong.push_back(std::to_string(number) + what + ":" + rest);
      if (verbose)
        fprintf(stderr, "%s:%d %s %s: %s\n", phaseName(phase).str().c_str(), number, kind.c_str(), what.c_str(),
                rest.c_str());
    }
    free(line);
    fclose(stream);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
      break;
    std::string end = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "it exits";
    tally.wrong.push_back(std::to_string(current) + what + ": " + end);
    if (current < 0)
      break;
    next = current + kWorkers;
  }
  return tally;
}

int editsPerPhase() {
  if (const char *count = std::getenv("INCEPT_EDITS_COUNT"))
    return std::atoi(count);
  return 500;
}

} // namespace

class Edits : public testing::TestWithParam<Phase> {};

TEST_P(Edits, TheModuleItselfIsEqual) {
  Phase phase = GetParam();
  ASSERT_TRUE(shared().modules[phase]);
  Verdict verdict = shared().run.judge(*shared().modules[phase], phase);
  EXPECT_EQ(verdict.kind, Verdict::Equal) << verdict.why;
}

TEST_P(Edits, AreRefusedOrEqual) {
  Phase phase = GetParam();
  ASSERT_TRUE(shared().modules[phase]);
  int count = editsPerPhase();
  bool verbose = std::getenv("INCEPT_EDITS_VERBOSE");
  std::vector<Tally> tallies(kWorkers);
  std::vector<std::thread> threads;
  for (int worker = 0; worker < kWorkers; ++worker)
    threads.emplace_back([&, worker] { tallies[worker] = supervise(phase, worker, count, verbose); });
  int refused = 0, equal = 0;
  for (int worker = 0; worker < kWorkers; ++worker) {
    threads[worker].join();
    refused += tallies[worker].refused;
    equal += tallies[worker].equal;
    for (const std::string &finding : tallies[worker].wrong)
      ADD_FAILURE() << phaseName(phase).str() << ":" << finding;
  }
  RecordProperty("refused", refused);
  RecordProperty("equal", equal);
  std::cout << phaseName(phase).str() << ": " << refused << " refused, " << equal << " equal\n";
  // Neither of the two may be all there is.
  EXPECT_GE(refused, count / 10);
  EXPECT_GE(equal, count / 10);
}

TEST(Edit, OfTheEnvironment) {
  const char *which = std::getenv("INCEPT_EDITS");
  if (!which)
    GTEST_SKIP();
  auto [name, number] = StringRef(which).split(':');
  Phase phase = *parsePhase(name);
  OwningOpRef<ModuleOp> module = shared().modules[phase]->clone();
  std::cout << make(*module, phase, std::atoi(number.str().c_str())) << "\n";
  if (std::getenv("INCEPT_EDITS_VERBOSE")) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    (*module)->print(stream, OpPrintingFlags().printGenericOpForm());
    std::cout << text << "\n" << std::flush;
  }
  Verdict verdict = shared().run.judge(*module, phase);
  const char *kinds[] = {"refused", "equal", "wrong"};
  std::cout << kinds[verdict.kind] << ": " << verdict.why << "\n";
}

/// What becomes of the module of a phase whose first plan of `kind` has another value of `key`.
static Verdict withPlan(Phase phase, PlanKind kind, StringRef key, llvm::function_ref<Attribute(Builder &)> value) {
  OwningOpRef<ModuleOp> module = shared().modules[phase]->clone();
  for (exec::PlanOp plan : module->getOps<exec::PlanOp>())
    if (plan.getKind() == kind) {
      Builder builder(plan.getContext());
      NamedAttrList config(plan.getConfig());
      config.set(key, value(builder));
      plan.setConfigAttr(config.getDictionary(plan.getContext()));
      break;
    }
  return shared().run.judge(*module, phase);
}

TEST(Plans, AreThoseOfTheTarget) {
  auto expect = [](Phase phase, PlanKind kind, StringRef key, auto value, const char *message) {
    Verdict verdict = withPlan(phase, kind, key, [&](Builder &builder) -> Attribute {
      if constexpr (std::is_same_v<decltype(value), const char *>)
        return builder.getStringAttr(value);
      else
        return builder.getI64IntegerAttr(value);
    });
    EXPECT_EQ(verdict.kind, Verdict::Refused) << key.str();
    EXPECT_NE(verdict.why.find(message), std::string::npos) << verdict.why;
  };
  PlanKind forward = PlanKind::ConvolutionForward;
  expect(Phase::Exec, forward, "mb", "3", "expected the memory that the problem has");
  expect(Phase::Exec, PlanKind::MatMul, "ldc", "6", "expected formats and pitches that fit the shapes");
  // What the op is says what its plan computes.
  for (Phase phase : {Phase::Layout, Phase::Planned}) {
    expect(phase, forward, "relu", "true", "relu is 'true' where the op has 'false'");
    expect(phase, forward, "sh", "1", "sh is '1' where the op has '2'");
  }
}

INSTANTIATE_TEST_SUITE_P(Phases, Edits, testing::ValuesIn(kPhases),
                         [](const auto &info) { return phaseName(info.param).str(); });

} // namespace incept::test
