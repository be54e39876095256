# Runs a completion as a program of its own: standard input is the test's, standard output is judged. It stands in the working folder.
import os
import sys
import types

NOT_PYTHON = 97  # the exit status of a text that is no Python


def main():
    with open("main.py", "rb") as file:
        source = file.read()
    try:
        code = compile(source, "main.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        message = getattr(error, "msg", None) or type(error).__name__
        os.write(2, ("line %s: %s" % (line, message) if line else message).encode("utf-8", "replace"))
        os._exit(NOT_PYTHON)
    module = types.ModuleType("__main__")
    module.__file__ = "main.py"
    sys.modules["__main__"] = module
    sys.argv = ["main.py"]
    exec(code, module.__dict__)


main()
