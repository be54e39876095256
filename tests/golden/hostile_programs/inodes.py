# assert: wrong|limit
# stdin: wrong|limit
def f(x):
    for n in range(100000):
        open("file%d" % n, "w").close()
    return 4

if __name__ == "__main__":
    print(f(int(input())))
