# SPDX-License-Identifier: Apache-2.0
"""Many mutants in one build: a function with a mistake has its body twice, and INCEPT_MUTANT=3,17 says which mistakes are
made; with INCEPT_MUTANT_TRACE=FOLDER programs leave there which they come to. Outside of bodies, in what members begin with,
a number is chosen where it stands. As in mutants.py, all is found in the text. What the compiler evaluates cannot be chosen
at run time: constexpr functions, constants, most tables. Nor can a function that deduces what it returns: two bodies with a
lambda each return two types."""
import collections
import re

import mutants

HEADER = "incept_mutant.h"  # in the root of the tree, where everything includes from
MOST = 1000
LINES = 1000000  # lines of mutant N are numbered from N times so many: the compiler's errors name it
HEADER_TEXT = f"""#pragma once
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
namespace incept_mutant {{
enum State : unsigned char {{ Off, On, Traced }};
// One of each program and library, ready before their own initialisers run.
__attribute__((visibility("hidden"))) inline State states[{MOST}];
__attribute__((constructor(101))) static void read() {{
  if (::getenv("INCEPT_MUTANT_TRACE")) {{
    ::setenv("LIT_CURRENT_TESTCASE", program_invocation_short_name, 0); // unit suites, and what they start
    for (State &state : states)
      state = Traced;
  }}
  for (const char *text = ::getenv("INCEPT_MUTANT"); text && *text;) {{
    char *end = nullptr;
    unsigned long number = ::strtoul(text, &end, 10);
    if (number < {MOST})
      states[number] = On;
    text = end == text || !*end ? nullptr : end + 1;
  }}
}}
// Whether a mutant is made that is not off. One that is traced leaves its number and the test as a folder's name: a system
// call of its own, which tests that replace or count others do not see.
__attribute__((noinline, cold, visibility("hidden"))) inline bool reach(unsigned number) {{
  if (states[number] == On)
    return true;
  states[number] = Off;
  const char *folder = ::getenv("INCEPT_MUTANT_TRACE"), *test = ::getenv("LIT_CURRENT_TESTCASE");
  char path[4096];
  if (!folder || !test)
    return false;
  int error = errno, begin = std::snprintf(path, sizeof path, "%s/", folder);
  std::snprintf(path + begin, sizeof path - begin, "%u %s", number, test);
  for (char *at = path + begin; *at; ++at)
    *at = *at == '/' ? '|' : *at;
  ::syscall(SYS_mkdirat, AT_FDCWD, path, 0777);
  errno = error;
  return false;
}}
inline bool is(unsigned number) {{ return states[number] != Off && reach(number); }}
}} // namespace incept_mutant
"""
# The places of a body's braces, and whether it may be there twice.
Body = collections.namedtuple("Body", "begin end selectable")
VALUE = re.compile(r"[\d.]+[uUlLfF]*|true|false")


def classify(head):
    """What a brace opens, by the text before it: scope, function, constant (a function that cannot be chosen) or other."""
    if re.search(r"[\w>\])]$", head):
        return "other"  # a member's value
    text = re.sub(r"operator\s*(?:\(\)|[^\w\s(]+|(?=\w))", "", re.sub(r"\[\[.*?\]\]", "", head))
    for pair in r"\([^()]*\)", r"\{[^{}]*\}":
        while (shorter := re.sub(pair, "@" if pair[1] == "(" else "", text)) != text:
            text = shorter
    while (shorter := re.sub(r"\b((?:template|\w) *)<[^<>]*>", r"\1", text)) != text:
        text = shorter
    text = re.sub(r"\b(?:alignas|__attribute__)\s*@", "", text)
    if re.search(r"(?<![=!<>])=(?!=)", text) or re.search(r"\benum\b", text):
        return "other"
    if "@" not in text:
        return "scope" if re.search(r"\b(?:namespace|class|struct|union|extern)\b", text) else "other"
    if re.search(r"\bconste(?:xpr|val)\b", text) or re.search(r"\bauto\b(?!.*->)", text, re.S):
        return "constant"
    return "function"


def bodies(source):
    """The outermost bodies of functions, and of tables that the compiler evaluates."""
    code = mutants.blank(source)
    found, start, at = [], 0, 0
    while 0 <= at < len(code):
        if code[at] in ";}":
            start = at + 1
        elif code[at] == "(":
            at = max(mutants.closing(code, at), at)
        elif code[at] == "{":
            kind = classify(code[start:at])
            if kind == "scope":
                start = at + 1
            else:
                end = mutants.closing(code, at)
                if end < 0:
                    break
                if kind != "other" or re.search(r"\b(?:constexpr|enum)\b", code[start:at]):
                    found.append(Body(at, end, kind == "function"))
                if kind != "other":
                    start = end + 1
                at = end
        at += 1
    return found


def place(source, found, mutant):
    """Where a mutant can be chosen: the body that it is in, or itself; None where it cannot."""
    end = mutant.offset + mutant.length
    if body := next((body for body in found if body.begin < mutant.offset and end <= body.end), None):
        return body if body.selectable else None
    line = source[source.rfind("\n", 0, mutant.offset) + 1:mutant.offset]
    evaluated = re.search(r"\b(?:constexpr|enum|template|static_assert|case)\b|\[$", line)
    return None if evaluated or not VALUE.fullmatch(mutant.text) else Body(mutant.offset, end, True)


def plant(source, numbered):
    """The text with all those mutants, pairs of a number and a mutant, none of which is made where it is not chosen."""
    found = bodies(source)
    of_place = collections.defaultdict(list)
    for number, mutant in numbered:
        of_place[place(source, found, mutant)].append((number, mutant))
    text = source
    for body in sorted(of_place, reverse=True):
        begin, end = body[:2]
        first, last = (source.count("\n", 0, at) + 1 for at in (begin, end))
        parts = ""
        if body not in found:
            for number, mutant in of_place[body]:
                parts += f"\n#line {number * LINES + first}\n(::incept_mutant::is({number}) ? {mutant.text} : "
            text = f"{text[:begin]}{parts}{source[begin:end]}{')' * len(of_place[body])}\n#line {last}\n{text[end:]}"
            continue
        for number, mutant in of_place[body]:
            changed = mutants.apply(source, mutant)[begin + 1:end + len(mutant.text) - mutant.length]
            parts += f"if (::incept_mutant::is({number})) {{\n#line {number * LINES + first}\n{changed}\n}} else "
        text = f"{text[:begin]}{{{parts}{{\n#line {first}\n{source[begin + 1:end]}\n}}\n#line {last}\n{text[end:]}"
    return f'#include "{HEADER}"\n#line 1\n{text}'


def to_blame(errors, values):
    """The numbers of the mutants that do not compile, from what the compiler said: those with an error, else those that
    errors elsewhere come from, else those of `values`, pairs outside of bodies, that something evaluates elsewhere: in the
    file with the error, else all."""
    digits = len(str(LINES))
    lines = re.findall(r":(\d{%d,}):\d+: (?:fatal )?error" % digits, errors)
    lines = lines or re.findall(r":(\d{%d,}):(?!\d+: warning)" % digits, errors)
    if lines:
        return {int(line) // LINES for line in lines}
    files = re.findall(r"^(\S+?):\d+:\d+: (?:fatal )?error", errors, re.M)
    here = {number for number, mutant in values if any(file.endswith(mutant.path) for file in files)}
    return here or {number for number, _ in values}
