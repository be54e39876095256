# assert: wrong|limit
# stdin: wrong|limit
import os


def f(x):
    for _ in range(2000):
        try:
            if os.fork() == 0:
                os._exit(0)
        except OSError:
            break
    return 5

if __name__ == "__main__":
    print(f(int(input())))
