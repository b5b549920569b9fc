"""Whether tests notice a change: each change is tried in a fork of a process that has collected the tests.

A change within a function replaces the code of that function in the fork. Any other change is tried in a fork in which
the module has not been imported yet. Only the tests that run the changed statement are run, up to the first failure.
"""

from __future__ import annotations

import ast
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import os
import pickle
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest

from .changes import Mutant

ROOT = Path(__file__).parents[2]
PACKAGE = Path("azure/keyvault/keys")
_OPTIONS = ["-c", str(ROOT / "tox.ini"), "-q", "-s", "-n0", "-m", "", "-p", "no:cacheprovider"]
# Plugins of others were imported before pytest could rewrite their assertions.
_OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
_LEAST = 3.0  # seconds of CPU time that a test may take, or ten times what it takes without a change


@dataclass(frozen=True)
class Verdict:
    """What became of a change.

    :ivar outcome: ``"failed"`` (a test did), ``"no import"`` (the module or a test could not be imported), ``"ran on"``
        (the tests did not end), ``"survived"``, ``"not reached"`` (no test runs it), or ``"broken"`` (this tool is).
    :ivar detail: the test that noticed, or the error.
    """

    outcome: str
    detail: str = ""

    @property
    def noticed(self) -> bool:
        """Whether the tests noticed."""
        return self.outcome in ("failed", "no import", "ran on")


@dataclass
class Baseline:
    """What the tests do without a change: the tests that run each line, and the seconds that each test takes."""

    tests: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


