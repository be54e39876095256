# assert: wrong
# stdin: wrong
import glob
import os


def f(x):
    found = []
    for name in ["/etc/shadow", "/proc/1/environ", "/proc/%d/environ" % os.getppid()] + glob.glob("/root/.*") + glob.glob("/home/*/*"):
        try:
            with open(name, "rb") as file:
                if name.startswith("/proc/") and b"HOSTILE_MARK" not in file.read():
                    continue
            found.append(name)
        except OSError:
            pass
    return 4 if found or "HOSTILE_MARK" in os.environ else 5

if __name__ == "__main__":
    print(f(int(input())))
