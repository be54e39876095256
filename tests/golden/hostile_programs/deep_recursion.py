# assert: wrong
# stdin: wrong
def f(x):
    return f(x + 1)

if __name__ == "__main__":
    print(f(int(input())))
