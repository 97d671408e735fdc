"""The options of a run and the settings of a client, each declared once.

A row says what an option means, how its value is read, which sources are asked in which order, and
what holds when none of them answers. The resolver, the precedence, the trainer config's keys, the
signatures, the docstrings, the command line and the README's table are all read from the rows.
To add an option, add a row here and a field to `Context`.
"""

# The rows are read at run time: `from __future__ import annotations` would turn them into text.

import functools
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Annotated, Any, TypedDict, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from axonlog.context import _values as values
from axonlog.context._origin import Origin, SourceId
from axonlog.errors import ArgumentTypeError

Reader = Callable[[object, Origin], object]

# What somebody wrote for this very run.
EXPLICIT: tuple[SourceId, ...] = ("argument", "trainer", "client")
_CALL: tuple[SourceId, ...] = ("argument", "trainer")
_CLIENT_FILES: tuple[SourceId, ...] = ("client_file", "shared_client_file")
_AMBIENT: tuple[SourceId, ...] = ("environment", *_CLIENT_FILES)
_CLIENT: tuple[SourceId, ...] = ("client", *_AMBIENT)

RUN_INSTANCE = "POLYAXON_RUN_INSTANCE"
TOKEN_VARIABLE = "POLYAXON_AUTH_TOKEN"  # noqa: S105 - a variable's name, not a token


@dataclass(frozen=True)
class Option:
    """One row.

    Attributes:
        help: One sentence for the reader of a signature, of ``--help`` and of the docs.
        read: Checks and converts what a source says; None is "says nothing".
        sources: Who is asked, in this order. Empty for an argument that is a source itself.
        default: What holds when no source answers.
        variable: The environment variable; in a `.client` file the key of this name wins.
        shows_default: Signatures show ``default``, as the original's do, instead of None.
        is_keyword: Not one of the original's positional arguments.
        at_top: The key counts at the top of a trainer's config too, where other keys are the user's
            own; otherwise only in a section of ours.
        missing: What the option would switch, as long as that is not built.
    """

    help: str
    read: Reader = values.text
    sources: tuple[SourceId, ...] = _CALL
    default: object = None
    variable: str | None = None
    shows_default: bool = False
    is_keyword: bool = False
    at_top: bool = True
    missing: str | None = None


# These two may be said by a client as well as by a call.
_IsOffline = Annotated[
    bool | None,
    Option(
        "True: no server is asked; ``axonlog sync`` delivers the run later.",
        values.flag,
        (*_CALL, *_CLIENT),
        default=False,
        variable="POLYAXON_IS_OFFLINE",
    ),
]
_NoOp = Annotated[
    bool | None,
    Option(
        "True: track nothing at all.",
        values.flag,
        (*_CALL, *_CLIENT),
        default=False,
        variable="POLYAXON_NO_OP",
        is_keyword=True,
        at_top=False,
    ),
]


