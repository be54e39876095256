# assert: limit time of
# stdin: limit time of
import signal

for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass


def f(x):
    while True:
        signal.pause()

if __name__ == "__main__":
    print(f(int(input())))
