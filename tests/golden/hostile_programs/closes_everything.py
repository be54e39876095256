# assert: wrong
# stdin: wrong
import os


def f(x):
    os.closerange(0, 1024)
    return 5

if __name__ == "__main__":
    print(f(int(input())))
