"""The two tables beside the command: methods.json and tasks.json."""
import json
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent.parent
SOURCE = HERE.parent.parent

REFERENCE = "grpo"
# What is equal for every method and task. One thread and one worker, so that two runs fit side by side; a silent controller is waited for, so that
# no directive is ever held and equal runs are equal to the byte.
COMMON = ["rollout.workers=1", "rollout.threads=1", "learner.threads=1", "verifier.processes=1", "learner.checkpoint={every_steps: 25, keep: 1}",
          "controller.on_silence=wait"]


class TableError(Exception):
    """A table or a choice from it that cannot be used; the message is for people."""


def _read(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise TableError(f"{path}: not JSON: {error}") from error


def read_methods(path):
    """The methods in the order of the file, each {name, title, what, source, set, main}."""
    methods = _read(path)
    if not isinstance(methods, list) or not methods:
        raise TableError(f"{path}: expected a list of methods")
    names = set()
    for method in methods:
        name = method.get("name") if isinstance(method, dict) else None
        if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
            raise TableError(f"{path}: expected a \"name\" of small letters, digits and hyphens, found {json.dumps(name)}")
        if name in names:
            raise TableError(f"{path}: the name {name} stands twice")
        names.add(name)
        unknown = set(method) - {"name", "title", "what", "source", "set", "main"}
        if unknown:
            raise TableError(f"{path}: {name}: unknown key {sorted(unknown)[0]}")
        if not isinstance(method.get("set"), list) or not all(isinstance(entry, str) and "=" in entry for entry in method["set"]):
            raise TableError(f"{path}: {name}: \"set\" is a list of key=value, as `entrain run --set` takes them")
        method.setdefault("title", name)
        method.setdefault("what", "")
        method.setdefault("source", "")
        method.setdefault("main", False)
    if REFERENCE not in names:
        raise TableError(f"{path}: the method {REFERENCE} is missing: the others are compared with it")
    return methods


def choose(methods, names, everything):
    """The methods of a run: those that are named, else all or the main ones. The reference is always among them."""
    if not names:
        return [method for method in methods if everything or method["main"] or method["name"] == REFERENCE]
    known = {method["name"] for method in methods}
    for name in names:
        if name not in known:
            raise TableError(f"unknown method {name}; known: {', '.join(sorted(known))}")
    return [method for method in methods if method["name"] in names or method["name"] == REFERENCE]


def read_task(name):
    tasks = _read(HERE / "tasks.json")
    if name not in tasks:
        raise TableError(f"unknown task {name}; known: {', '.join(tasks)}")
    return {"name": name, **tasks[name]}


def filled(texts, steps, data):
    """@steps, @half and @data in the settings of a table."""
    return [text.replace("@steps", str(steps)).replace("@half", str(steps // 2)).replace("@data", str(data)) for text in texts]
