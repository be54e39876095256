# assert: limit time of
# stdin: limit time of
import time


def f(x):
    while True:
        time.sleep(1000)

if __name__ == "__main__":
    print(f(int(input())))
