"""The settings of a client: their names, their variables, and how their values are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from axonlog.context import _values as values
from axonlog.context._origin import Origin

Reader = Callable[[object, Origin], object]

# A `.client` file may use either spelling; the variable's name wins inside one file.
VARIABLES: Mapping[str, str] = {
    "host": "POLYAXON_HOST",
    "authentication_type": "POLYAXON_AUTHENTICATION_TYPE",
    "timeout": "POLYAXON_TIMEOUT",
    "verify_ssl": "POLYAXON_VERIFY_SSL",
    "ssl_ca_cert": "POLYAXON_SSL_CA_CERT",
    "cert_file": "POLYAXON_CERT_FILE",
    "key_file": "POLYAXON_KEY_FILE",
    "assert_hostname": "POLYAXON_ASSERT_HOSTNAME",
    "connection_pool_maxsize": "POLYAXON_CONNECTION_POOL_MAXSIZE",
    "retries": "POLYAXON_RETRIES",
    "header": "POLYAXON_HEADER",
    "header_service": "POLYAXON_HEADER_SERVICE",
    "debug": "POLYAXON_DEBUG",
    "in_cluster": "POLYAXON_K8S_IN_CLUSTER",
    "is_managed": "POLYAXON_IS_MANAGED",
    "is_offline": "POLYAXON_IS_OFFLINE",
    "no_op": "POLYAXON_NO_OP",
}

READERS: Mapping[str, Reader] = {
    "host": values.host,
    "token": values.token,
    "authentication_type": values.header_text,
    "timeout": values.seconds,
    "verify_ssl": values.flag,
    "ssl_ca_cert": values.path,
    "cert_file": values.path,
    "key_file": values.path,
    "assert_hostname": values.flag,
    "connection_pool_maxsize": values.positive_count,
    "retries": values.count,
    "header": values.header_text,
    "header_service": values.header_text,
    "debug": values.flag,
    "in_cluster": values.flag,
    "is_managed": values.flag,
    "is_offline": values.flag,
    "no_op": values.flag,
    "collect_artifacts": values.flag,
    "collect_resources": values.flag,
    "has_process_sidecar": values.flag,
    "run_instance": values.text,
    "owner": values.text,
    "project": values.text,
    "run_uuid": values.uuid,
    "name": values.text,
    "description": values.text,
    "tags": values.tags,
    "is_new": values.flag,
    "artifacts_path": values.path,
    "refresh_data": values.flag,
    "track_code": values.flag,
    "track_env": values.flag,
    "track_logs": values.flag,
    "strict": values.flag,
    "log_context": values.flag,
}

RUN_INSTANCE = "POLYAXON_RUN_INSTANCE"
# Variables of a run, which a `.client` file does not hold.
RUN_VARIABLES: Mapping[str, str] = {
    "collect_artifacts": "POLYAXON_COLLECT_ARTIFACTS",
    "collect_resources": "POLYAXON_COLLECT_RESOURCES",
    "has_process_sidecar": "POLYAXON_HAS_PROCESS_SIDECAR",
    "run_instance": RUN_INSTANCE,
}
TOKEN_VARIABLE = "POLYAXON_AUTH_TOKEN"  # noqa: S105 - a variable's name, not a token
