# Runs the tests, and never the completion. What the program defines stands here as objects that ask the candidate; whether two values
# are equal, whether an assertion holds and what a builtin does is decided in this process, out of the program's reach.
import ast
import traceback
import types

ALIASES = {"np": "numpy", "numpy": "numpy", "pd": "pandas", "pandas": "pandas"}
NUMBERS = (int, float, complex)
SHOWN = 120  # characters of a value in a detail


class Broken(BaseException):
    """The candidate's answer is not of the language; nothing more can be asked."""


class BadTest(BaseException):
    """The test asks for what no program could give: the data's mistake."""


class Candidate:
    """Asks the candidate process."""

    def __init__(self, channel):
        self.channel = channel
        self.sequence = 0
        self.broken = ""
        self.bad_test = ""
        self.stop_is_meant = False  # the test speaks of StopIteration itself
        self.objects = {}  # number of an object of the program → what stands for it here
        self.lent, self.lent_number = [], {}

    def ask(self, operation, *operands):
        if self.broken:
            raise Broken(self.broken)
        self.sequence += 1
        encoder = Encoder(self.opaque)
        try:
            message = [self.sequence, operation, encoder.encode(list(operands))]
        except BadTest as error:
            if operation != "call":  # the program chose to be asked: plain data needs no question
                raise TypeError(str(error)) from None
            self.bad_test = str(error)
            raise
        self.channel.send(b"C", dump(message))
        while True:
            kind, content = self.channel.receive()
            try:
                reply = load(content)
                if kind == b"Q":
                    self.answer(reply)
                    continue
                return self.read(reply, encoder.shared)
            except WireError as error:
                self.give_up(error)
            except StopIteration:
                if operation == "next" or self.stop_is_meant:
                    raise
                # all(map(…)) would take it for the end of what is tested.
                raise RuntimeError("the program raised StopIteration") from None

    def give_up(self, error):
        self.broken = "an answer of the program's process could not be read: %s" % error
        raise Broken(self.broken) from None

    def read(self, reply, shared):
        if type(reply) is not list or len(reply) != 4 or reply[0] != self.sequence or type(reply[3]) is not list:
            raise WireError("not an answer to the question")
        known = len(shared)
        decoder = Decoder(self.lookup, shared)
        value = None
        if reply[1] == "ok":
            value = decoder.decode(reply[2])
        elif reply[1] == "raise":
            value = self.exception(reply[2], decoder)
        else:
            raise WireError("not an answer to the question")
        for change in reply[3]:
            if type(change) is not list or len(change) != 2 or type(change[1]) is not list or not change[1]:
                raise WireError("no change")
            decoder.update(shared[whole(change[0], known)], change[1])
        if reply[1] == "raise":
            raise value
        return value

    def exception(self, message, decoder):
        if type(message) is not list or len(message) != 4:
            raise WireError("no exception")
        kind = self.exception_class(message[0])
        text = message[1] if type(message[1]) is str else ""
        args = [decoder.decode(arg) for arg in message[2]] if type(message[2]) is list else [text]
        if isinstance(kind, type) and issubclass(kind, TheirException):
            error = kind.__new__(kind, *args)
            error.args = tuple(args)
            error.__dict__["_entrain"] = (self, message[3] if type(message[3]) is int else -1, text)
            return error
        try:
            return kind(*args)
        except Exception:  # such as UnicodeDecodeError, which wants five arguments
            return Exception(text)

    def exception_class(self, lineage):
        if type(lineage) is not list or not lineage or len(lineage) > MAX_DEPTH:
            raise WireError("no exception class")
        kind = class_of_name(lineage[-1])
        if not issubclass(kind, BaseException):
            raise WireError("no exception class")
        for entry in reversed(lineage[:-1]):
            number, name = whole(entry[0]), str(entry[1])
            if number not in self.objects:
                bases = (kind,) if issubclass(kind, TheirException) else (TheirException, kind)
                self.objects[number] = type(kind)(name, bases, {"_entrain_class": (self, number)})
            kind = self.objects[number]
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise WireError("no exception class")
        return kind

    def answer(self, question):
        """The program calls a function that a test gave it."""
        if type(question) is not list or len(question) != 4:
            raise WireError("no question")
        operation, number, args, kwargs = question
        decoder = Decoder(self.lookup)
        value = self.lent[whole(number, len(self.lent))]
        args, kwargs = decoder.decode(args), decoder.decode(kwargs)
        try:
            if operation == "call":
                result = value(*args, **kwargs)
            elif operation == "next":
                result = next(value)
            else:
                raise WireError("no question")
            reply = [True, Encoder(self.opaque).encode(result)]
        except BadTest as error:  # what the program made of the test's function is its own doing
            reply = [False, ["TypeError", str(error)]]
        except Exception as error:
            base = next(kind for kind in type(error).__mro__ if builtin_class(kind))
            reply = [False, [base.__name__, str(error)[:500]]]
        self.channel.send(b"A", dump(reply))

    def opaque(self, value, encoder, depth):
        kind = type(value)
        if kind is Handle or issubclass(kind, PLAIN_SUBCLASSES):
            return ["h", number_of(value)]
        if isinstance(value, TheirException) and "_entrain" in value.__dict__:
            return ["h", value.__dict__["_entrain"][1]]
        if isinstance(value, type) and issubclass(value, TheirException) and value is not TheirException:
            return ["h", value._entrain_class[1]]
        if builtin_class(value) or builtin_function(value):  # the program's process has its own: nothing is evaluated here
            return ["n", value.__name__]
        if callable(value) or hasattr(kind, "__next__"):
            if id(value) not in self.lent_number:
                self.lent_number[id(value)] = len(self.lent)
                self.lent.append(value)
            return ["p", self.lent_number[id(value)]]
        for base in (int, float, str, bytes, tuple):
            if isinstance(value, base):
                return encoder.encode(base(value), depth)
        raise BadTest("a test cannot give an object of its own class %s to the program" % kind.__name__)

    def lookup(self, message, decoder, depth):
        tag = message[0]
        if tag == "p":
            return self.lent[whole(message[1], len(self.lent))]
        if tag == "n":
            return class_of_name(message[1])
        if tag == "x":
            return self.exception_class(message[1])
        if tag == "h":
            number, name, holds = whole(message[1]), message[2], message[3]
            if number not in self.objects:
                self.objects[number] = make_handle(self, number, name if type(name) is str else "", holds is True)
            return self.objects[number]
        if tag == "v":
            value = decoder.decode(message[1], depth + 1)
            kind = SUBCLASS_OF.get(type(value))
            if kind is None:
                raise WireError("no value")
            out = kind.__new__(kind, value)
            out.__dict__["_entrain"] = (self, whole(message[2]))
            return out
        raise WireError("no value")


