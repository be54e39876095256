# assert: wrong|limit
import os


def f(x):
    while True:
        for number in range(3, 64):
            try:
                os.write(number, b"R\x00\x00\x80\x00" + b" " * (8 << 20))
            except OSError:
                pass
