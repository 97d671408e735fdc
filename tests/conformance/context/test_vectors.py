"""All recorded cases of context resolution, each in a fresh process."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
VECTORS = json.loads((HERE / "vectors.json").read_text(encoding="utf-8"))["vectors"]
NEW = "NEW"

# What a case's error has to be, in the words of the recording.
FAMILIES = {
    "client": {"ContextError"},
    "schema": {"ContextError"},
    "context": {"ContextError"},
    "config": {"ContextError"},
    "cache": {"CacheError"},
    "auth": {"AuthenticationError"},
    "type": {"ContextError", "TypeError"},
    "raw": {"TypeError"},
    "api": {"ServerError"},
}
# Every run has a directory that outlives a reboot: the first deliberate difference.
LOST_AT_REBOOT = re.compile(r"^/tmp/plx/(?:artifacts|offline/runs)/")
SOURCES = {
    "explicit": {"argument", "client", "trainer config", "in-cluster", "run directory"},
    "local cache": {"local cache"},
    "global cache": {"global cache"},
    "default": {"default"},
}


def read_deviations() -> dict[str, dict[str, Any]]:
    """The table of deviations.md: what is expected instead, by case."""
    found = {}
    for line in (HERE / "deviations.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0].rpartition("-")[2].isdigit():
            found[cells[0]] = json.loads(cells[1].strip("`"))
    return found


DEVIATIONS = read_deviations()


@pytest.fixture(scope="session")
def host() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(HERE / "vector_host.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.stdin.close()


class Case:
    """A recorded case in a directory of its own, with its placeholders filled in."""

    def __init__(self, vector: dict[str, Any], root: Path) -> None:
        self.vector = vector
        self.root = root
        self.places = {
            "{HOME}": root / vector.get("home_name", "home"),
            "{CWD}": root / "cwd",
            "{CTX}": root / "ctx",
            "{TMP}": root / "tmp",
            "{ALT}": root / "alt",
            "{OTHER}": root / "other",
        }
        files = ("home", "cwd", "mount", "tmp", "alt", "other")
        for (mark, place), name in zip(self.places.items(), files, strict=True):
            if mark == "{HOME}" and vector.get("home_missing"):
                continue
            place.mkdir(parents=True)
            for path, content in (vector.get(f"{name}_files") or {}).items():
                self._write(place / path, content)

    def _write(self, path: Path, content: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = content if isinstance(content, dict) else {}
        if "__dir__" in kind:
            path.mkdir()
        elif "__hex__" in kind:
            path.write_bytes(bytes.fromhex(kind["__hex__"]))
        elif "__raw__" in kind:
            path.write_text(self.filled(kind["__raw__"]), encoding="utf-8")
        else:
            path.write_text(json.dumps(self.filled(content)), encoding="utf-8")

    def filled(self, value: Any) -> Any:
        """Placeholders become places, and the roots of the machine become ours."""
        if isinstance(value, dict):
            return {key: self.filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if not isinstance(value, str):
            return value
        for mark, place in self.places.items():
            value = value.replace(mark, str(place))
        return re.sub(r"^/(data|ctx)(?=/|$)", rf"{self.root}/machine/\1", value)

    def emptied(self, value: Any) -> Any:
        """The way back, for paths that are compared."""
        if not isinstance(value, str):
            return value
        value = value.replace(f"{self.root}/machine", "")
        value = value.replace(f"{self.working_directory}/axonlog_data", "{CWD}/axonlog_data")
        for mark, place in self.places.items():
            value = value.replace(str(place), mark)
        return value

    @property
    def working_directory(self) -> str:
        """Where the call is made."""
        return str(self.filled(self.vector["call"].get("late_cwd", "{CWD}")))

    def request(self) -> dict[str, Any]:
        env = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.places["{HOME}"]),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            **self.filled(self.vector["env"]),
        }
        return {
            "env": env,
            "cwd": str(self.places["{CWD}"]),
            "call": self.filled(self.vector["call"]),
            "server": self.vector.get("server") or {},
            "shared_root": str(self.places["{TMP}"]),
            "context_root": f"{self.root}/machine/plx-context",
        }

    def files(self) -> dict[str, bytes]:
        """Every file outside of the directories of runs."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and not self._is_of_a_run(path)
        }

    def _is_of_a_run(self, path: Path) -> bool:
        parts = path.relative_to(self.root).parts
        return "axonlog_data" in parts or parts[0] in ("machine", "ctx") or parts[1] == "out"


