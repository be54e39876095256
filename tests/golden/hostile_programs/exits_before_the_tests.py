# assert: wrong
# stdin: wrong
import sys


def f(x):
    return 5


sys.exit(0)

if __name__ == "__main__":
    print(f(int(input())))
