# assert: limit
# stdin: limit
def f(x):
    return 9**9**9**9

if __name__ == "__main__":
    print(f(int(input())))
