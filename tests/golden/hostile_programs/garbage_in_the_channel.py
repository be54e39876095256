# assert: wrong|limit
import os


def f(x):
    for number in range(64):
        try:
            os.write(number, b"R\x05\x00\x00\x00[1,2]" * 3)
        except OSError:
            pass
    return 5