class TheirException(BaseException):
    """An exception of a class that the program defines."""

    def __str__(self):
        return self.__dict__["_entrain"][2] if "_entrain" in self.__dict__ else super().__str__()

    def __getattr__(self, name):
        if "_entrain" not in self.__dict__ or name.startswith("__"):
            raise AttributeError(name)
        candidate, number, _ = self.__dict__["_entrain"]
        return candidate.ask("getattr", Reference(candidate, number), name)


class Handle:
    """An object that lives in the candidate. What is done with it is done there, but for comparing it with anything of the tester."""

    __slots__ = ("_entrain_candidate", "_entrain_number", "_entrain_class_name", "_entrain_holds", "__weakref__")

    def __getattr__(self, name):
        if name.startswith("__") and name not in ("__name__", "__doc__", "__qualname__", "__wrapped__", "__dict__", "__module__"):
            raise AttributeError(name)
        return asked(self, "getattr", name)

    def __setattr__(self, name, value):
        asked(self, "setattr", name, value)

    def __delattr__(self, name):
        asked(self, "delattr", name)

    def __call__(self, *args, **kwargs):
        return asked(self, "call", list(args), kwargs)

    def __eq__(self, other):
        if type(other) is Handle:
            return asked(self, "eq", other)
        if GET(self, "_entrain_holds"):
            return asked(self, "value") == other
        return False

    def __ne__(self, other):
        if type(other) is Handle:
            return asked(self, "ne", other)
        return not self.__eq__(other)

    def __dir__(self):
        return asked(self, "dir")

    def __instancecheck__(self, value):
        return bool(candidate_of(self).ask("isinstance", value, self))

    def __subclasscheck__(self, kind):
        return bool(candidate_of(self).ask("issubclass", kind, self))

    def __enter__(self):
        return asked(self, "enter")

    def __exit__(self, kind, value, trace):
        asked(self, "leave")
        return False

    def __contains__(self, item):
        return bool(asked(self, "contains", item))


GET = object.__getattribute__
SET = object.__setattr__


