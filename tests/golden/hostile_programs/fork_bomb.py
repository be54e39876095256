# assert: limit
# stdin: limit
import os


def f(x):
    while True:
        try:
            os.fork()
        except OSError:
            pass

if __name__ == "__main__":
    print(f(int(input())))
