# assert: wrong|limit
# stdin: wrong|limit
import os
import time


def f(x):
    for _ in range(8):
        if os.fork() == 0:
            kept = bytearray(60 << 20)
            for at in range(0, len(kept), 4096):
                kept[at] = 1
            time.sleep(1000)
    time.sleep(1000)

if __name__ == "__main__":
    print(f(int(input())))
