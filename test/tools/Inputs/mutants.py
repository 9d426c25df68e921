# SPDX-License-Identifier: Apache-2.0
"""What scripts/mutants.py makes of a few lines: mutants.py ROOT."""
import os
import sys

sys.path.insert(0, os.path.join(sys.argv[1], "scripts"))
import mutants  # noqa: E402

SOURCE = '''// a < b && true
#include <vector>
static int count(const int *values, int64_t size, bool all) {
  int sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    if (!all && values[i] >= 10)
      continue;
    sum += values[i];
  }
  log("a + b, 7 < 8", size, sum);
  return all ? sum : -sum;
}
'''


def of_line(line):
    """The texts of the mutants of a line, with their kinds."""
    found = set()
    for mutant in mutants.mutants("x.cpp", SOURCE):
        number, before, after = mutants.lines(SOURCE, mutant)
        assert before == " ".join(SOURCE.splitlines()[number - 1].split()) != after, (before, after)
        if number == line:
            found.add((mutant.kind, after))
    return found


assert of_line(1) == of_line(2) == of_line(3) == set(), "comments, the preprocessor and declarations stay"
assert of_line(4) == {("constant", "int sum = 1;")}, of_line(4)
assert {("operator", "for (int64_t i = 0; i <= size; ++i) {"), ("constant", "for (int64_t i = 1; i < size; ++i) {"),
        ("operator", "for (int64_t i = 0; i > size; ++i) {")} == of_line(5), of_line(5)
assert {("operator", "if (!all || values[i] >= 10)"), ("operator", "if (!all && values[i] > 10)"),
        ("constant", "if (!all && values[i] >= 11)"), ("constant", "if (!all && values[i] >= 9)"),
        ("condition", "if (!(!all && values[i] >= 10))"), ("condition", "if ((!all && values[i] >= 10) && false)"),
        ("condition", "if ((!all && values[i] >= 10) || true)")} <= of_line(6), of_line(6)
assert of_line(7) == {("statement", ";")}, of_line(7)
assert {("operator", "sum -= values[i];"), ("statement", ";")} == of_line(8), of_line(8)
# Text in strings is no code, and stays where the code around it changes.
assert of_line(10) == {("statement", ";")}, of_line(10)
assert of_line(11) == {("choice", "return all ? -sum : sum;")}, of_line(11)
conditions = [m for m in mutants.mutants("x.cpp", 'if (f("(x)") == 1)\n  g();\n') if m.kind == "condition"]
assert {m.text for m in conditions} == {'!(f("(x)") == 1)', '(f("(x)") == 1) && false', '(f("(x)") == 1) || true'}, conditions
# What is cut out of a call or a lambda is none.
for line in ("  f(a ? g(b, c) : h(d));\n", "  if (any(x, [](float y) { auto z = y; return z; }))\n"):
    for mutant in mutants.mutants("x.cpp", line):
        after = mutants.lines(line, mutant)[2]
        assert after.count("(") == after.count(")") and after.count("{") == after.count("}"), after
choices = [m.text for m in mutants.mutants("x.cpp", '  x = a ? ",\\"{:" : "[";\n') if m.kind == "choice"]
assert choices == ['"[" : ",\\"{:"'], choices
