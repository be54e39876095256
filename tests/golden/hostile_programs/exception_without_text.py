# assert: wrong KeyError
# stdin: wrong
class Silent:
    def __repr__(self):
        return 4


def f(x):
    raise KeyError([Silent()], 10**5000)

if __name__ == "__main__":
    f(int(input()))
