"""The service over the sample, held against its OpenAPI document by schemathesis: `make contract` runs it whole."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.log import schema
from engine.log.application import Log
from service.sample import load_sample
from tests.service.http.server import Service, serving

HERE = Path(__file__).parent
PHASES = ("examples", "coverage", "fuzzing", "stateful")


@dataclass(frozen=True)
class Held:
    passed: bool
    requests: int
    """that were generated"""
    said: str


def hold(service: Service, phases: Sequence[str], examples: int, seed: int) -> Held:
    """All checks over these phases. examples: of every operation in fuzzing, and of walks along the links."""
    program = str(Path(sys.executable).with_name("schemathesis"))
    # Made when first asked for, which a busy machine may take longer for than schemathesis waits.
    service.client("admin").get("/openapi.json").done()
    command = [program, "--config-file", str(HERE / "contract.toml"), "run"]
    command += [f"http://127.0.0.1:{service.port}/openapi.json", "--checks", "all", "--phases", ",".join(phases)]
    command += ["--max-examples", str(examples), "--seed", str(seed), "--no-color", "--warnings", "off"]
    # A stream does not end: test_stream.py has it.
    command += ["--exclude-operation-id", "stream_events"]
    command += ["-H", f"Authorization: Bearer {service.client('admin').key}"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.service.http.contract_hooks"}
    with tempfile.TemporaryDirectory() as folder:
        # It may leave a cache where it runs.
        environment["PYTHONPATH"] = str(HERE.parents[2])
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    count = re.search(r"([\d,]+) generated", done.stdout)
    requests = int(count[1].replace(",", "")) if count else 0
    return Held(done.returncode == 0, requests, done.stdout + done.stderr)


def main() -> int:
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/sample.db"
        schema.init(url)
        log = Log(url)
        load_sample(log, datetime.now(UTC))
        log.close()
        with serving(url) as service:
            held = hold(service, PHASES, examples, seed=1)
            print(held.said)
    return 0 if held.passed else 1


if __name__ == "__main__":
    sys.exit(main())
