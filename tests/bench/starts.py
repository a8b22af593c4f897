"""Cold start: from the start of a process to its first answer, of each function that waits so.

Each variant starts in every round, one after the other, so that what else the machine does meets
all of them alike; a ratio is the median of those of the rounds. Even so the ratio of wall times
differs from run to run on a shared machine, so the targets compare processor time.
"""

import json
import re
import shutil
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from events.proxy import announcement_event, authorizer_event, options_event, retrieve_event
from local.issuer import Issuer
from tests.bench.figures import shown, spread
from tests.bench.instances import CONTENT_TYPE, SERIES, SOP, STUDY, ct_image
from tests.bench.lambda_runtime import Deployment, Environment
from tests.bench.services import stream_event
from tests.bench.setting import BUILT, Aws, Setting, aws, events, function
from tests.builders import data_set, part10
from tests.markdown import table

Figures = dict[str, Any]

CLIENTS = "boto3's two clients"
STORE, AUTHORIZER = "store", "authorizer"
_IMPORT = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*([\w.]+)")
_SMALL = ct_image(32, 32)
_CLIENTS = """\
import boto3


def handler(event, context):
    boto3.client("s3"), boto3.client("dynamodb")
    return {}
"""
ECHO = "def handler(event, context):\n    return {}\n"
_SCOPE = "stowport.store"
_AUDIENCE = "stowport"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What starts, and the event that it starts for, which must not be refused."""

    deployment: Deployment
    handler: str
    event: bytes

    def measure(self, stand_in: Aws) -> tuple[float, float]:
        """Return the seconds of processor time and of wall time up to the first answer."""
        stand_in.reset()
        started = time.perf_counter()
        with Environment(self.deployment, stand_in.endpoint, handler=self.handler) as environment:
            answer = environment.invoke(self.event)
            elapsed = time.perf_counter() - started
            cpu = time.clock_gettime(_clock(environment.pid))
        assert json.loads(answer).get("statusCode", HTTPStatus.OK) < HTTPStatus.BAD_REQUEST, answer
        return cpu, elapsed


def _clock(pid: int) -> int:
    """Return the clock of a process's processor time, as clock_getcpuclockid does (glibc)."""
    return (~pid << 3) | 2


def measure(setting: Setting) -> Figures:
    """Return the times of each start, and the milliseconds of the store's imports."""
    rounds: dict[str, list[tuple[float, float]]] = {}
    with aws(module="services") as stand_in, _issuer() as issuer:
        starts = _starts(setting, issuer)
        for _ in range(setting.repeats(11)):
            for name, start in starts.items():
                rounds.setdefault(name, []).append(start.measure(stand_in))
        bare = replace(starts[STORE], deployment=_without_bytecode(setting.deployment))
        for _ in range(setting.repeats(3)):
            rounds.setdefault("store without bytecode", []).append(bare.measure(stand_in))
        imports = _imports(setting.deployment, stand_in.endpoint)
    result: Figures = {
        name: {
            "cpu_ms": spread([cpu for cpu, _ in measured], 1000, 0),
            "wall_ms": spread([wall for _, wall in measured], 1000, 0),
        }
        for name, measured in rounds.items()
    }
    for name, measured in rounds.items():
        in_turn = zip(measured, rounds[CLIENTS], strict=False)
        ratios = [own / of_clients for (own, _), (of_clients, _) in in_turn]
        result[name]["over_clients"] = round(statistics.median(ratios), 2)
    return {"starts": result, "imports_ms": imports}


@contextmanager
def _issuer() -> Iterator[Issuer]:
    issuer = Issuer.start(BUILT / "issuer", audience=_AUDIENCE, scope=_SCOPE)
    try:
        yield issuer
    finally:
        issuer.stop()


