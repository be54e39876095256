# assert: wrong closed the channel
# stdin: limit wall time
import os
import time

os.closerange(0, 1024)
time.sleep(60)