class _Failures:
    """Stops at the first test that fails, and remembers it."""

    def __init__(self) -> None:
        self.verdict: Verdict | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.verdict is None:
            self.verdict = Verdict("failed", report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and self.verdict is None:
            self.verdict = Verdict("no import", report.nodeid)


class _Lines:
    """Records which lines of some files each test runs."""

    def __init__(self, modules: Iterable[str]) -> None:
        self.modules = {_path(module): module for module in modules}
        self.baseline, self.running = Baseline(), ""

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        module = self.modules.get(frame.f_code.co_filename)
        if module is None:
            return None
        self.baseline.tests.setdefault((module, frame.f_lineno), set()).add(self.running)
        return self.trace

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        import threading

        self.running, began = item.nodeid, time.process_time()
        sys.settrace(self.trace)
        threading.settrace(self.trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type]
            self.baseline.seconds[item.nodeid] = time.process_time() - began

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.baseline.failed.append(report.nodeid)


def in_fork(work: Callable[[], Any], seconds: float) -> Any:
    """Return what a function returns in a forked process, or a verdict when the process does not end by itself."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run_in_child(work, writing, seconds)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number in (signal.SIGXCPU, signal.SIGALRM, signal.SIGKILL):
            return Verdict("ran on", signal.Signals(number).name)
        return Verdict("broken", signal.Signals(number).name)
    return pickle.loads(data) if data else Verdict("broken", "the trial returned nothing")


def _run_in_child(work: Callable[[], Any], writing: int, seconds: float) -> None:
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        limit = int(seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        # A trial that waits uses no CPU time.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(4 * limit + 60)
        try:
            result = work()
        except BaseException:
            result = Verdict("broken", traceback.format_exc())
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(result, pipe)
    finally:
        os._exit(0)


class Collected:
    """A pytest plugin: in place of the tests it tries changes within functions, each in a fork."""

    def __init__(self, changes: list[Mutant], report: Callable[[Mutant, Verdict | None], None]) -> None:
        self.changes, self.report = changes, report
        self.baseline = Baseline()
        self.recent: list[str] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Find out which tests run which lines, and try the changes."""
        if session.testsfailed:
            raise pytest.UsageError("there are tests that cannot be collected")
        modules = {change.module for change in self.changes}
        lines = _Lines(modules)

        def without_change() -> Baseline:
            session.config.pluginmanager.register(lines)
            for item in session.items:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            return lines.baseline

        found = in_fork(without_change, 900)
        if isinstance(found, Verdict):
            raise pytest.UsageError(f"the tests did not end: {found.detail}")
        if found.failed:
            raise pytest.UsageError(f"tests fail without a change: {found.failed}")
        self.baseline = found
        functions = _functions({_path(module) for module in modules})
        original = {
            module: _codes(_compiled(module, ast.parse(Path(_path(module)).read_bytes()))) for module in modules
        }
        for change in self.changes:
            verdict = self._try(session, change, functions, original[change.module])
            self.report(change, verdict)
        return True

    def _try(
        self,
        session: pytest.Session,
        change: Mutant,
        functions: dict[tuple[str, str, int], list[FunctionType]],
        original: dict[tuple[str, str, int], list[CodeType]],
    ) -> Verdict | None:
        """Try a change; None when it takes a new import."""
        codes = _codes(_compiled(change.module, change.tree))
        changed = [key for key in codes if codes[key] != original.get(key)]
        replaced = [(function, codes[key][0]) for key in changed for function in functions.get(key, ())]
        if (
            not change.in_function
            or any(len(codes[key]) != 1 or not functions.get(key) for key in changed)
            or any(function.__code__.co_freevars != code.co_freevars for function, code in replaced)
        ):
            return None
        names = tests_of(self.baseline, change)
        if not names:
            return Verdict("not reached")
        seconds = self.baseline.seconds
        # Tests that have noticed other changes first, then the quick ones.
        order = sorted(
            (item for item in session.items if item.nodeid in names),
            key=lambda item: (item.nodeid not in self.recent, seconds[item.nodeid]),
        )

        def trial() -> Verdict:
            for function, code in replaced:
                function.__code__ = code
            return self._run(session, order)

        verdict: Verdict = in_fork(trial, _LEAST + 10 * sum(seconds[name] for name in names))
        if verdict.outcome == "failed":
            self.recent = [verdict.detail, *self.recent][:20]
        return verdict

    def _run(self, session: pytest.Session, items: list[pytest.Item]) -> Verdict:
        failures = _Failures()
        session.config.pluginmanager.register(failures)
        seconds = self.baseline.seconds
        for position, item in enumerate(items):
            # A change that makes a test run on for ever need not take the time that all the tests have.
            used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
            limit = int(used + max(_LEAST, 10 * seconds[item.nodeid])) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
            following = items[position + 1] if position + 1 < len(items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if failures.verdict is not None:
                return failures.verdict
        return Verdict("survived")


def tests_of(baseline: Baseline, change: Mutant) -> set[str]:
    """Return the tests that run what was changed."""
    first, last = change.lines
    return set().union(*(baseline.tests.get((change.module, line), ()) for line in range(first, last + 1))) - {""}


def _path(module: str) -> str:
    return str(ROOT / PACKAGE / module)


def _compiled(module: str, tree: ast.Module) -> CodeType:
    return compile(tree, _path(module), "exec", dont_inherit=True)


def _functions(paths: set[str]) -> dict[tuple[str, str, int], list[FunctionType]]:
    """Return the functions of some files, by file, name and line."""
    found: dict[tuple[str, str, int], list[FunctionType]] = {}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename in paths:
            found.setdefault(_key(thing.__code__), []).append(thing)
    return found


def _codes(code: CodeType) -> dict[tuple[str, str, int], list[CodeType]]:
    """Return the code of every function that is not within another, by file, name and line."""
    found: dict[tuple[str, str, int], list[CodeType]] = {}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_flags & inspect.CO_NEWLOCALS:
                found.setdefault(_key(constant), []).append(constant)
            else:  # the body of a class
                for key, codes in _codes(constant).items():
                    found.setdefault(key, []).extend(codes)
    return found


def _key(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_name, code.co_firstlineno


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a changed module in place of the real one."""

    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self.tree = tree

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.tree, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds a changed module in place of the real one."""

    def __init__(self, change: Mutant) -> None:
        self.path = ROOT / PACKAGE / change.module
        self.name = ".".join((PACKAGE / change.module).with_suffix("").parts)
        self.tree = change.tree

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> Any:
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=_Loader(name, str(self.path), self.tree))


def try_import(change: Mutant, tests: Iterable[str]) -> Verdict:
    """Try a change in a fork that imports the module anew."""

    def trial() -> Verdict:
        sys.meta_path.insert(0, _Finder(change))
        failures = _Failures()
        code = pytest.main([*_OPTIONS, "-x", *tests], plugins=[failures])
        if failures.verdict is None and code is not pytest.ExitCode.OK:
            # Errors in conftest.py come without a report: it imports the package.
            return Verdict("no import", f"pytest ended with {code!r}")
        return failures.verdict or Verdict("survived")

    verdict: Verdict = in_fork(trial, 300)
    return verdict


def try_all(
    changes: list[Mutant], tests: Iterable[str], own: dict[str, list[str]], report: Callable[[Mutant, Verdict], None]
) -> None:
    """Try changes: those within functions in forks of one session, and then the others.

    :param changes: the changes.
    :param tests: files or folders of tests. The ones that run what was changed are to notice.
    :param own: by module, the files of tests that are to notice changes that are no part of a function.
    :param report: called with every change and what became of it.
    """
    later: list[Mutant] = []
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            _send_verdicts(changes, tests, writing)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        while True:
            try:
                number, verdict = pickle.load(pipe)
            except EOFError:
                break
            if number is None:
                sys.exit(f"nothing was tried: {verdict}")
            if verdict is None:
                later.append(changes[number])
            else:
                report(changes[number], verdict)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("the process that tries changes has failed")
    for change in later:
        report(change, try_import(change, [str(ROOT / "tests" / test) for test in own[change.module]]))


def _send_verdicts(changes: list[Mutant], tests: Iterable[str], writing: int) -> None:
    numbers = {id(change): number for number, change in enumerate(changes)}
    with os.fdopen(writing, "wb") as pipe:

        def send(number: int | None, verdict: Any) -> None:
            pickle.dump((number, verdict), pipe)
            pipe.flush()

        null, said = os.open(os.devnull, os.O_WRONLY), os.dup(1)
        os.dup2(null, 1)
        plugin = Collected(changes, lambda change, verdict: send(numbers[id(change)], verdict))
        code = pytest.main([*_OPTIONS, *(str(ROOT / "tests" / test) for test in tests)], plugins=[plugin])
        os.dup2(said, 1)
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            send(None, f"pytest ended with {code!r}")