def make_handle(candidate, number, name, holds):
    handle = Handle.__new__(Handle)
    SET(handle, "_entrain_candidate", candidate)
    SET(handle, "_entrain_number", number)
    SET(handle, "_entrain_class_name", name)
    SET(handle, "_entrain_holds", holds)
    return handle


def Reference(candidate, number):
    return make_handle(candidate, number, "", False)


def candidate_of(handle):
    return GET(handle, "_entrain_candidate")


def asked(handle, operation, *operands):
    return candidate_of(handle).ask(operation, handle, *operands)


def number_of(value):
    return GET(value, "_entrain_number") if type(value) is Handle else value.__dict__["_entrain"][1]


def is_number(value):
    return isinstance(value, NUMBERS) or exact_class(type(value)) in ("fractions.Fraction", "decimal.Decimal")


def refuse_difference(name, other):
    # abs(f(x) - 3.14) < 1e-6 would hold for an object whose difference to anything is 0.
    if name in ("sub", "truediv", "floordiv", "mod", "pow", "divmod", "xor") and is_number(other):
        raise TypeError("a number and an object of the program: the test takes no %s of them" % name)


def add_operators():
    def define(name, function):
        setattr(Handle, name, function)

    for each in "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift divmod".split():
        operation = each + "_" if each in ("and", "or") else each

        def forward(self, other, each=each, operation=operation):
            refuse_difference(each, other)
            return asked(self, operation, other)

        def backward(self, other, each=each, operation=operation):
            refuse_difference(each, other)
            return candidate_of(self).ask(operation, other, self)

        def in_place(self, other, each=each):
            refuse_difference(each, other)
            return asked(self, "i" + each, other)

        define("__%s__" % each, forward)
        define("__r%s__" % each, backward)
        if each != "divmod":
            define("__i%s__" % each, in_place)
    for each in "lt le gt ge".split():

        def order(self, other, each=each):
            if type(other) is Handle:
                return asked(self, each, other)
            if GET(self, "_entrain_holds"):
                return getattr(asked(self, "value"), "__%s__" % each)(other)
            return NotImplemented

        define("__%s__" % each, order)
    for each in "neg pos invert abs bool complex float int index hash iter len next repr str reversed".split():
        define("__%s__" % each, lambda self, each=each: asked(self, each))
    for each in "round format getitem setitem delitem".split():
        define("__%s__" % each, lambda self, *operands, each=each: asked(self, each, *operands))


add_operators()


def asked_attribute(self, name):
    if name.startswith("__"):
        raise AttributeError(name)
    candidate, number = self.__dict__["_entrain"]
    return candidate.ask("getattr", Reference(candidate, number), name)


# A value of a subclass of a plain class (an IntEnum, a namedtuple): the value is here and is the plain one in every way, and what else
# it has is asked for.
SUBCLASS_OF = {kind: type(kind.__name__, (kind,), {"__getattr__": asked_attribute}) for kind in (int, float, str, bytes, tuple, frozenset)}
PLAIN_SUBCLASSES = tuple(SUBCLASS_OF.values())


class Names(dict):
    """The names of a test. Its own definitions come first, then modules whose attributes it uses, then Python's builtins, then what
    the program defines; `entries` are the program's whatever else they are."""

    def __init__(self, values, candidate, entries, modules):
        super().__init__(values)
        self.candidate, self.entries, self.modules = candidate, entries, modules

    def __missing__(self, name):
        if name == "candidate" and self.entries:
            name = self.entries[0]
        if name not in self.entries:
            if name in self.modules:
                return self.module(name)
            if hasattr(builtins, name) or name.startswith("__"):
                raise KeyError(name)
        try:
            return self.candidate.ask("get", name)
        except NameError:
            raise KeyError(name) from None

    def module(self, name):
        import importlib

        self[name] = importlib.import_module(ALIASES.get(name, name))
        return self[name]


def modules_in(tree):
    """Names of modules in m.x, which are Python's own, and never an object of the program that calls itself math."""
    names = {node.value.id for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}
    return {name for name in names if name in sys.stdlib_module_names or name in ALIASES}


class Assertions(ast.NodeTransformer):
    """assert a == b tells what a and b were."""

    def visit_Assert(self, node):
        test = node.test
        if node.msg is None and isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
            call = ast.Call(ast.Name("_entrain_equal", ast.Load()), [test.left, test.comparators[0]], [])
            node = ast.copy_location(ast.Expr(call), node)
            ast.fix_missing_locations(node)
        return node


