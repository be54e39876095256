# assert: wrong
# stdin: wrong
import os


def f(x):
    written = []
    for folder in ["/", "/etc", "/usr", "/usr/bin", "/usr/lib", "/root", "/home", "/var/tmp", "/dev/shm", "/tmp/entrain-hostile", "..", "../.."]:
        try:
            name = os.path.join(folder, "entrain-hostile-file")
            with open(name, "w") as file:
                file.write("x")
            # A folder of its own, which goes with it, is no breach; the test looks from outside.
            written.append(name)
        except OSError:
            pass
    return 5

if __name__ == "__main__":
    print(f(int(input())))
