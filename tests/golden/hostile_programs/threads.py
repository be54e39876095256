# assert: limit
# stdin: limit
import threading
import time


def f(x):
    while True:
        try:
            threading.Thread(target=time.sleep, args=(1000,)).start()
        except RuntimeError:
            pass

if __name__ == "__main__":
    print(f(int(input())))