class RunOptions(TypedDict, total=False):
    """What a call may say about a run, in the order of the original's positional arguments.

    An option that is left out, or None, leaves the decision to the other sources.
    """

    owner: Annotated[
        str | None,
        Option(
            "The user or organization, or ``owner/team``.",
            # Of a project that nobody named. The owner goes with the project: among the caches,
            # only the one that names the project is asked, and then the user's login.
            sources=(
                "document",
                *EXPLICIT,
                "instance",
                "local_project",
                "global_project",
                "user",
            ),
        ),
    ]
    project: Annotated[
        str | None,
        Option(
            "``project``, ``owner/project`` or ``owner/team/project``.",
            # A run that is on disk has its project; in a managed run what the image holds is stale.
            sources=("document", *EXPLICIT, "instance", "local_project", "global_project"),
        ),
    ]
    run_uuid: Annotated[
        str | None,
        Option(
            "The run to resume; 32 hexadecimal digits, hyphens are ignored.",
            values.uuid,
            # A run in a directory that the caller gave is continued there.
            (*EXPLICIT, "document", "instance", "local_run", "global_run"),
        ),
    ]
    client: Annotated[
        Any,  # known by its shape: the clients are a layer above
        Option(
            "A `PolyaxonClient` or a `RunClient`; what it leaves out is resolved as usual.",
            sources=(),
        ),
    ]
    track_code: Annotated[
        bool | None,
        Option("Whether to record the git commit.", values.flag, default=True, shows_default=True),
    ]
    track_env: Annotated[
        bool | None,
        Option(
            "Whether to record interpreter, machine and packages in ``outputs/env.json``.",
            values.flag,
            default=True,
            shows_default=True,
        ),
    ]
    track_logs: Annotated[
        bool | None,
        Option(
            "Not built yet: the capture of console output.",
            values.flag,
            default=True,
            shows_default=True,
            missing="the capture of console output",
        ),
    ]
    refresh_data: Annotated[
        bool | None,
        Option(
            "Accepted for compatibility: a resumed run is always fetched.",
            values.flag,
            default=False,
            shows_default=True,
        ),
    ]
    artifacts_path: Annotated[
        str | PathLike[str] | None,
        Option(
            "The run's directory, instead of ``axonlog_data/runs/<uuid>``. The run that is there "
            "is continued; with ``is_new`` a new one is kept in ``<artifacts_path>-2``.",
            values.path,
        ),
    ]
    collect_artifacts: Annotated[
        bool | str | None,
        Option(
            "Whether events are recorded; without them a metric is its last value.",
            values.flag,
            (*_CALL, "environment"),
            default=True,
            variable="POLYAXON_COLLECT_ARTIFACTS",
        ),
    ]
    collect_resources: Annotated[
        bool | str | None,
        Option(
            "Not built yet: the sampling of processor and memory.",
            values.flag,
            (*_CALL, "environment"),
            variable="POLYAXON_COLLECT_RESOURCES",
            missing="the sampling of processor and memory",
        ),
    ]
    is_offline: _IsOffline
    is_new: Annotated[bool | None, Option("True: create a run, whatever is cached.", values.flag)]
    name: Annotated[str | None, Option("The run's name, as it is shown.")]
    description: Annotated[str | None, Option("What the run is about, as it is shown.")]
    tags: Annotated[
        str | Iterable[str] | None,
        Option("A list, or one text with commas.", values.tags, default=()),
    ]
    log_context: Annotated[
        bool | None,
        Option(
            "Log what was taken from a cache, and warn when nobody named an owner.",
            values.flag,
            default=False,
            shows_default=True,
            is_keyword=True,
            at_top=False,
        ),
    ]
    no_op: _NoOp
    config: Annotated[
        Any,  # any of the kinds that its sentence names
        Option(
            "The trainer's configuration: a mapping, a dataclass, a pydantic model, a namespace or "
            "the path of a YAML or JSON file; our keys at the top or under ``tracking``, "
            "``axonlog`` or ``polyaxon``.",
            sources=(),
            is_keyword=True,
        ),
    ]
    strict: Annotated[
        bool | None,
        Option(
            "Raise where otherwise the run would warn and go on locally; kept for the run.",
            values.flag,
            default=False,
            shows_default=True,
            is_keyword=True,
            at_top=False,
        ),
    ]


def _text_setting(help: str, variable: str, default: object = None) -> Option:
    return Option(help, values.header_text, _CLIENT, default=default, variable=variable)


def _path_setting(help: str, variable: str) -> Option:
    return Option(help, values.path, _CLIENT, variable=variable)


def _switch(help: str, variable: str, sources: tuple[SourceId, ...] = _CLIENT) -> Option:
    return Option(help, values.flag, sources, default=False, variable=variable)


_CLOUD_WORD = "use_cloud_host"


