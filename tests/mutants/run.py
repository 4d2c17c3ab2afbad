#!/usr/bin/python3
"""Puts each mutant into a copy of the tree and runs the tests that have to notice it: what `./stack mutants` runs."""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree

from catalogue import ROOT, all_of_them, apply, is_unit, unit_parts

PLACE = ROOT / "build/mutants"
TREE = PLACE / "tree"
BUILD = TREE / "build/test"
SHARED = ("build/kafka", "node_modules")  # fetched things, the same in the copy
PATIENCE_S = 900  # for one run of tests on servers; a mutant may well make one hang
UNIT_PATIENCE_S = 120  # of a module of unit tests

CAUGHT, SURVIVED, BROKEN = "caught", "SURVIVED", "BROKEN"


class Unbuilt(Exception):
    """The tree does not build; what the compiler said."""


# ---- the copy ----


def refresh():
    """Makes TREE what git has of ROOT, edits that are not committed included; what is equal already keeps its time."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.split("\0")
    wanted = {name for name in listed if name and (ROOT / name).exists()}
    for name in wanted:
        copy(name)
    note = PLACE / "files"
    for name in set(note.read_text().splitlines() if note.exists() else ()) - wanted:
        (TREE / name).unlink(missing_ok=True)
    note.write_text("\n".join(sorted(wanted)))
    for name in SHARED:
        there = TREE / name
        there.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists() and not there.exists():
            there.symlink_to(ROOT / name)


def copy(name):
    source, target = ROOT / name, TREE / name
    if target.exists() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def run(*command, cwd=TREE, **options):
    return subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False, **options)


def build(*targets):
    if not (BUILD / "build.ninja").exists():
        launcher = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        done = run("cmake", "--preset", "test", *launcher)
        if done.returncode:
            raise Unbuilt(done.stderr)
    done = run("cmake", "--build", "--preset", "test", *(["--target", *targets] if targets else []))
    if done.returncode:
        raise Unbuilt(done.stdout)


# ---- tests ----


def failed_units(module, names):
    """Which tests NAMES of a module fail, or are cut off; and what it said."""
    try:
        done = run(BUILD / "bin" / f"{module}_test", cwd=TREE / "tests/unit", timeout=UNIT_PATIENCE_S)
    except subprocess.TimeoutExpired as hung:
        return set(names), f"not within {UNIT_PATIENCE_S} s:\n{hung.stdout}"
    said = done.stdout + done.stderr
    good = set(re.findall(r"^\[ +OK \] (\w+)", said, re.MULTILINE))
    begun = set(re.findall(r"^\[ RUN +\] (\w+)", said, re.MULTILINE))
    return (set(names) & begun) - good, said


def failed_python(tests):
    """Which TESTS fail. One that fails in its preparations says nothing about the mutant: that is an Unbuilt."""
    report = PLACE / "report.xml"
    report.unlink(missing_ok=True)
    command = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={TREE}",
               f"--junitxml={report}", *tests]
    with subprocess.Popen(command, cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            said, _ = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # so that it stops its servers
            said, _ = process.communicate()
            return set(tests), f"not within {PATIENCE_S} s:\n{said}"
    if process.returncode not in (0, 1) or not report.exists():
        raise Unbuilt(said)
    failed, skipped = set(), set()
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname').replace('.', '/')}.py::{case.get('name').split('[')[0]}"
        for problem in (*case.iter("failure"), *case.iter("error")):
            if problem.get("message", "").startswith("failed on setup"):
                raise Unbuilt(said)
            failed.add(name)
        if next(case.iter("skipped"), None) is not None:
            skipped.add(name)
    if skipped - failed:
        raise Unbuilt(f"skipped here: {', '.join(sorted(skipped))}")
    return failed, said


def failed_tests(tests):
    """Which of TESTS fail in the tree as it is, and what the last one that ran said."""
    failed, said = set(), ""
    modules = {}
    for test in filter(is_unit, tests):
        module, name = unit_parts(test)
        modules.setdefault(module, []).append(name)
    for module, names in modules.items():
        build(f"{module}_test")
        bad, said = failed_units(module, names)
        failed |= {f"unit.{module}:{name}" for name in bad}
    python = [test for test in tests if not is_unit(test)]
    if python:
        build()  # tests of SQL run orderctl, those on servers everything
        bad, said = failed_python(python)
        failed |= bad
    return failed, said


# ---- the run ----


def judge(mutant):
    """Each test named has to fail: (verdict, what to show)."""
    applied = apply(mutant, TREE)
    try:
        if applied.returncode:
            return BROKEN, applied.stdout + applied.stderr
        failed, said = failed_tests(mutant.tests)
    except Unbuilt as problem:
        return BROKEN, str(problem)
    finally:
        refresh()
    (PLACE / f"{mutant.name}.log").write_text(said)
    unmoved = set(mutant.tests) - failed
    return (SURVIVED, f"passes with the defect: {', '.join(sorted(unmoved))}") if unmoved else (CAUGHT, "")


def begin():
    PLACE.mkdir(parents=True, exist_ok=True)
    refresh()


def say(text, **options):
    print(text, flush=True, **options)


def check_tests(mutants):
    """Without a mutant every test named passes; else its failing would prove nothing."""
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    say(f"{'the tests, without a mutant':<34}", end="")
    began = time.monotonic()
    try:
        failed, said = failed_tests(tests)
    except Unbuilt as problem:
        failed, said = tests, str(problem)
    say(f"{'FAIL' if failed else 'pass':>8} {time.monotonic() - began:6.0f} s")
    if failed:
        say("\n".join(said.splitlines()[-30:]))
    return not failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these mutants")
    parser.add_argument("--list", action="store_true", help="name them all, with the defect and the tests")
    options = parser.parse_args()
    known = {mutant.name: mutant for mutant in all_of_them()}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        say(f"mutants: there is none called {unknown[0]}; --list names them", file=sys.stderr)
        return os.EX_USAGE
    mutants = [known[name] for name in options.names] or list(known.values())
    if options.list:
        for mutant in mutants:
            say(f"{mutant.name}\n    {mutant.defect}\n" + "".join(f"    {test}\n" for test in mutant.tests), end="")
        return 0
    begin()
    if not check_tests(mutants):
        return 1
    counts = {CAUGHT: 0, SURVIVED: 0, BROKEN: 0}
    for mutant in mutants:
        say(f"{mutant.name:<34}", end="")
        began = time.monotonic()
        verdict, why = judge(mutant)
        counts[verdict] += 1
        say(f"{verdict:>8} {time.monotonic() - began:6.0f} s  {', '.join(mutant.tests)}")
        if why:
            say("".join(f"    {line}\n" for line in why.splitlines()[-20:]), end="")
    say(f"{counts[CAUGHT]} caught, {counts[SURVIVED]} survived, {counts[BROKEN]} broken")
    return 0 if counts[CAUGHT] == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
