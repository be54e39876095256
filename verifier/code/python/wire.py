# The language between the tester and the candidate (docs/verifier.md, "code"): frames of JSON, plain data by value, everything else by
# number. It stands before both programs. No pickle: what is read can name no class and run no code.
import builtins
import collections
import json
import math
import os
import struct
import sys

MAX_FRAME = 8 << 20  # bytes
MAX_DEPTH = 100  # containers inside containers
MAX_NODES = 1_000_000  # values in one message
FACTORIES = {"int": int, "list": list, "set": set, "str": str, "float": float, "dict": dict, "tuple": tuple, "bool": bool}


class WireError(Exception):
    """What was sent, or is to be sent, is not of the language."""


class Channel:
    """Frames over two descriptors: kind (one byte), length (four bytes, little endian), content."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink

    def send(self, kind, content):
        data = kind + struct.pack("<I", len(content)) + content
        view = memoryview(data)
        while view:
            view = view[os.write(self.sink, view) :]

    def receive(self):
        kind_and_length = self._exactly(5)
        (length,) = struct.unpack("<I", kind_and_length[1:])
        if length > MAX_FRAME:
            raise WireError("a message of more than %d bytes" % MAX_FRAME)
        return kind_and_length[:1], self._exactly(length)

    def _exactly(self, count):
        parts = []
        while count:
            part = os.read(self.source, min(count, 1 << 20))
            if not part:
                os._exit(0)  # the other side is gone: nobody waits for this program any longer
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def take_channel():
    """Standard input and output become the channel; what the program reads is empty, what it prints goes to standard error."""
    source, sink = os.dup(0), os.dup(1)
    empty, other_end = os.pipe()
    os.close(other_end)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    return Channel(source, sink)


def dump(message):
    data = json.dumps(message, separators=(",", ":"), check_circular=False).encode("ascii")
    if len(data) > MAX_FRAME:
        raise WireError("a message of more than %d bytes" % MAX_FRAME)
    return data


def load(data):
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WireError("no message: %s" % type(error).__name__) from None


class Encoder:
    """Values to messages. Mutable containers are numbered in the order in which they are met, on both sides alike, so that one that
    comes again, or comes back changed, is the same one. `opaque(value, encoder, depth)` gives what stands for anything else."""

    def __init__(self, opaque, shared=None):
        self.opaque = opaque
        self.shared = [] if shared is None else shared
        self.number = {id(value): n for n, value in enumerate(self.shared)}
        self.nodes = 0

    def encode(self, value, depth=0):
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise WireError("more than %d values in one message" % MAX_NODES)
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return value if -(1 << 53) < value < 1 << 53 else ["i", hex(value)]
        if kind is float:
            return value if math.isfinite(value) else ["f", repr(value)]
        if depth > MAX_DEPTH:
            raise WireError("more than %d levels of containers" % MAX_DEPTH)
        if kind is tuple:
            return ["t", [self.encode(item, depth + 1) for item in value]]
        if kind in MUTABLE:
            if id(value) in self.number:
                return ["k", self.number[id(value)]]
            self.number[id(value)] = len(self.shared)
            self.shared.append(value)
            return self.content(value, depth)
        if kind is frozenset:
            return ["z", [self.encode(item, depth + 1) for item in value]]
        if kind is bytes:
            return ["b", value.hex()]
        if kind is complex:
            return ["c", [self.encode(value.real), self.encode(value.imag)]]
        if kind is range:
            return ["r", [self.encode(value.start), self.encode(value.stop), self.encode(value.step)]]
        if kind is type(...):
            return ["e"]
        known = exact_class(kind)
        if known == "fractions.Fraction":
            return ["F", [self.encode(value.numerator), self.encode(value.denominator)]]
        if known == "decimal.Decimal":
            return ["M", str(value)]
        if known in ("datetime.date", "datetime.datetime", "datetime.time") and getattr(value, "tzinfo", None) is None:
            return ["T", known[9:], value.isoformat()]
        if known == "datetime.timedelta":
            return ["D", [value.days, value.seconds, value.microseconds]]
        return self.opaque(value, self, depth)

    def content(self, value, depth=0):
        """A mutable container with what is in it."""
        kind = type(value)
        if kind is bytearray:
            return ["B", bytes(value).hex()]
        if kind is list:
            return ["l", [self.encode(item, depth + 1) for item in value]]
        if kind is set:
            return ["s", [self.encode(item, depth + 1) for item in value]]
        if kind is collections.deque:
            return ["q", [self.encode(item, depth + 1) for item in value], value.maxlen]
        pairs = [[self.encode(key, depth + 1), self.encode(item, depth + 1)] for key, item in value.items()]
        if kind is collections.defaultdict:
            factory = value.default_factory
            name = getattr(factory, "__name__", None)
            return ["dd", pairs, name if FACTORIES.get(name) is factory else None]
        return [{dict: "d", collections.Counter: "dc", collections.OrderedDict: "do"}[kind], pairs]


MUTABLE = (list, dict, set, bytearray, collections.deque, collections.Counter, collections.defaultdict, collections.OrderedDict)
IMPORTED = {"fractions": ("Fraction",), "decimal": ("Decimal",), "datetime": ("date", "datetime", "time", "timedelta")}


def exact_class(kind):
    """module.name of a class of IMPORTED, when it is that very class; else ''."""
    for module, names in IMPORTED.items():
        if module in sys.modules and kind.__name__ in names and getattr(sys.modules[module], kind.__name__, None) is kind:
            return module + "." + kind.__name__
    return ""


class Decoder:
    """Messages to values, strictly. `opaque(message, decoder, depth)` reads what Encoder's opaque wrote."""

    def __init__(self, opaque, shared=None):
        self.opaque = opaque
        self.shared = [] if shared is None else shared
        self.nodes = 0

    def decode(self, message, depth=0):
        try:
            return self._decode(message, depth)
        except WireError:
            raise
        except Exception as error:  # hostile: a list as a key, a digit that is none, an index past the end, …
            raise WireError("no value: %s" % type(error).__name__) from None

    def _decode(self, message, depth):
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise WireError("more than %d values in one message" % MAX_NODES)
        kind = type(message)
        if message is None or kind in (bool, str, int, float):
            return message
        if kind is not list or not message or depth > MAX_DEPTH + 1:
            raise WireError("no value")
        tag = message[0]
        if tag in NEW:
            value = NEW[tag](*message[2:])
            self.shared.append(value)
            self.fill(value, tag, message[1], depth)
            return value
        if tag == "k":
            return self.shared[whole(message[1], len(self.shared))]
        if tag == "t":
            return tuple([self._decode(item, depth + 1) for item in message[1]])
        if tag == "z":
            return frozenset([self._decode(item, depth + 1) for item in message[1]])
        if tag == "i":
            return int(message[1], 16)
        if tag == "f":
            return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[message[1]]
        if tag == "b":
            return bytes.fromhex(message[1])
        if tag == "c":
            return complex(*[float(self._decode(part, depth)) for part in message[1]])
        if tag == "r":
            return range(*[self._decode(part, depth) for part in message[1]])
        if tag == "e":
            return ...
        if tag == "F":
            from fractions import Fraction

            return Fraction(*[self._decode(part, depth) for part in message[1]])
        if tag == "M":
            from decimal import Decimal

            return Decimal(message[1])
        if tag == "T":
            import datetime

            return {"date": datetime.date, "datetime": datetime.datetime, "time": datetime.time}[message[1]].fromisoformat(message[2])
        if tag == "D":
            import datetime

            return datetime.timedelta(*[whole(part) for part in message[1]])
        return self.opaque(message, self, depth)

    def fill(self, value, tag, items, depth=0):
        """Puts `items` into an empty container."""
        if tag == "B":
            value.extend(bytes.fromhex(items))
        elif tag in ("l", "q"):
            value.extend([self._decode(item, depth + 1) for item in items])
        elif tag == "s":
            value.update([self._decode(item, depth + 1) for item in items])
        else:
            for key, item in items:
                value[self._decode(key, depth + 1)] = self._decode(item, depth + 1)

    def update(self, value, message):
        """Makes the content of a container that both sides know what the other side now has."""
        try:
            if message[0] not in NEW:
                raise WireError("no container")
            value.clear()
            self.fill(value, message[0], message[1])
        except WireError:
            raise
        except Exception as error:
            raise WireError("no value: %s" % type(error).__name__) from None


def new_deque(maxlen):
    return collections.deque(maxlen=None if maxlen is None else whole(maxlen))


def new_defaultdict(name):
    return collections.defaultdict(None if name is None else FACTORIES[name])


NEW = {
    "l": list,
    "d": dict,
    "s": set,
    "B": bytearray,
    "q": new_deque,
    "dc": collections.Counter,
    "dd": new_defaultdict,
    "do": collections.OrderedDict,
}


def whole(value, below=1 << 62):
    if type(value) is not int or not -below < value < below or (below < 1 << 62 and value < 0):
        raise WireError("no number")
    return value


def builtin_class(value):
    """The name of a class of Python itself, or ''."""
    return value.__name__ if isinstance(value, type) and getattr(builtins, value.__name__, None) is value else ""


def builtin_function(value):
    return type(value) is type(len) and getattr(builtins, value.__name__, None) is value


def class_of_name(name):
    value = getattr(builtins, name, None) if type(name) is str else None
    if not isinstance(value, type) or name.startswith("_"):  # __loader__ is a class, too
        raise WireError("no class")
    return value
