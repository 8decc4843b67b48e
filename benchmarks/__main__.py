"""Run every benchmark, one after the other: `make bench`, or `python -m benchmarks [--json]`."""

import subprocess
import sys

BENCHMARKS = (
    "append",
    "commands",
    "import_bpic",
    "derivation",
    "answers",
    "simulate",
    "check",
    "service",
    "trend",
    "archive",
    "rebuild",
    "preview",
    "serving",
)


def main() -> None:
    failed = []
    for name in BENCHMARKS:
        print(f"\n== {name}", file=sys.stderr, flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *sys.argv[1:]], check=False).returncode:
            failed.append(name)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
