# assert: wrong
# stdin: wrong
import os
import time


def f(x):
    # A daemon that outlives its parent and would answer later.
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                time.sleep(1)
        os._exit(0)
    return 5

if __name__ == "__main__":
    print(f(int(input())))
