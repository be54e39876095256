# assert: wrong|limit
# stdin: wrong|limit
def f(x):
    kept = []
    while True:
        kept.append(b"x" * (1 << 20))

if __name__ == "__main__":
    print(f(int(input())))
