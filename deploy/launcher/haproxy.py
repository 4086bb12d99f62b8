"""HAProxy's configuration, generated from the routing table.

Each group of workers is a backend with the master as its backup, so that a request always finds
somebody. Health is each process' own `/health`; a connection that fails marks the process down at
once, without waiting for the next check.
"""

import itertools
import resource
import subprocess
from pathlib import Path

from launcher import routes
from launcher.cluster import HOST, Cluster
from launcher.console import LauncherError

CONNECTIONS_MAX = 20000
#: HAProxy takes 64 words a line, some of which are not texts.
TEXTS_PER_LINE_MAX = 50
BINARY = "/usr/sbin/haproxy"

HEADER = """\
# Generated from the endpoint table by `weft routes haproxy`; `weft up` runs exactly this file.
global
    maxconn {maxconn}
    # After a soft stop (SIGUSR1) requests may finish, but not for ever.
    hard-stop-after 15s
    # Hardly a path comes twice: looking into this cache takes longer than matching.
    tune.pattern.cache-size 0

defaults
    mode http
    maxconn {maxconn}
    option http-keep-alive
    option forwardfor
    option redispatch 1
    retries 3
    http-reuse safe
    timeout connect 2s
    # A long poll is silent for as long as the client asked for.
    timeout client 180s
    timeout server 180s
    timeout http-request 30s
    timeout http-keep-alive 60s
    timeout queue 10s

frontend weft
    bind {host}:{port}
    http-request set-var-fmt(txn.request) "%[method]:%[path]"
    # The access token, from the header or the query: one user's requests stay with one process.
    http-request set-var(txn.token) req.hdr(authorization),word(2,' ')
    acl has_token var(txn.token) -m found
    http-request set-var(txn.token) url_param(access_token),url_dec if !has_token
"""

#: For the servers that are workers; the port to ask follows.
CHECKED = "inter 500ms fall 2 rise 1 observe layer4 error-limit 1 on-error mark-down check port"

RETRIES = """\
    # A request that reached a process which then died may have been done: only reads are repeated.
    retry-on conn-failure empty-response
    http-request disable-l7-retry unless { method GET HEAD OPTIONS }
"""


def render(cluster: Cluster, table: list) -> str:
    """The whole configuration file for a cluster, from the endpoint table's rows."""
    rules = routes.rules(table, cluster.scale)
    parts = [
        HEADER.format(maxconn=connections_max(), host=HOST, port=cluster.port),
        render_rules(rules),
        "    default_backend master\n",
        render_master(cluster),
    ]
    parts += [render_backend(cluster, target) for target in routes.targets(rules)]
    return "\n".join(parts)


def connections_max() -> int:
    """HAProxy needs two descriptors a connection, and does not start where it may not have them."""
    hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard_limit == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    return max(100, min(CONNECTIONS_MAX, (hard_limit - 200) // 2))


def render_rules(rules: list) -> str:
    """Each run of rules of one kind with one target is an ACL and the line that uses it."""
    lines = []
    runs = itertools.groupby(rules, lambda rule: (rule.target.name, rule.is_pattern))
    for number, ((target, is_pattern), run) in enumerate(runs):
        name = f"{target}.{number}"
        match = "reg" if is_pattern else "str"
        texts = [f"'{rule.text}'" for rule in run]
        # The texts of a line are one look into a tree: a line for each would cost as many looks.
        for at in range(0, len(texts), TEXTS_PER_LINE_MAX):
            line = " ".join(texts[at : at + TEXTS_PER_LINE_MAX])
            lines.append(f"    acl {name} var(txn.request) -m {match} {line}")
        lines.append(f"    use_backend {target} if {name}")
    return "\n".join(lines) + "\n"


def render_master(cluster: Cluster) -> str:
    # Without a check: while the master restarts, connecting is tried again for a few seconds, and
    # that is kinder than an error at once.
    master = cluster.of_kind("master")[0]
    return f"backend master\n    retries 5\n{RETRIES}    server master {HOST}:{master.http}\n"


def render_backend(cluster: Cluster, target: routes.Target) -> str:
    workers = cluster.of_kind(target.kind)
    lines = [f"backend {target.name}"]
    lines += ["    option httpchk GET /health", "    http-check expect status 200"]
    lines += RETRIES.rstrip("\n").split("\n")
    lines += balance(workers, target)
    for worker in workers:
        lines.append(f"    server {worker.name} {HOST}:{worker.http} {CHECKED} {worker.metrics}")
    master = cluster.of_kind("master")[0]
    lines.append(f"    server master {HOST}:{master.http} backup")
    return "\n".join(lines) + "\n"


def balance(workers: list, target: routes.Target) -> list:
    if target.key == "any" or len(workers) == 1:
        return ["    balance leastconn"]
    consistent = "    hash-type consistent sdbm avalanche"
    if target.key == "user":
        return ["    balance hash var(txn.token)", consistent]
    # Paths begin with a slash, so HAProxy's first field is empty.
    room = f"path,field({target.room_segment + 1},/),url_dec"
    if target.kind != "event_persister":
        return [f"    balance hash {room}", consistent]
    lines = [
        "    # The persister that owns a room: crc32 of its ID, modulo their number, by the order",
        "    # of stream_writers.events. Another one, or the master, would have to call it.",
        f"    http-request set-var(txn.owner) {room},crc32,mod({len(workers)})",
        "    balance leastconn",
    ]
    for index, worker in enumerate(workers):
        lines.append(f"    use-server {worker.name} if {{ var(txn.owner) -m int {index} }}")
    return lines


def check(file: Path) -> None:
    """Has HAProxy itself read the file; its complaints become the error."""
    done = subprocess.run([BINARY, "-c", "-q", "-f", str(file)], capture_output=True, text=True)
    if done.returncode != 0:
        raise LauncherError(f"HAProxy refuses {file}:\n{(done.stderr + done.stdout).strip()}")