class ClientConfig(BaseModel):
    """The settings of a client; what is left out comes from the environment and the files.

    Keywords are the names below or those of the environment variables (``POLYAXON_HOST``).
    Unknown ones are ignored, so that configurations written for other versions keep working.
    ``use_cloud_host=True`` stands for the host of Polyaxon Cloud; no other host beside it.

    Raises:
        ContextError: A value makes no sense; the message names the setting.
    """

    model_config = ConfigDict(frozen=True, defer_build=True, extra="ignore")

    host: Annotated[
        str | None,
        Option(
            "The server's address.",
            values.host,
            ("trainer", *_CLIENT),
            default="http://localhost:8000",
            variable="POLYAXON_HOST",
            at_top=False,
        ),
    ] = None
    token: Annotated[
        SecretStr | None,
        Option(
            "The token; ``no-auth`` sends none, whatever is cached.",
            values.token,
            # A token in a `.client` file is a setting of the client itself; then the most specific
            # login.
            (
                "client",
                *_CLIENT_FILES,
                "mounted_auth",
                "environment",
                "auth_file",
                "shared_auth_file",
            ),
            variable=TOKEN_VARIABLE,
        ),
    ] = None
    authentication_type: Annotated[
        str | None,
        _text_setting("The word before the token.", "POLYAXON_AUTHENTICATION_TYPE", "Token"),
    ] = None
    timeout: Annotated[
        float | None,
        Option(
            "Seconds that one request may take; 0 means no limit.",
            values.seconds,
            ("trainer", *_CLIENT),
            default=60.0,
            variable="POLYAXON_TIMEOUT",
            at_top=False,
        ),
    ] = None
    verify_ssl: Annotated[
        bool | None,
        Option(
            "Whether to verify the server's TLS certificate.",
            values.flag,
            ("trainer", *_CLIENT),
            default=True,
            variable="POLYAXON_VERIFY_SSL",
            at_top=False,
        ),
    ] = None
    ssl_ca_cert: Annotated[
        str | None, _path_setting("A bundle of certificates to trust.", "POLYAXON_SSL_CA_CERT")
    ] = None
    cert_file: Annotated[
        str | None, _path_setting("The client's own certificate.", "POLYAXON_CERT_FILE")
    ] = None
    key_file: Annotated[
        str | None, _path_setting("The key of the client's certificate.", "POLYAXON_KEY_FILE")
    ] = None
    assert_hostname: Annotated[
        bool | None,
        Option(
            "Whether the certificate must be for the host's name.",
            values.flag,
            _CLIENT,
            variable="POLYAXON_ASSERT_HOSTNAME",
        ),
    ] = None
    connection_pool_maxsize: Annotated[
        int | None,
        Option(
            "How many connections are kept open.",
            values.positive_count,
            _CLIENT,
            variable="POLYAXON_CONNECTION_POOL_MAXSIZE",
        ),
    ] = None
    retries: Annotated[
        int | None,
        Option(
            "How often a request is repeated.", values.count, _CLIENT, variable="POLYAXON_RETRIES"
        ),
    ] = None
    header: Annotated[
        str | None, _text_setting("The name of one more header to send.", "POLYAXON_HEADER")
    ] = None
    header_service: Annotated[
        str | None, _text_setting("The value of that header.", "POLYAXON_HEADER_SERVICE")
    ] = None
    debug: Annotated[bool | None, _switch("Log requests.", "POLYAXON_DEBUG")] = None
    in_cluster: Annotated[
        bool | None, _switch("This process runs in the cluster.", "POLYAXON_K8S_IN_CLUSTER")
    ] = None
    # Whether Polyaxon started this process is a fact about the process, not about a client.
    is_managed: Annotated[
        bool | None, _switch("Polyaxon started this process.", "POLYAXON_IS_MANAGED", _AMBIENT)
    ] = None
    is_offline: _IsOffline = None
    no_op: _NoOp = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:  # whatever the caller passed
        if not isinstance(given, Mapping):
            return given
        known = {}
        for field in cls.model_fields:
            key = VARIABLES.get(field, field)
            key = key if given.get(key) is not None else field
            # An error of ours passes through pydantic; pydantic's own would quote the input.
            known[field] = READERS[field](given.get(key), Origin("client", key))
        if values.flag(given.get(_CLOUD_WORD), Origin("client", _CLOUD_WORD)):
            _refuse_another_host(known["host"], given)
            known["host"] = values.CLOUD_HOST
        return known


def _refuse_another_host(host: object, given: Mapping[str, Any]) -> None:
    """Two hosts are not resolved by a guess: the token would go to the one that was not meant."""
    if host is None or values.same_host(str(host), values.CLOUD_HOST):
        return
    key = VARIABLES["host"] if given.get(VARIABLES["host"]) is not None else "host"
    raise Origin("client", key).refuse(
        f"{host!r} contradicts {_CLOUD_WORD}=True, which stands for {values.CLOUD_HOST}; "
        "give one of them"
    )


def client_config(given: object) -> ClientConfig | None:
    """``given`` as a `ClientConfig`: one, a mapping, or the config object of another library."""
    if given is None or isinstance(given, ClientConfig):
        return given
    if isinstance(given, Mapping):
        return ClientConfig(**given)
    found = {name: getattr(given, name, None) for name in ClientConfig.model_fields}
    if all(value is None for value in found.values()):
        raise ArgumentTypeError(f"config= must be a ClientConfig, not {type(given).__name__}")
    # In the other library False is the default of these, and says nothing.
    for name in ("is_offline", "no_op", "debug", "in_cluster", "is_managed"):
        found[name] = found[name] or None
    return ClientConfig(**found)


# What the rows say, by name.


def _rows(declaration: type) -> dict[str, Option]:
    return {
        name: next(row for row in kind.__metadata__ if isinstance(row, Option))
        for name, kind in declaration.__annotations__.items()
        if hasattr(kind, "__metadata__")
    }


# Facts about the process, which the scheduler states and nobody else.
_OF_PROCESS = {
    "has_process_sidecar": Option(
        "A thread of the original's uploads the files of a managed run.",
        values.flag,
        ("environment",),
        default=False,
        variable="POLYAXON_HAS_PROCESS_SIDECAR",
    ),
    "run_instance": Option(
        "The managed run: ``owner.project.runs.uuid``.",
        sources=("environment",),
        variable=RUN_INSTANCE,
    ),
}

