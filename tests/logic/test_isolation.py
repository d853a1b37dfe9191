import subprocess
import sys

IMPORT_ALL = """
import importlib, pkgutil, sys
import tasks.logic
names = [module.name for module in pkgutil.iter_modules(tasks.logic.__path__)]
# Keras layers are classes of Keras: whoever needs them imports them when a network is built or opened.
names.remove("layers")
assert "text" in names, names
for name in names:
    importlib.import_module(f"tasks.logic.{name}")
heavy = {"prefect", "mlflow", "tensorflow", "keras", "nltk", "scrapy"} & set(sys.modules)
sys.exit(f"imported: {sorted(heavy)}" if heavy else 0)
"""


def test_logic_imports_neither_orchestration_nor_tracking_nor_networks():
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