def _starts(setting: Setting, issuer: Issuer) -> dict[str, Start]:
    deployment = setting.deployment

    def start(name: str, event: object, **environment: str) -> Start:
        started = replace(deployment, environment=environment)
        handler = f"{name}.handler.lambda_handler"
        return Start(deployment=started, handler=handler, event=json.dumps(event).encode())

    def of(name: str, source: str) -> Start:
        task = function(name, source)
        started = replace(deployment, task=task)
        return Start(deployment=started, handler="function.handler", event=b"{}")

    store = Start(
        deployment=deployment,
        handler="store.handler.lambda_handler",
        event=next(events(_SMALL, 1)),
    )
    return {
        "runtime client alone": of("echo", ECHO),
        CLIENTS: of("clients", _CLIENTS),
        STORE: store,
        "store, implicit VR with a sequence": replace(store, event=next(events(_implicit_vr(), 1))),
        AUTHORIZER: Start(
            deployment=replace(setting.authorizer, environment=_of_authorizer(issuer)),
            handler="authorizer.handler.lambda_handler",
            event=json.dumps(
                authorizer_event({"Authorization": f"Bearer {issuer.mint()}"})
            ).encode(),
        ),
        "capabilities": start("capabilities", options_event("/studies")),
        "uploads": start(
            "uploads",
            announcement_event({"contentType": CONTENT_TYPE, "size": 100_000_000}),
            UPLOAD_TABLE="bench-uploads",
            INGEST_STORAGE="10240",
            UPLOAD_SECONDS="3600",
            MAX_PENDING_UPLOADS="100",
        ),
        "retrieve": start(
            "retrieve",
            retrieve_event(STUDY, SERIES, SOP, headers={"Accept": "application/dicom"}),
            AUDIT_TRAIL="",
            AUDIT_SOURCE="bench",
        ),
        "notify": start(
            "notify",
            stream_event(),
            EVENT_BUS="default",
            EVENT_ATTRIBUTES="",
            STUDY_QUIET_SECONDS="0",
            QUIET_QUEUE="",
            UNTOLD_QUEUE="",
        ),
    }


def _of_authorizer(issuer: Issuer) -> dict[str, str]:
    return {
        "AUTHENTICATION": "oidc",
        "OIDC_ISSUER": issuer.url,
        "OIDC_AUDIENCE": _AUDIENCE,
        "REQUIRED_SCOPE": _SCOPE,
        "READ_SCOPE": "",
    }


def _implicit_vr() -> bytes:
    """Return an instance that is read with the data dictionary, which is imported for it."""
    code = Dataset()
    code.CodeValue = "1"
    return part10(data_set(ProcedureCodeSequence=[code]), ImplicitVRLittleEndian)


def _without_bytecode(deployment: Deployment) -> Deployment:
    bare = BUILT / "uncompiled"
    shutil.rmtree(bare, ignore_errors=True)
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(deployment.layer, bare / "layer", ignore=without)
    shutil.copytree(deployment.task, bare / "function", ignore=without)
    environment = {"PYTHONDONTWRITEBYTECODE": "1"}
    layer, task = bare / "layer", bare / "function"
    return replace(deployment, layer=layer, task=task, environment=environment)


def _imports(deployment: Deployment, endpoint: str) -> dict[str, float]:
    """Return the milliseconds that the modules of each package take, and the rest's together."""
    done = subprocess.run(
        [deployment.python, "-P", "-X", "importtime", "-c", "import store.handler"],
        env=deployment.variables(endpoint),
        capture_output=True,
        text=True,
        check=True,
    )
    packages: Counter[str] = Counter()
    for microseconds, module in _IMPORT.findall(done.stderr):
        package = module.partition(".")[0]
        third_party = (deployment.layer / package).is_dir() or (deployment.task / package).is_dir()
        packages[package if third_party else "standard library"] += int(microseconds)
    return {name: round(count / 1000, 1) for name, count in packages.most_common(12)}


def report(figures: Figures) -> str:
    rows = [
        (name, shown(each["cpu_ms"]), shown(each["wall_ms"]), each["over_clients"])
        for name, each in figures["starts"].items()
    ]
    imports = sorted(figures["imports_ms"].items(), key=lambda each: -each[1])
    head = ("first answer of", "CPU", "wall", f"CPU over {CLIENTS}")
    return f"""
## Cold start

From the start of the process to its first answer (ms). They start in turns; the ratio is the median
of those of the turns. The authorizer gets the keys of an issuer on the same machine.

{table(head, rows)}
`-X importtime` of the store's handler, by package (ms). The option makes imports slower.

{table(("package", "ms"), imports)}"""
