"""Starts, scales and stops a cluster."""

import contextlib
import fcntl
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator, Optional

from launcher import build, configs, haproxy, postgres, probe, redis, routes
from launcher.cluster import (
    Cluster,
    parse_scale,
    pick_free_port,
    port_is_free,
    process_names,
    write_private,
)
from launcher.console import LauncherError, last_lines, say, wait_until
from launcher.supervisor import (
    Supervisor,
    end_orphans,
    is_alive,
    marked_processes,
    write_config,
)

READY_SECONDS = 60

#: Programs that are not Weft's own: they start first and stop last.
SERVICES = ("haproxy", "postgres", "redis")


@dataclass
class Wishes:
    """What `weft up` was asked for; None: as recorded, or the default for a new cluster."""

    data_dir: Path
    server_name: Optional[str] = None
    port: Optional[int] = None  # 0: any free port
    scale: Optional[str] = None
    database_url: Optional[str] = None
    preset: Optional[str] = None
    build_dir: Optional[Path] = None
    extra_configs: list = field(default_factory=list)  # ["none"]: no longer any
    redis: Optional[bool] = None  # replication by a private Redis
    build: bool = True


@contextlib.contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Keeps two launchers from changing one cluster at the same time."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another launcher at work in {data_dir}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# Starting


def up(wishes: Wishes) -> Cluster:
    """Brings the cluster to what is wished: starts it, or changes the scale of a running one."""
    with locked(wishes.data_dir):
        is_new = not Cluster.exists(wishes.data_dir)
        cluster = Cluster.create(wishes.data_dir) if is_new else Cluster.load(wishes.data_dir)
        if not is_new and Supervisor(cluster).pid() is not None:
            change_running(cluster, wishes)
        else:
            apply_wishes(cluster, wishes, is_new)
            start(cluster, wishes.build)
        report(cluster)
        return cluster


def apply_wishes(cluster: Cluster, wishes: Wishes, is_new: bool) -> None:
    """Takes over what was asked for, refusing what cannot change once there are data."""
    if is_new:
        cluster.server_name = wishes.server_name or cluster.server_name
        cluster.database_url = wishes.database_url
    if wishes.server_name not in (None, cluster.server_name):
        raise LauncherError(
            f"{cluster.data_dir} belongs to the server '{cluster.server_name}'; a server name "
            "cannot change (its users and rooms carry it). Use another --data-dir."
        )
    if wishes.database_url not in (None, cluster.database_url):
        raise LauncherError(f"{cluster.data_dir} uses another database; use another --data-dir")
    if wishes.scale is not None:
        cluster.scale = parse_scale(wishes.scale)
    if wishes.port is not None:
        known = [port for ports in cluster.ports.values() for port in ports.values()]
        cluster.port = wishes.port or pick_free_port(known)
    if wishes.extra_configs:
        wanted = [] if wishes.extra_configs == ["none"] else wishes.extra_configs
        cluster.extra_configs = [str(Path(file).resolve()) for file in wanted]
        for file in cluster.extra_configs:
            if not Path(file).is_file():
                raise LauncherError(f"--config: there is no file {file}")
    if wishes.redis is not None:
        cluster.redis = wishes.redis
    if wishes.preset is not None:
        cluster.preset = wishes.preset
    if wishes.build_dir is not None:
        cluster.build_dir = wishes.build_dir.resolve()
    elif is_new or wishes.preset is not None:
        cluster.build_dir = build.default_build_dir(cluster.preset)


def start(cluster: Cluster, with_build: bool) -> None:
    if with_build:
        build.build(cluster.preset, cluster.build_dir, build.SERVER_TARGETS)
    if marked_processes(cluster):
        say("ending what an interrupted run left behind")
        end_orphans(cluster)
    if not port_is_free(cluster.port):
        raise LauncherError(f"port {cluster.port} is in use; choose another with --port")
    cluster.ensure_socket_dir()
    cluster.assign_ports(running=False)
    # PostgreSQL's user, where it is another, has to pass through; our secrets stay ours.
    cluster.data_dir.chmod(0o711 if postgres.owner() else 0o700)
    if not cluster.database_url:
        postgres.prepare(cluster)
    write_files(cluster)
    supervisor = Supervisor(cluster)
    try:
        supervisor.launch()
        prepare_database(cluster)
        wait_redis(cluster)
        for process in cluster.processes():
            supervisor.start(process.name)
        wait_processes(cluster)
        supervisor.start("haproxy")
        wait_proxy(cluster)
    except BaseException:
        # Also on Ctrl-C: nothing half started stays behind.
        stop(cluster)
        raise


