# assert: limit time of
# stdin: limit time of
def f(x):
    while True:
        pass

if __name__ == "__main__":
    print(f(int(input())))
