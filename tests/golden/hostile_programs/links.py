# assert: wrong
# stdin: wrong
import os


def f(x):
    got = 0
    for target in ("/etc/shadow", "/proc/self/root/etc/shadow", "/proc/1/root/etc/shadow", "/root"):
        try:
            os.symlink(target, "link")
            if os.path.isdir("link"):
                got += len(os.listdir("link"))
            else:
                got += len(open("link").read())
        except OSError:
            pass
        try:
            os.unlink("link")
        except OSError:
            pass
    for target in ("/etc/passwd", "/usr/bin/python3"):
        try:
            os.link(target, "hard")
            os.chmod("hard", 0o666)
            got += 1
        except OSError:
            pass
    return 4 if got else 5

if __name__ == "__main__":
    print(f(int(input())))
