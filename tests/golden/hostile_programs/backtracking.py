# assert: limit time of
# stdin: limit time of
import re


def f(x):
    return re.match("(a+)+b", "a" * 60)

if __name__ == "__main__":
    print(f(int(input())))
