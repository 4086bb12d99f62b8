"""nginx's configuration, generated from the routing table: for `http {}` of an existing nginx."""

from launcher import routes
from launcher.cluster import HOST, Cluster

HEADER = """\
# Generated from the endpoint table by `weft routes nginx`; include it inside http {{ }}.
# Regular expressions here match the path as the client sent it, still percent-encoded.

map $request_uri $weft_path {{
    "~^(?<weft_bare>[^?]*)" $weft_bare;
}}

# The access token, from the header or the query: one user's requests stay with one process.
map $http_authorization $weft_token {{
    default $arg_access_token;
    "~^Bearer +(?<weft_bearer>.+)$" $weft_bearer;
}}

map $weft_path $weft_room {{
    default "";
    "~/(?:rooms|join|knock)/(?<weft_room_id>[^/]+)" $weft_room_id;
}}
"""

SERVER = """\
server {{
    listen {port};
    server_name {server_name};

    location / {{
        proxy_pass http://$weft_upstream;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        # A request that may have been done already is never repeated (non_idempotent is not set).
        proxy_next_upstream error timeout;
        proxy_connect_timeout 2s;
        # A long poll is silent for as long as the client asked for.
        proxy_read_timeout 180s;
        proxy_send_timeout 180s;
        proxy_buffering on;
        client_max_body_size 64m;
    }}
}}
"""


def render(cluster: Cluster, table: list) -> str:
    rules = routes.rules(table, cluster.scale)
    return "\n".join(
        [
            HEADER.format(),
            render_map(rules),
            *[
                render_upstream(cluster, target)
                for target in [routes.MASTER, *routes.targets(rules)]
            ],
            SERVER.format(port=cluster.port, server_name=cluster.server_name),
        ]
    )


def upstream(target: routes.Target) -> str:
    return f"weft_{target.name}"


def render_map(rules: list) -> str:
    lines = ['map "$request_method:$weft_path" $weft_upstream {', "    default weft_master;"]
    for rule in rules:
        text = f'"~{rule.text}"' if rule.is_pattern else f'"{rule.text}"'
        lines.append(f"    {text} {upstream(rule.target)};")
    return "\n".join(lines) + "\n}\n"


def render_upstream(cluster: Cluster, target: routes.Target) -> str:
    workers = cluster.of_kind(target.kind)
    master = cluster.of_kind("master")[0]
    lines = [f"upstream {upstream(target)} {{"]
    if target.key == "any" or len(workers) == 1:
        lines.append("    least_conn;")
        lines += [f"    server {HOST}:{w.http} max_fails=1 fail_timeout=1s;" for w in workers]
        if target != routes.MASTER:
            lines.append(f"    server {HOST}:{master.http} backup;")
    else:
        if target.kind == "event_persister":
            lines.append(
                "    # nginx cannot compute the owner of a room (crc32 modulo N); keeping a room"
            )
            lines.append(
                "    # with one process is the most it can do. The process calls the owner."
            )
        lines.append(
            f"    hash {'$weft_token' if target.key == 'user' else '$weft_room'} consistent;"
        )
        lines += [
            f"    server {HOST}:{w.http} weight=100 max_fails=1 fail_timeout=1s;" for w in workers
        ]
        # "backup" is not allowed beside "hash": the smallest weight comes nearest to it.
        lines.append(f"    server {HOST}:{master.http} weight=1;")
    lines += ["    keepalive 64;", "}"]
    return "\n".join(lines) + "\n"
