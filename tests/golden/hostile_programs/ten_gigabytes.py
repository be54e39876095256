# assert: wrong|limit
# stdin: wrong|limit
def f(x):
    return len(bytearray(10 << 30)) and 4

if __name__ == "__main__":
    print(f(int(input())))
