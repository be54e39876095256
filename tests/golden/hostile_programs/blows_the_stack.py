# assert: wrong|limit
# stdin: wrong|limit
import sys

sys.setrecursionlimit(1 << 30)


def f(x):
    return [f(x + 1)]

if __name__ == "__main__":
    print(f(int(input())))
