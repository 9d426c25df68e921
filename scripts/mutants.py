# SPDX-License-Identifier: Apache-2.0
"""Mutants of a C++ file: single mistakes as people make them, found in the text alone. Comments, strings and lines of the
preprocessor are left as they are; everything else relies on the files being formatted by clang-format: a binary operator
has a space on both sides, a statement begins a line. Where a mutant does not compile nothing is lost but time."""
import collections
import re

# offset and length in the text, what comes instead, and the kind of the mistake.
Mutant = collections.namedtuple("Mutant", "path offset length text kind")

SWAPS = {"<": ["<=", ">"], "<=": ["<", ">"], ">": [">=", "<"], ">=": [">", "<"], "==": ["!="], "!=": ["=="],
         "&&": ["||"], "||": ["&&"], "+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["/"], "+=": ["-="],
         "-=": ["+="], "*=": ["/="], "/=": ["*="], "|=": ["="], "&=": ["="], "|": ["&"], "&": ["|"], ">>": ["<<"]}
OPERATOR = re.compile(r"(?<= )(%s)(?= )" % "|".join(sorted(map(re.escape, SWAPS), key=len, reverse=True)))
WORDS = {"true": "false", "false": "true", "std::min": "std::max", "std::max": "std::min", "begin()": "rbegin()",
         "front()": "back()", "back()": "front()", "floor": "ceil", "ceil": "floor", "all_of": "any_of",
         "any_of": "all_of", "ceilDiv": "", "lower_bound": "upper_bound", "upper_bound": "lower_bound"}
WORD = re.compile(r"(?<![\w:])(?:std::|llvm::)?(%s)(?![\w])" % "|".join(re.escape(word) for word in WORDS if WORDS[word]))
NUMBER = re.compile(r"(?<![\w.])(\d+)(\.\d+)?(?:e-?\d+)?([uUlLfF]*)(?![\w.])")
CONDITION = re.compile(r"\b(?:if|while) \(")
TERNARY = re.compile(r" \? ([^?:;{}\n]+?) : ([^?:;{}\n]+?)(?=[;,)\n])")
COMMUTES = {"min", "max", "add", "mul", "swap"}
ARGUMENTS = re.compile(r"(\w+)\(([A-Za-z_][\w.\[\]>-]*), ([A-Za-z_][\w.\[\]>-]*)(?=[,)])")
STATEMENT = re.compile(r"^ +((?:[A-Za-z_][\w.:>\[\]()*-]*)(?:\(.*\)| [-+|&*/]?= .*|\+\+|--)|\+\+.*|--.*|break|continue);$", re.M)
DECLARATION = re.compile(r"^ +(?:const |auto |static |using |return |constexpr |delete |throw |[\w:<>, ]+ [&*]?\w+(?:\(| =|;))")
SKIP = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*',
                  re.S | re.M)


def blank(source):
    """The text with what is no code replaced by as many spaces (lines stay)."""
    return SKIP.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source)


def closing(code, at):
    """Where the parenthesis or brace that opens at `at` closes, or -1."""
    depth, pair = 0, "()" if code[at] == "(" else "{}"
    for match in re.compile(f"[{pair}]").finditer(code, at):
        depth += 1 if match.group() == pair[0] else -1
        if depth == 0:
            return match.start()
    return -1


def is_whole(text):
    """Whether every bracket in a text closes there."""
    while (shorter := re.sub(r"\([^][(){}]*\)|\[[^][(){}]*\]|\{[^][(){}]*\}", "", text)) != text:
        text = shorter
    return not re.search(r"[][(){}]", text)


def operators(code):
    for match in OPERATOR.finditer(code):
        line = code[code.rfind("\n", 0, match.start()) + 1:match.start()]
        # A bound of a template, a parameter by reference or pointer, and a default are no computations.
        if match.group() in "&*<>" and re.search(r"template|operator|=> *$", line):
            continue
        for other in SWAPS[match.group()]:
            yield match.start(), match.end(), other, "operator"


def words(code):
    for match in WORD.finditer(code):
        yield match.start(1), match.end(1), WORDS[match.group(1)], "word"


