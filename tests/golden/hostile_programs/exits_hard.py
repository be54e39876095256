# assert: wrong
# stdin: wrong
import os

os._exit(0)


def f(x):
    return 5

if __name__ == "__main__":
    print(f(int(input())))
