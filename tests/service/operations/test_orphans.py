"""No process that serves outlives the one that began it: it would hold the port, and nobody would look after it."""

import signal
import subprocess
import sys
from pathlib import Path

BEGINNING = """
import multiprocessing, time
from service.stopping import end_with_parent

def serve(told):
    end_with_parent()
    told.send("serving")
    time.sleep(60)
    print("ended by itself")

if __name__ == "__main__":
    spawn = multiprocessing.get_context("spawn")
    heard, told = spawn.Pipe(duplex=False)
    process = spawn.Process(target=serve, args=(told,))
    process.start()
    print(heard.recv(), flush=True)
    process.join()
"""


def test_a_process_ends_with_the_one_that_began_it_even_where_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "beginning.py"
    script.write_text(BEGINNING)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as beginner:
        assert beginner.stdout is not None
        assert beginner.stdout.readline() == b"serving\n"
        beginner.send_signal(signal.SIGKILL)
        # It stays open for as long as the other runs.
        assert beginner.stdout.read() == b""
