#pragma once

namespace entrain::confine {

// What the interpreter of the Python fork server runs: warms up, serves, and runs the named program in each
// child. Arguments: the library, the descriptor of the programs, then those of the fork server.
inline constexpr char kPythonBootstrap[] = R"py(
import atexit, ctypes, gc, json, os, sys, threading, types

def start():
    library = ctypes.PyDLL(sys.argv[1])
    with open(int(sys.argv[2]), closefd=False) as file:
        given = json.load(file)
    for name in given["imports"]:
        __import__(name)
    programs = {name: compile(source, name, "exec") for name, source in given["programs"].items()}
    arguments = (ctypes.c_char_p * (len(sys.argv) - 2))(*[a.encode() for a in sys.argv[3:]], None)
    serve = library.entrain_sandbox_serve
    serve.restype = ctypes.c_char_p
    gc.collect()
    gc.freeze()  # children share these pages; a collection would copy them
    name = serve(arguments).decode()
    ctypes.pythonapi.PyOS_AfterFork_Child()
    os.environ["HOME"] = os.environ["TMPDIR"] = os.environ["PWD"] = os.getcwd()
    sys.argv[:] = [name]
    sys.path.insert(0, os.getcwd())
    main = types.ModuleType("__main__")
    main.__builtins__ = __builtins__
    sys.modules["__main__"] = main
    return programs[name], main.__dict__

def run(code, scope):
    status = 0
    try:
        exec(code, scope)
    except SystemExit as end:
        status = end.code
        if status is None:
            status = 0
        elif not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__.tb_next)
        status = 1
    try:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        status = status or 120
    finally:
        os._exit(status & 0xff)

run(*start())
)py";

}  // namespace entrain::confine