def run(case: Case, host: subprocess.Popen[str]) -> dict[str, Any]:
    host.stdin.write(json.dumps(case.request()) + "\n")
    host.stdin.flush()
    told = json.loads(host.stdout.readline())
    assert "broken" not in told, told
    assert "died" not in told, told
    return told


def expected(vector: dict[str, Any]) -> dict[str, Any]:
    """What the recording, its improvement and our deviations say, in this order."""
    wanted = dict(vector["expect"])
    if vector["quirk"]:
        better = vector["better_expect"]
        keeps_result = "warning_contains" in better
        wanted = {**wanted, **better} if keeps_result else dict(better)
    if vector["id"] in DEVIATIONS:
        deviation = DEVIATIONS[vector["id"]]
        if "error" in wanted and "error" not in deviation:
            wanted = {}
        wanted = {**wanted, **deviation}
    return wanted


def words(vector: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    contained = wanted.get("message_contains")
    listed = contained if isinstance(contained, list) else []
    return [*listed, *vector.get("mentions", ())]


def observed(case: Case, told: dict[str, Any]) -> dict[str, Any]:
    """What happened, under the names and with the placeholders of the recording."""
    sent = told["requests"][0] if told["requests"] else None
    creates = [r for r in told["requests"] if r["path"].endswith("/runs/sync")]
    uuid = told["run_uuid"]
    is_minted = uuid is not None and told["sources"]["run_uuid"][0] == "generated"

    def shown(path: Any) -> Any:
        path = case.emptied(path)
        return path.replace(uuid, "{RUN_UUID}") if is_minted and path else path

    header, service = told["header"]
    return {
        **{name: told[name] for name in ("owner", "team", "project", "no_op")},
        "api_host": told["host"],
        "token": told["token"],
        "sent_auth_header": sent and sent["authorization"],
        "run_uuid": NEW if is_minted else uuid,
        "created": bool(creates),
        "is_managed": told["is_managed"],
        "is_offline": told["is_offline"],
        "artifacts_path": shown(told["artifacts_path"]),
        "outputs_path": shown(told["outputs_path"]),
        "store_path": shown(told["store_path"]),
        "timeout": told["timeout"],
        "request_timeout": told["request_timeout"],
        "collect_artifacts": told["collect_artifacts"],
        "collect_resources": told["collect_resources"],
        "sidecar": told["has_process_sidecar"],
        "cert_reqs": "CERT_REQUIRED" if told["verify_ssl"] else "CERT_NONE",
        "service_header": {header: service} if header and service else {},
        "create_url": creates[0]["url"].removesuffix("/sync") if creates else None,
        "create_body": creates[0]["body"] if creates else None,
        "notices": [
            [level, case.emptied(text)]
            for level, text in told["log"]
            if level == "INFO" and text.startswith("Using cached")
        ],
    }


# Every token of the cases that is unlike any other word.
SECRETS = ("env-tok", "home-tok", "tmp-tok", "mount-tok", "arg-tok", "conf-tok", "alt-tok", "tök")
COMPARED = (
    "api_host",
    "token",
    "owner",
    "team",
    "project",
    "run_uuid",
    "created",
    "is_managed",
    "is_offline",
    "no_op",
    "artifacts_path",
    "outputs_path",
    "store_path",
    "timeout",
    "request_timeout",
    "service_header",
    "create_url",
)


def differences(vector: dict[str, Any], wanted: dict[str, Any], seen: dict[str, Any]) -> list[str]:
    names = [name for name in COMPARED if name in wanted]
    if vector["group"] == "collect":
        names += [name for name in ("collect_artifacts", "collect_resources") if name in wanted]
    if seen["sent_auth_header"] is not None or vector["id"].startswith("token"):
        names += [name for name in ("sent_auth_header",) if name in wanted]
    # Unset means verified: the third deliberate difference.
    if wanted.get("cert_reqs") == "CERT_REQUIRED" or wanted.get("verify_ssl") is False:
        names.append("cert_reqs")
    if "sidecar" in (vector.get("better_expect") or {}):
        names.append("sidecar")
    found = []
    for name in names:
        want = wanted[name]
        if name in ("artifacts_path", "outputs_path", "store_path"):
            want = LOST_AT_REBOOT.sub("{CWD}/axonlog_data/runs/", want)
        if name == "token":
            want = want or None
        if want != seen[name]:
            found.append(f"{name}: expected {want!r}, got {seen[name]!r}")
    for name, want in (wanted.get("create_body") or {}).items():
        if name in ("name", "description", "tags") and seen["create_body"].get(name) != want:
            found.append(f"create_body.{name}: {want!r} != {seen['create_body'].get(name)!r}")
    if "notices" in wanted and seen["notices"] != wanted["notices"]:
        found.append(f"notices: expected {wanted['notices']}, got {seen['notices']}")
    return found


def source_differences(case: Case, wanted: dict[str, Any], told: dict[str, Any]) -> Iterator[str]:
    for ours, theirs in (("owner", "owner"), ("project", "project"), ("run_uuid", "run")):
        recorded = wanted.get(f"{theirs}_source")
        if recorded is None:
            continue
        kind, path = recorded
        source, our_path = told["sources"][ours]
        is_ours = source == "run directory"
        if source not in SOURCES[kind] or (case.emptied(our_path) != path and not is_ours):
            yield f"{ours} from {source} {case.emptied(our_path)}, expected {kind} {path}"


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_the_context_is_as_recorded_or_better(
    vector: dict[str, Any], host: subprocess.Popen[str], tmp_path: Path
) -> None:
    case = Case(vector, tmp_path)
    before = case.files()
    told = run(case, host)
    wanted = expected(vector)

    assert told["sockets"] == 0
    assert case.files() == before
    texts = [*told.get("texts", ()), json.dumps([told["log"], told.get("error")])]
    assert [word for word in SECRETS if any(word in text for text in texts)] == []
    if "error" in wanted:
        assert "error" in told, f"no error, but {told.get('texts', [''])[1:2]}"
        assert FAMILIES[wanted["error"]] <= set(told["error"]["families"]), told["error"]
        for word in words(vector, wanted):
            assert word in told["error"]["message"]
        if wanted["error"] != "api" and "get_run" not in (vector.get("server") or {}):
            assert told["requests"] == []
        return
    assert "error" not in told, told["error"]
    if wanted.get("no_op"):
        assert told["no_op"] is True
        assert told["requests"] == []
        assert told["attributes"] == {"run_uuid": None, "owner": None, "project": None}
        return
    seen = observed(case, told)
    problems = [*differences(vector, wanted, seen), *source_differences(case, wanted, told)]
    assert problems == []
    if told["is_offline"]:
        assert told["requests"] == []
    warned = [text for level, text in told["log"] if level == "WARNING"]
    if "warning_contains" in wanted:
        assert any(wanted["warning_contains"] in text for text in warned), warned
    elif not vector["quirk"]:
        assert told["warnings"] == []


def test_every_deviation_names_a_case() -> None:
    assert set(DEVIATIONS) <= {vector["id"] for vector in VECTORS}
