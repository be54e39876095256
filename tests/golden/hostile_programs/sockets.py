# assert: wrong
# stdin: wrong
import socket


def f(x):
    made = 0
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            try:
                with socket.socket(family, kind) as s:
                    s.settimeout(0.2)
                    if family == socket.AF_INET:
                        s.connect(("127.0.0.1", 1))
                    made += 1
            except OSError as error:
                made += error.errno == 111  # refused: there was somebody to ask
    return 4 if made else 5

if __name__ == "__main__":
    print(f(int(input())))