def write_files(cluster: Cluster) -> None:
    """Everything that is generated from the cluster; cluster.yaml itself last, once the processes
    have accepted their files."""
    configs.write_all(cluster)
    if cluster.redis:
        redis.write_config(cluster)
    write_haproxy(cluster)
    write_config(cluster)
    for process in cluster.processes():
        run_binary(configs.command_line(cluster, process) + ["--check-config"], process.name)
    cluster.save()


def write_haproxy(cluster: Cluster) -> None:
    table = routes.load(cluster.binary("weft-master"))
    write_private(cluster.haproxy_file, haproxy.render(cluster, table))
    haproxy.check(cluster.haproxy_file)


def prepare_database(cluster: Cluster) -> None:
    if not cluster.database_url:
        sockets, user = cluster.postgres_socket_dir, postgres.SUPERUSER
        if not wait_until(lambda: postgres.is_ready(sockets, user), READY_SECONDS):
            raise LauncherError("PostgreSQL did not start" + end_of_log(cluster, "postgres"))
        postgres.ensure_database(cluster)
    master = cluster.of_kind("master")[0]
    run_binary(configs.command_line(cluster, master) + ["--migrate"], "migrating the database")


def wait_redis(cluster: Cluster) -> None:
    if cluster.redis and not wait_until(lambda: redis.is_ready(cluster.redis_socket), READY_SECONDS):
        raise LauncherError("Redis did not start" + end_of_log(cluster, "redis"))


