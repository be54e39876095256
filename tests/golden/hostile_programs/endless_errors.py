# assert: limit output of
# stdin: limit output of
import sys


def f(x):
    while True:
        sys.stderr.write("4\n" * 10000)

if __name__ == "__main__":
    print(f(int(input())))