def numbers(code):
    for match in NUMBER.finditer(code):
        if re.search(r"\) (?:const )?(?:noexcept )?= $", code[max(match.start() - 24, 0):match.start()]):
            continue  # a pure virtual function
        whole, fraction, suffix = match.groups()
        if fraction:
            other = str(int(whole) + 1) + fraction + match.group()[len(whole) + len(fraction):]
            yield match.start(), match.end(), other, "constant"
            continue
        for other in {int(whole) + 1, max(int(whole) - 1, 0)} - {int(whole)}:
            yield match.start(1), match.end(1), str(other), "constant"


def conditions(code):
    for match in CONDITION.finditer(code):
        begin = match.end() - 1
        end = closing(code, begin)
        inside = code[begin + 1:end]
        part = inside.rfind("; ") + 2 if "; " in inside else 0  # after a declaration
        condition = inside[part:]
        if end < 0 or re.search(r"[^=!<>]=[^=]", condition):
            continue
        at = begin + 1 + part
        yield at, end, f"!({condition})", "condition"
        if match.group().startswith("if"):
            yield at, end, f"({condition}) && false", "condition"
            yield at, end, f"({condition}) || true", "condition"


def ternaries(code):
    for match in TERNARY.finditer(code):
        yield match.start(1), match.end(2), f"{match.group(2)} : {match.group(1)}", "choice"


def arguments(code):
    for match in ARGUMENTS.finditer(code):
        callee, first, second = match.groups()
        if first != second and callee not in COMMUTES:
            yield match.start(2), match.end(3), f"{second}, {first}", "arguments"


def statements(code):
    for match in STATEMENT.finditer(code):
        before = code[:match.start()].rstrip()
        if not before or before[-1] not in ";{})" or match.group(1).count("(") != match.group(1).count(")"):
            continue
        if match.group(1) not in ("break", "continue") and DECLARATION.match(match.group()):
            continue
        yield match.start(1), match.end(1), "", "statement"


RULES = (operators, words, numbers, conditions, ternaries, arguments, statements)


def mutants(path, source):
    """All of them, in the order of the file. What a mutant replaces keeps its strings: only its place is taken from the
    text without them."""
    code = blank(source)
    found = []
    for rule in RULES:
        for begin, end, text, kind in rule(code):
            if not is_whole(code[begin:end]) or not is_whole(blank(text)):
                continue  # cut out of a lambda or a call, which would break what follows
            near = source[max(begin - 2, 0)] + source[end + 1:end + 2]
            if text == "-" and ('"' in near or source.startswith("std::to_string", end + 1)):
                continue  # texts have no difference
            if kind in ("condition", "choice"):  # strings inside are those of the file
                text = restore(rule, source, code, begin, end, text)
            found.append(Mutant(path, begin, end - begin, text, kind))
    return sorted(set(found))


def restore(rule, source, code, begin, end, text):
    """Puts the file's own text, strings and all, into what was made of the text without them."""
    own = source[begin:end]
    if rule is conditions:
        return text.replace(code[begin:end], own, 1)
    middle = code[begin:end].index(" : ")
    return f"{own[middle + 3:]} : {own[:middle]}"


def apply(source, mutant):
    return source[:mutant.offset] + mutant.text + source[mutant.offset + mutant.length:]


def places(source, line):
    """The numbers of the lines that are one without indentation, as `lines` gives it."""
    pattern = r"^[ \t]*" + r"\s+".join(map(re.escape, line.split())) + r"[ \t]*$"
    return [source.count("\n", 0, match.start()) + 1 for match in re.finditer(pattern, source, re.M)]


def lines(source, mutant):
    """Number, text before and after of the lines that change, without indentation."""
    begin = source.rfind("\n", 0, mutant.offset) + 1
    end = source.find("\n", mutant.offset + mutant.length)
    end = len(source) if end < 0 else end
    after = apply(source, mutant)
    squeeze = lambda text: " ".join(text.split())
    return (source.count("\n", 0, mutant.offset) + 1, squeeze(source[begin:end]),
            squeeze(after[begin:end + len(after) - len(source)]))