def run_binary(command: list, what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise LauncherError(f"{what}: {(done.stderr + done.stdout).strip()}")


def wait_processes(cluster: Cluster) -> None:
    """Until every process says it is ready."""
    waiting = cluster.processes()

    def all_ready() -> bool:
        waiting[:] = [process for process in waiting if not probe.is_ready(process.metrics)]
        return not waiting

    if not wait_until(all_ready, READY_SECONDS):
        names = [process.name for process in waiting]
        logs = "".join(end_of_log(cluster, name) for name in names)
        raise LauncherError(f"not ready after {READY_SECONDS} s: {', '.join(names)}{logs}")


def wait_proxy(cluster: Cluster) -> None:
    """Until clients are served through the proxy."""
    if not wait_until(lambda: probe.serves_clients(cluster.port), READY_SECONDS):
        logs = "".join(end_of_log(cluster, name) for name in ("haproxy", "master"))
        raise LauncherError(f"{cluster.url} does not answer{logs}")


def end_of_log(cluster: Cluster, name: str) -> str:
    file = cluster.logs_dir / f"{name}.log"
    return f"\n--- {file} ends:\n{last_lines(file, 20)}"


def report(cluster: Cluster) -> None:
    """A line a process, and last the line that says clients may come."""
    programs = Supervisor(cluster).programs()
    for process in cluster.processes():
        pid = programs[process.name]["pid"]
        say(f"{process.name} pid {pid} http 127.0.0.1:{process.http} ready")
    say(f"ready {cluster.url}")


# Changing what runs


def change_running(cluster: Cluster, wishes: Wishes) -> None:
    """Verifies a running cluster, and adds or removes workers where another scale is wished."""
    began = time.time()
    scale_before, duties_before = cluster.scale, duties(cluster)
    settings_before = fixed_settings(cluster)
    apply_wishes(cluster, wishes, is_new=False)
    if fixed_settings(cluster) != settings_before:
        raise LauncherError(
            "the cluster is running; port, build, --config and --redis change while it is down "
            "(`weft down`)"
        )
    say(f"already running in {cluster.data_dir}")
    if cluster.scale == scale_before:
        wait_processes(cluster)
        wait_proxy(cluster)
        return
    cluster.assign_ports(running=True)
    supervisor = Supervisor(cluster)
    moved = []
    if duties(cluster) != duties_before:
        # Two ideas of who pushes, or who tells application services, must never run side by side.
        kept = {name for _, name in process_names(scale_before)}
        moved = [process.name for kind in DUTIFUL for process in cluster.of_kind(kind) if process.name in kept]
        supervisor.stop([name for kind, name in process_names(scale_before) if kind in DUTIFUL])
    write_files(cluster)
    added, removed = supervisor.reread()
    for name in added:
        supervisor.add(name)
    for name in [*moved, *added]:
        supervisor.start(name)
    wait_processes(cluster)
    # Whether the master writes events is decided when it starts.
    if bool(scale_before["event_persister"]) != bool(cluster.scale["event_persister"]):
        supervisor.stop(["master"])
        supervisor.start("master")
        wait_processes(cluster)
    # New requests go by the new routing from here on; only then may the surplus end. Event persisters
    # that come take their share of the rooms, those that go leave it to the others.
    reload_haproxy(supervisor)
    gone = [name for name in removed if name.startswith("event_persister")]
    all_leave = all(supervisor.runs_since(name, began) for name in gone)
    for name in removed:
        supervisor.remove(name)
    if not all_leave:
        # One that has died meanwhile does not leave its rooms: the others take them when they start.
        restart(cluster, supervisor, ("event_persister",))
    if gone:
        # Who reads still counts with the position of a writer that is gone, which is right, but slow;
        # and the master tells them of it.
        restart(cluster, supervisor, ("master", "synchrotron", "client_reader"))
    wait_proxy(cluster)


#: Who may push or tell application services.
DUTIFUL = ("master", "pusher", "appservice")


def duties(cluster: Cluster) -> tuple:
    """What those have to agree on."""
    return cluster.scale.get("pusher", 0), cluster.scale.get("appservice", 0)


def restart(cluster: Cluster, supervisor: Supervisor, kinds: tuple) -> None:
    """One after the other, so that there is always somebody to answer."""
    for process in [process for kind in kinds for process in cluster.of_kind(kind)]:
        supervisor.stop([process.name])
        supervisor.start(process.name)
        wait_processes(cluster)


def fixed_settings(cluster: Cluster) -> tuple:
    """What cannot change under running processes."""
    return cluster.port, cluster.build_dir, cluster.extra_configs, cluster.redis


def reload_haproxy(supervisor: Supervisor) -> None:
    supervisor.call("signalProcess", "haproxy", "USR2")


# Stopping


def down(data_dir: Path) -> None:
    """Stops everything, or says that nothing runs."""
    cluster = Cluster.load(data_dir)
    with locked(data_dir):
        if Supervisor(cluster).pid() is None and not marked_processes(cluster):
            say(f"nothing is running in {data_dir}")
            return
        stop(cluster)
    say("stopped")


def stop(cluster: Cluster) -> None:
    """Gracefully: the proxy takes no new connections, workers finish what they do, then the master,
    last PostgreSQL."""
    supervisor = Supervisor(cluster)
    if supervisor.pid() is not None:
        programs = supervisor.programs()
        supervisor.begin_stop("haproxy")
        stop_weft(supervisor, [n for n in programs if n not in SERVICES])
        supervisor.stop(["haproxy"])
        supervisor.shut_down()
    end_orphans(cluster)
    if cluster.socket_dir:
        shutil.rmtree(cluster.socket_dir, ignore_errors=True)


def stop_weft(supervisor: Supervisor, names: list) -> None:
    """Workers first: what they have to say to the master still finds it."""
    supervisor.stop([name for name in names if name != "master"])
    supervisor.stop(["master"])


def attend(cluster: Cluster) -> None:
    """Stays until the cluster has been stopped by somebody, or we are told to stop it."""
    pid = Supervisor(cluster).pid()
    try:
        while pid is not None and is_alive(pid):
            time.sleep(0.5)
    except KeyboardInterrupt:
        say("stopping")
        down(cluster.data_dir)
