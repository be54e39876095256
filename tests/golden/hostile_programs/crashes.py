# assert: wrong
# stdin: wrong
import os
import signal


def f(x):
    os.kill(os.getpid(), signal.SIGSEGV)

if __name__ == "__main__":
    print(f(int(input())))