def shown(value):
    if type(value) is Handle:
        return "<an object of class %s>" % GET(value, "_entrain_class_name")
    try:
        text = repr(value)
    except Exception as error:
        text = "<%s>" % type(error).__name__
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


class Unequal(AssertionError):
    pass


def equal(found, expected):
    if not (found == expected):
        raise Unequal("expected %s, found %s" % (shown(expected), shown(found)))


def said(error):
    try:
        return str(error)[:400]
    except BaseException:  # it holds what cannot be written, or what the program does not tell
        return ""


def failure(error, source):
    """What a test that failed says: its line, and why."""
    line = 0
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == "test.py":
            line = number
    lines = source.splitlines()
    where = lines[line - 1].strip()[:200] if 0 < line <= len(lines) else ""
    text = said(error)
    if type(error) is Unequal:
        why = text
    elif type(error) is AssertionError:
        why = text or "does not hold"
    else:
        why = type(error).__name__ + (": " + text if text else "")
    return (where + ": " if where else "") + why


class Part:
    """Setup or one test: compiled, with the modules that it uses."""

    def __init__(self, source, name):
        self.source = source
        try:
            tree = ast.parse(source, "test.py")
            self.modules = modules_in(tree)
            self.calls_check = any(
                isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "check"
                for node in tree.body)
            self.code = compile(Assertions().visit(tree), "test.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None)
            raise SystemExit("%s: %s%s" % (name, "line %d: " % line if line else "", getattr(error, "msg", None) or error)) from None

    def run(self, names):
        exec(self.code, names)

    def run_as_test(self, names, entries):
        """What it says, then the unittest classes, test functions and check(candidate) that it defines."""
        before = set(names)
        self.run(names)
        new = {name: value for name, value in list(names.items()) if name not in before}
        cases = [value for value in new.values() if isinstance(value, type) and "unittest" in sys.modules
                 and issubclass(value, sys.modules["unittest"].TestCase)]
        for case in cases:
            run_cases(case)
        for name, value in new.items():
            if name.startswith("test") and isinstance(value, types.FunctionType) and value.__code__.co_argcount == 0:
                value()
        if entries and not self.calls_check and isinstance(new.get("check"), types.FunctionType):
            new["check"](names[entries[0]])


def run_cases(case):
    import unittest

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    for test, text in result.failures + result.errors:
        raise AssertionError("%s: %s" % (test.id().rpartition(".")[2], text.strip().splitlines()[-1]))


class Run:
    def __init__(self, channel, job):
        self.channel, self.job = channel, job
        self.entries = job["entry"]
        self.candidate = Candidate(channel)

    def names(self, values, part):
        """What a part may name: what stands in `values`, and what the program defines."""
        return Names(values, self.candidate, self.entries, part.modules | (values.modules if isinstance(values, Names) else set()))

    def attempt(self, part, names):
        """None, or what failed."""
        self.candidate.stop_is_meant = "StopIteration" in self.job["setup"] + part.source
        try:
            part.run(names) if part is self.setup else part.run_as_test(names, self.entries)
        except Broken:
            pass
        except BadTest as error:
            return str(error)
        except BaseException as error:
            if not self.candidate.broken:
                return failure(error, part.source)
        return self.candidate.broken or None

    def tell(self, kind, text=""):
        self.channel.send(kind, text.encode("utf-8", "replace")[:4000])

    def go(self):
        try:
            self.setup = Part(self.job["setup"], "verifier_options.setup")
            tests = [Part(source, "verifier_options.tests[%d]" % n) for n, source in enumerate(self.job["tests"])]
        except SystemExit as error:
            self.tell(b"G", str(error))
            return
        shared = self.names({"__name__": "test", "__builtins__": builtins, "_entrain_equal": equal}, self.setup)
        ready = False
        for n in range(self.job["first"], len(tests)):
            self.tell(b"B", str(n))
            failed = None if ready else self.attempt(self.setup, shared)
            if failed is not None:
                failed = "setup: " + failed
            else:
                ready = True
                failed = self.attempt(tests[n], self.names(shared, tests[n]))
            if self.candidate.bad_test:
                self.tell(b"G", "verifier_options.tests[%d]: %s" % (n, self.candidate.bad_test))
                return
            self.tell(b"T" if failed is None else b"V" if self.candidate.broken else b"F", failed or "")
            if self.candidate.broken or not ready:
                break
        self.tell(b"E")


def main():
    channel = take_channel()
    Run(channel, load(channel.receive()[1])).go()
    os._exit(0)


main()