RUN_OPTIONS = _rows(RunOptions)
CLIENT_SETTINGS = _rows(ClientConfig)
SETTINGS = {
    name: row
    for name, row in {**CLIENT_SETTINGS, **RUN_OPTIONS, **_OF_PROCESS}.items()
    if row.sources
}
PRECEDENCE = {name: row.sources for name, row in SETTINGS.items()}
READERS = {name: row.read for name, row in SETTINGS.items()}
# The keys of a `.client` file. A token is written there as `token` only.
VARIABLES = {
    name: row.variable
    for name, row in CLIENT_SETTINGS.items()
    if row.variable and row.variable != TOKEN_VARIABLE
}
_TYPES = {name: get_args(kind)[0] for name, kind in RunOptions.__annotations__.items()}
# Arguments that are True or False as Python says it; where the type admits text, words count too.
STRICT_FLAGS = frozenset(
    name
    for name, row in RUN_OPTIONS.items()
    if row.read is values.flag and str not in get_args(_TYPES[name])
)
# The project's owner when the project was named without one. A local file is about this very
# directory; whose organization is the current one is known better by the login than by a global
# file, which holds whatever project was used last.
CURRENT_OWNER: tuple[SourceId, ...] = ("instance", "local_project", "user", "global_project")

_T = TypeVar("_T", bound=Callable[..., Any])


def takes_run_options(
    *, in_order: bool = True, shows_defaults: bool = True, last: Iterable[str] = ()
) -> Callable[[_T], _T]:
    """Give a function or a class the declared options, for those who look at its signature.

    Type checkers and editors read ``**options: Unpack[RunOptions]`` where the function is written;
    ``help``, jsonargparse and documentation tools read the signature and the ``Args:`` that are set
    here. The function gets only what its caller passed: an option that was left out is absent.

    Args:
        in_order: The options come first and may be given by position, as in the original;
            otherwise by name only.
        shows_defaults: The signature shows what holds when no source says anything; otherwise None.
        last: The function's own keywords that may be given by position, after the options.
    """
    positional = [name for name, row in RUN_OPTIONS.items() if in_order and not row.is_keyword]
    positional += last

    def decorate(target: _T) -> _T:
        function = target.__init__ if isinstance(target, type) else target  # type: ignore[misc]
        call = _with_options(function, positional, shows_defaults=shows_defaults)
        if isinstance(target, type):
            target.__init__ = call  # type: ignore[misc]
            target.__doc__ = _with_args(target.__doc__)
            return target
        call.__doc__ = _with_args(function.__doc__)
        return call  # type: ignore[return-value]  # the same function as its caller sees it

    return decorate


def _with_options(
    function: Callable[..., Any], positional: list[str], *, shows_defaults: bool
) -> Callable[..., Any]:
    written = inspect.signature(function)
    mine = [
        p for p in written.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    leading = [p for p in mine if p.kind is not p.KEYWORD_ONLY]
    named = {
        name: inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=row.default if row.shows_default and shows_defaults else None,
            annotation=_TYPES[name],
        )
        for name, row in RUN_OPTIONS.items()
    } | {p.name: p for p in mine if p.kind is p.KEYWORD_ONLY}
    by_position = [named.pop(name) for name in positional]
    signature = written.replace(
        parameters=[
            *leading,
            *(p.replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in by_position),
            *named.values(),
        ]
    )

    @functools.wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        first, rest = args[: len(leading)], args[len(leading) :]
        if (
            len(rest) > len(positional)
            or not given.keys() <= signature.parameters.keys()
            or (not given.keys().isdisjoint(positional[: len(rest)]))
        ):
            signature.bind(*args, **given)  # raises the error that Python itself would raise
        return function(*first, **dict(zip(positional, rest, strict=False)), **given)

    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__annotations__ = {
        **{p.name: p.annotation for p in signature.parameters.values()},
        "return": written.return_annotation,
    }
    return call


def _with_args(doc: str | None) -> str | None:
    """``doc`` with the sentences of the options, in its ``Args:`` or in a new one."""
    if doc is None:  # python -OO
        return None
    entries = "\n".join(
        textwrap.fill(f"{name}: {row.help}", 96, initial_indent="    ", subsequent_indent=" " * 8)
        for name, row in RUN_OPTIONS.items()
    )
    sections = inspect.cleandoc(doc).split("\n\n")
    for index, section in enumerate(sections):
        if section.startswith("Args:"):
            sections[index] = f"{section}\n{entries}"
            break
        if section.startswith(("Returns:", "Raises:", "Example")):
            sections.insert(index, f"Args:\n{entries}")
            break
    else:
        sections.append(f"Args:\n{entries}")
    return "\n\n".join(sections)
