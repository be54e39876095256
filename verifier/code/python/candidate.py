# Runs the completion and answers for it: the tester's questions come over the channel, and what the program makes stays here.
# The program can do with this process what it likes: all that leaves it are answers, and the tester believes them as little as a
# return value.
import operator
import types


class Lent:
    """A function or an iterator of the tester."""

    def __init__(self, server, number):
        self._server, self._number = server, number

    def __call__(self, *args, **kwargs):
        return self._server.ask("call", self._number, args, kwargs)

    def __iter__(self):
        return self

    def __next__(self):
        return self._server.ask("next", self._number, (), {})


def plain_value(value):
    """What an instance of a subclass of list, dict or set holds."""
    if isinstance(value, dict):
        return dict(dict.items(value))
    if isinstance(value, set):
        return set(set.__iter__(value))
    return list(list.__iter__(value))


def leave(value):
    return type(value).__exit__(value, None, None, None)


OPERATIONS = {name: getattr(operator, name) for name in (
    "add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift rshift iadd isub imul itruediv ifloordiv imod ipow imatmul iand ior "
    "ixor ilshift irshift neg pos invert eq ne lt le gt ge contains getitem setitem delitem").split()}
OPERATIONS.update({kind.__name__: kind for kind in (
    abs, bool, complex, delattr, dir, divmod, float, format, getattr, hash, int, isinstance, issubclass, iter, len, next, repr, reversed,
    round, setattr, str)})
OPERATIONS.update(index=operator.index, value=plain_value, enter=lambda value: type(value).__enter__(value), leave=leave,
                  call=lambda function, args, kwargs: function(*args, **kwargs))


class Server:
    def __init__(self, channel, module):
        self.channel, self.module = channel, module
        self.objects, self.number = [], {}

    def keep(self, value):
        if id(value) not in self.number:
            self.number[id(value)] = len(self.objects)
            self.objects.append(value)
        return self.number[id(value)]

    def opaque(self, value, encoder, depth):
        if type(value) is Lent:
            return ["p", value._number]
        if builtin_class(value):
            return ["n", value.__name__]
        if isinstance(value, type) and issubclass(value, BaseException):
            return ["x", self.lineage(value)]
        for base, exact in PLAIN:
            if isinstance(value, base):
                return ["v", encoder.encode(exact(value), depth + 1), self.keep(value), type(value).__name__[:100]]
        return ["h", self.keep(value), type(value).__name__[:100], isinstance(value, (list, dict, set))]

    def lineage(self, kind):
        """The exception classes of the program from this one up, then the one of Python above them."""
        names = []
        for each in kind.__mro__:
            if builtin_class(each):
                return names + [each.__name__]
            if issubclass(each, BaseException):
                names.append([self.keep(each), each.__name__[:100]])
        return names + ["Exception"]

    def lookup(self, message, decoder, depth):
        if message[0] == "h":
            return self.objects[message[1]]
        if message[0] == "p":
            return Lent(self, message[1])
        if message[0] == "n":
            return getattr(builtins, message[1])
        raise WireError("no value")

    def ask(self, operation, number, args, kwargs):
        encoder = Encoder(self.opaque)
        self.channel.send(b"Q", dump([operation, number, encoder.encode(list(args)), encoder.encode(kwargs)]))
        while True:
            kind, content = self.channel.receive()
            if kind == b"C":
                self.answer(load(content))
                continue
            fine, value = load(content)
            if not fine:
                raise class_of_name(value[0])(value[1])
            return Decoder(self.lookup).decode(value)

    def answer(self, question):
        sequence, operation, operands = question
        decoder = Decoder(self.lookup)
        args = decoder.decode(operands)
        shared = decoder.shared  # the question's containers, the list of operands first
        known = len(shared)
        before = [Encoder(self.opaque, shared[:known]).content(value) for value in shared[:known]]
        try:
            if operation == "get":
                value = self.module.__dict__.get(args[0], self)
                if value is self:
                    raise NameError("name '%s' is not defined" % args[0])
            else:
                value = OPERATIONS[operation](*args)
            encoder = Encoder(self.opaque, shared)
            reply = ["ok", encoder.encode(value), self.changes(encoder, before)]
        except BaseException as error:
            encoder = Encoder(self.opaque, shared[:known])
            reply = ["raise", self.exception(error, encoder), self.changes(encoder, before)]
        try:
            data = dump([sequence] + reply)
        except WireError as error:
            data = dump([sequence, "raise", [["ValueError"], str(error), None, None], []])
        self.channel.send(b"R", data)

    def changes(self, encoder, before):
        """The containers of the question that are not what they were."""
        out = []
        for n in range(1, len(before)):
            value = encoder.shared[n]
            if Encoder(self.opaque, encoder.shared[: len(before)]).content(value) != before[n]:
                out.append([n, encoder.content(value)])
        return out

    def exception(self, error, encoder):
        try:
            args = [encoder.encode(arg) for arg in error.args]
            if any(type(arg) is list and arg and arg[0] == "h" for arg in args):
                args = None
        except Exception:
            args = None
        try:
            text = str(error)[:500]
        except Exception:
            text = ""
        return [self.lineage(type(error)), text, args, self.keep(error)]


PLAIN = (
    (int, lambda value: int.__add__(value, 0)),
    (float, float.__float__),
    (str, str.__str__),
    (bytes, lambda value: bytes(memoryview(value))),
    (tuple, lambda value: tuple(tuple.__iter__(value))),
    (frozenset, lambda value: frozenset(frozenset.__iter__(value))),
)


def describe(error):
    """An exception as people read it, with the line of the program."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "program.py":
            line = trace.tb_lineno
        trace = trace.tb_next
    where = "line %d: " % line if line is not None else ""
    try:
        text = str(error)
    except Exception:
        text = ""
    return (where + type(error).__name__ + (": " + text if text else "")).encode("utf-8", "replace")[:1000]


def main():
    channel = take_channel()
    source = channel.receive()[1].decode("utf-8", "replace")
    module = types.ModuleType("program")
    module.__file__ = "program.py"
    sys.modules["program"] = module
    try:
        code = compile(source, "program.py", "exec", dont_inherit=True)
    except SyntaxError as error:
        channel.send(b"S", ("line %s: %s" % (error.lineno, error.msg)).encode("utf-8", "replace")[:1000])
        return
    except (ValueError, RecursionError, MemoryError) as error:
        channel.send(b"S", type(error).__name__.encode())
        return
    try:
        exec(code, module.__dict__)
    except BaseException as error:
        channel.send(b"X", describe(error))
        return
    channel.send(b"L", b"")
    server = Server(channel, module)
    while True:
        server.answer(load(channel.receive()[1]))


main()
