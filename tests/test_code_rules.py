"""What the code may never do: unpickle, evaluate, call a shell, or make files whose names others can guess."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("flows", "tasks", "scraper", "conf", "benchmarks")
SOURCES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "jsonpickle"}
CALLS = {
    "eval", "exec", "__import__", "read_pickle", "to_pickle", "unsafe_load", "full_load", "unsafe_load_all",
    "enable_unsafe_deserialization", "system", "popen", "mktemp", "unpack_archive", "extractall",
}  # fmt: skip
# Names of modules and of what is called, and the argument without which that reads or writes pickles or code.
WITH = {
    ("np", "load"): ("allow_pickle", False), ("np", "save"): ("allow_pickle", False),
    ("np", "savez"): ("allow_pickle", False), ("np", "savez_compressed"): ("allow_pickle", False),
    ("saving", "load_model"): ("safe_mode", True), ("models", "load_model"): ("safe_mode", True),
    ("torch", "load"): ("weights_only", True),
}  # fmt: skip
NEVER = {("yaml", "load"), ("yaml", "load_all"), ("KeyedVectors", "load"), ("Word2Vec", "load")}
ARGUMENTS = {"shell": True, "persist_result": True, "result_serializer": ..., "allow_pickle": True, "safe_mode": False,
             "verify": False, "trust_remote_code": True}  # fmt: skip


def faults(source: str) -> Iterator[str]:
    """Yield what of a module's source breaks a rule, with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
            yield from (f"{node.lineno}: import {name}" for name in names if name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.Call):
            yield from (f"{node.lineno}: {fault}" for fault in _faults_of_call(node))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/tmp"):
            yield f"{node.lineno}: {node.value}"


def _faults_of_call(call: ast.Call) -> Iterator[str]:
    called = call.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    owner = getattr(called, "value", None)
    place = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    given = {each.arg: getattr(each.value, "value", ...) for each in call.keywords}
    # Methods of this name compile patterns and networks.
    if name in CALLS or (place, name) in NEVER or (name == "compile" and owner is None):
        yield name
    if (place, name) in WITH and (given.get(WITH[place, name][0]) is not WITH[place, name][1]):
        yield f"{place}.{name} without {WITH[place, name][0]}"
    yield from (f"{key}={value}" for key, value in given.items() if key in ARGUMENTS
                and (ARGUMENTS[key] is ... or ARGUMENTS[key] is value))  # fmt: skip


def test_source_keeps_the_rules() -> None:
    found = [f"{path.relative_to(ROOT)}:{fault}" for path in SOURCES for fault in faults(path.read_text("utf-8"))]
    assert len(SOURCES) > 200 and found == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from cloudpickle import loads", "import joblib.memory", "import numpy as np\nnp.load('x')",
        "np.load('x', allow_pickle=True)", "np.save('x', a)", "keras.saving.load_model(p, compile=False)",
        "keras.models.load_model(p, safe_mode=False)", "yaml.load(text, Loader=yaml.Loader)", "pd.read_pickle('x')",
        "eval('1')", "compile(t, 'x', 'exec')", "exec(text)", "subprocess.run('x', shell=True)", "os.system('x')",
        "torch.load('x')",
        "tempfile.mktemp()", "open('/tmp/x', 'w')", "task(persist_result=True)", "tar.extractall(folder)",
        "KeyedVectors.load(path)", "requests.get(url, verify=False)",
    ],
)  # fmt: skip
def test_fault_would_be_found(source: str) -> None:
    assert list(faults(source))
