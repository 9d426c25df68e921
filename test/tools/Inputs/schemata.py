# SPDX-License-Identifier: Apache-2.0
"""What scripts/schemata.py makes of a C++ file, compiled once and run with each mutant: schemata.py ROOT COMPILER FOLDER."""
import os
import shutil
import subprocess
import sys

root, compiler, folder = sys.argv[1:]
sys.path.insert(0, os.path.join(root, "scripts"))
import mutants  # noqa: E402
import schemata  # noqa: E402

SOURCE = '''#include <cstdio>
#define BRACE "{"
namespace {
constexpr int twice(int x) { return x + x; }
enum class Kind { First = 1 };
const int table[] = {4, 5};
constexpr int pairs[][2] = {{1, 2},
                            {33, 4}};
static_assert(pairs[1][0] > 0);
struct Pair {
  int a = 6, b{0};
  virtual int pure() const = 0;
  explicit Pair(int x) : b{x} { // the list is no body
    b += 1;
  }
  bool operator==(const Pair &other) const { return a == other.a; }
  template <typename T = int>
  T sum(T more = T(0)) const {
    static const int seven = 7;
    auto add = [this](T x) { return a + x; };
    return add(b) + more;
  }
};
struct Own : Pair {
  using Pair::Pair;
  int pure() const override {
    std::puts(BRACE);
    return 1;
  }
};
auto lambda() {
  return [] { return 8; };
}
int broken(Own *own) {
  own->a = own->b;
  return 9;
}
} // namespace
int main() {
  Own own(1);
  std::printf("%d %d %d %d %d\\\\n", own.a, own.b, own.sum(), twice(table[0]), lambda()());
  return broken(&own) == 9 ? 0 : 1;
}
'''.replace("\\\\n", "\\n")

found = schemata.bodies(SOURCE)
heads = [SOURCE.count("\n", 0, body.begin) + 1 for body in found]
assert heads == [4, 5, 7, 13, 16, 18, 26, 31, 34, 39], heads
assert [head for head, body in zip(heads, found) if not body.selectable] == [4, 5, 7, 31], "evaluated, or deduces its type"


def at(before, after):
    """The mutant that makes one text of another, of which there is one."""
    assert SOURCE.count(before) == 1, before
    return mutants.Mutant("x.cpp", SOURCE.index(before), len(before), after, "test")


NUMBERED = list(enumerate((at("6", "60"), at("b += 1", "b -= 1"), at("a + x", "a - x"), at("own->b", "own->none"),
                           at("b{x}", "b{y}"), at("(b) + more", "(b) * more")), 1))
unable = [number for number, mutant in NUMBERED if schemata.place(SOURCE, found, mutant) is None]
assert unable == [5], unable
assert schemata.place(SOURCE, found, at("x + x", "x - x")) is None
assert schemata.place(SOURCE, found, at("1 }", "2 }")) is schemata.place(SOURCE, found, at("33", "34")) is None
values = [NUMBERED[0], (7, NUMBERED[0][1]._replace(path="y.cpp"))]
assert schemata.to_blame("/tree/x.cpp:6:1: error: no", values) == {1}
assert schemata.to_blame("/tree/z.cpp:6:1: error: no", values) == {1, 7}
assert schemata.to_blame("/y.h:6:1: error: no\nx.cpp:2000006:7:   required from here\nx.cpp:3000001:1: warning: w",
                         values) == {2}
NUMBERED = [pair for pair in NUMBERED if pair[0] != 5]

shutil.rmtree(folder, ignore_errors=True)
os.makedirs(folder)
with open(os.path.join(folder, schemata.HEADER), "w", encoding="utf-8") as file:
    file.write(schemata.HEADER_TEXT)


def compiled(numbered):
    place = os.path.join(folder, "x.cpp")
    with open(place, "w", encoding="utf-8") as file:
        file.write(schemata.plant(SOURCE, numbered))
    return subprocess.run([compiler, "-x", "c++", "-std=c++20", "-I", folder, place, "-o", os.path.join(folder, "x"),
                           "-lstdc++"], text=True, stderr=subprocess.PIPE, check=False)


# One of them does not compile, and is named by the line that the error is at.
bad = compiled(NUMBERED)
assert bad.returncode != 0 and schemata.to_blame(bad.stderr, []) == {4}, bad.stderr
assert f"x.cpp:{4 * schemata.LINES + 35}:" in bad.stderr, bad.stderr
NUMBERED = [pair for pair in NUMBERED if pair[0] != 4]
good = compiled(NUMBERED)
assert good.returncode == 0, good.stderr

# a, b, a + b + 0, twice 4, 8. Of one body the first that is chosen is there.
for chosen, expected in {"": "6 2 8 8 8", "1": "60 2 62 8 8", "2": "6 0 6 8 8", "3": "6 2 4 8 8", "6": "6 2 0 8 8",
                         "1,2": "60 0 60 8 8", "3,6": "6 2 4 8 8", "999": "6 2 8 8 8", "12": "6 2 8 8 8", "x": "6 2 8 8 8"}.items():
    ran = subprocess.run([os.path.join(folder, "x")], env={"INCEPT_MUTANT": chosen}, text=True, stdout=subprocess.PIPE,
                         check=True)
    assert ran.stdout == expected + "\n", (chosen, ran.stdout)

# Where a trace is asked for, each leaves which it came to, and none is made that was not chosen. Units have no test's name.
for test, chosen in ("incept :: a/b.test", "1"), (None, ""):
    trace = os.path.join(folder, "trace" + chosen)
    os.makedirs(trace)
    environment = {"INCEPT_MUTANT": chosen, "INCEPT_MUTANT_TRACE": trace, **({"LIT_CURRENT_TESTCASE": test} if test else {})}
    ran = subprocess.run([os.path.join(folder, "x")], env=environment, text=True, stdout=subprocess.PIPE, check=True)
    assert ran.stdout == ("60 2 62 8 8\n" if chosen else "6 2 8 8 8\n"), ran.stdout
    reached = [f"{number} {(test or 'x').replace('/', '|')}" for number, _ in NUMBERED if str(number) != chosen]
    assert sorted(os.listdir(trace)) == reached, os.listdir(trace)

# Lines keep their numbers outside of mutants, so that messages do.
lines = schemata.plant(SOURCE, NUMBERED).splitlines()
number = 0
for line in lines:
    if line.startswith("#line "):
        number = int(line.split()[1]) - 1
    else:
        number += 1
        if "int main" in line:
            assert number == 39, number
