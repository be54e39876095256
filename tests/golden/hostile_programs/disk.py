# assert: wrong|limit
# stdin: wrong|limit
def f(x):
    with open("big", "wb") as file:
        for _ in range(1000):
            file.write(b"x" * (1 << 20))
            file.flush()
    return 4

if __name__ == "__main__":
    print(f(int(input())))
