"""The command line of `weft`."""

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from launcher import (
    accounts,
    admin,
    bench,
    build,
    certs,
    db,
    haproxy,
    lifecycle,
    nginx,
    routes,
    status,
    testing,
)
from launcher.cluster import (
    DEFAULT_DATA_DIR,
    DEFAULT_PORT,
    DEFAULT_SERVER_NAME,
    Cluster,
    parse_scale,
)
from launcher.console import LauncherError, say, warn

PRESETS = ("release", "dev", "asan", "tsan")


def main(arguments: list) -> int:
    signal.signal(signal.SIGTERM, interrupt)
    options = parser().parse_args(arguments or ["help"])
    try:
        return options.run(options) or 0
    except LauncherError as problem:
        warn(str(problem))
        return 1
    except KeyboardInterrupt:
        warn("interrupted")
        return 130
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone; nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def interrupt(*_) -> None:
    """SIGTERM ends things the way Ctrl-C does."""
    raise KeyboardInterrupt


# Commands


def run_up(options) -> int:
    cluster = lifecycle.up(
        lifecycle.Wishes(
            data_dir=options.data_dir,
            server_name=options.server_name,
            port=options.port,
            scale=options.scale,
            database_url=options.database,
            preset=options.preset,
            build_dir=options.build_dir,
            extra_configs=options.config,
            redis=options.redis,
            build=options.build,
        )
    )
    if not options.detach:
        lifecycle.attend(cluster)
    return 0


def run_down(options) -> None:
    lifecycle.down(options.data_dir)


def run_status(options) -> int:
    return status.show(Cluster.load(options.data_dir), options.json)


def run_logs(options) -> None:
    cluster = Cluster.load(options.data_dir)
    if options.name:
        files = [cluster.logs_dir / f"{options.name}.log"]
    else:
        files = sorted(cluster.logs_dir.glob("*.log"))
    missing = [file for file in files if not file.exists()]
    if missing or not files:
        known = ", ".join(sorted(file.stem for file in cluster.logs_dir.glob("*.log")))
        raise LauncherError(f"no log of '{options.name}' (there are: {known or 'none'})")
    follow = ["-F"] if options.follow else []
    os.execvp("tail", ["tail", "-n", str(options.lines), *follow, *map(str, files)])


def run_register(options) -> None:
    cluster = Cluster.load(options.data_dir)
    user_id, password = accounts.register(cluster, options.user, options.password, options.admin)
    print(user_id if options.password else f"{user_id} password: {password}")


def run_admin(function):
    """A command of the admin API: prints what it says."""

    def run(options) -> None:
        print("\n".join(function(Cluster.load(options.data_dir), options)))

    return run


def run_certs(options) -> None:
    certs.make(options.directory, options.names)


def run_routes(options) -> None:
    """For the cluster there is, or for one that would be made with these options."""
    if Cluster.exists(options.data_dir):
        cluster = Cluster.load(options.data_dir)
    else:
        cluster = Cluster(options.data_dir, id="example")
    if options.build_dir:
        cluster.build_dir = options.build_dir.resolve()
    if options.scale is not None:
        cluster.scale = parse_scale(options.scale)
    if cluster.ports:
        cluster.assign_ports(running=True)
    else:
        cluster.assign_example_ports()
    table = routes.load(cluster.binary("weft-master"))
    if options.format == "json":
        print(json.dumps([vars(route) for route in table], indent=1))
    else:
        proxy = {"haproxy": haproxy, "nginx": nginx}[options.format]
        print(proxy.render(cluster, table), end="")


def run_db_adopt(options) -> int:
    return db.adopt(options.database, options.server_name)


def run_db_compact_state(options) -> int:
    return db.compact_state(Cluster.load(options.data_dir))


def run_build(options) -> None:
    build_dir = build_dir_of(options)
    build.build(options.preset or "release", build_dir, options.target or build.SERVER_TARGETS)
    say(f"built in {build_dir}")


def run_test(options) -> int:
    kinds = list(dict.fromkeys(options.kind))
    unknown = [kind for kind in kinds if kind not in testing.KINDS]
    if unknown:
        raise LauncherError(f"unknown kind of test '{unknown[0]}' ({', '.join(testing.KINDS)})")
    ctest_arguments = ["-R", options.match] if options.match else []
    return testing.run(
        kinds, options.preset or "release", build_dir_of(options), ctest_arguments, options.build
    )


def run_bench(options) -> int:
    if options.name is None:
        print("\n".join(bench.names()))
        return 0
    arguments = ["--json", str(options.json.resolve())] if options.json else []
    return bench.run(
        options.name,
        arguments + options.arguments,
        options.preset or "release",
        build_dir_of(options),
        options.build,
    )


def build_dir_of(options) -> Path:
    if options.build_dir:
        return options.build_dir.resolve()
    return build.default_build_dir(options.preset or "release")


# The parser


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="weft", description="Runs a Weft Matrix homeserver: a cluster of processes."
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    up = command(commands, "up", run_up, "start the cluster, or change the scale of a running one")
    add_data_dir(up)
    add_build_options(up)
    up.add_argument("--server-name", metavar="NAME", help=f"default: {DEFAULT_SERVER_NAME}")
    up.add_argument("--port", type=int, help=f"where clients come; default: {DEFAULT_PORT}; 0: any")
    up.add_argument(
        "--scale",
        metavar="KIND=N,...",
        help="workers of each kind; default: synchrotron=1,event_persister=1,client_reader=1; "
        "none: the master serves everything",
    )
    up.add_argument("--database", metavar="URL", help="postgresql://...; default: a private one")
    up.add_argument(
        "--config",
        metavar="FILE",
        action="append",
        default=[],
        help="more configuration for every process, read last; 'none': no longer any",
    )
    up.add_argument(
        "--redis",
        action=argparse.BooleanOptionalAction,
        help="replication by a private Redis instead of connections to the master",
    )
    up.add_argument("--detach", action="store_true", help="return once it is ready")

    down = command(commands, "down", run_down, "stop everything gracefully")
    add_data_dir(down)

    show = command(commands, "status", run_status, "processes, health, stream positions and lag")
    add_data_dir(show)
    show.add_argument("--json", action="store_true")

    logs = command(commands, "logs", run_logs, "the logs, of one process or all")
    add_data_dir(logs)
    logs.add_argument("name", nargs="?", metavar="NAME", help="a process, postgres or haproxy")
    logs.add_argument("-f", "--follow", action="store_true")
    logs.add_argument("-n", "--lines", type=int, default=50)

    register = command(commands, "register", run_register, "make an account")
    add_data_dir(register)
    register.add_argument("user", metavar="USER", help="the local part: alice")
    register.add_argument("--password", help="default: a random one, which is printed")
    register.add_argument("--admin", action="store_true", help="a server administrator")

    add_admin_commands(commands)

    making = command(
        commands, "certs", run_certs, "certificates for processes on different machines"
    )
    making.add_argument("directory", type=Path, metavar="DIR")
    making.add_argument(
        "names", nargs="+", metavar="NAME[=HOST,...]", help="a process, and hosts it answers at"
    )

    routing = command(commands, "routes", run_routes, "the routing, for a proxy or as JSON")
    add_data_dir(routing)
    routing.add_argument("format", choices=("haproxy", "nginx", "json"))
    routing.add_argument("--scale", metavar="KIND=N,...")
    routing.add_argument("--build-dir", type=Path, metavar="DIR")

    about_db = commands.add_parser("db", help="look at a database")
    db_commands = about_db.add_subparsers(title="commands", metavar="COMMAND", required=True)
    adopt = command(
        db_commands,
        "adopt",
        run_db_adopt,
        "check a database that Synapse wrote, and say what Weft would change; changes nothing itself. "
        "Exit status 0: it can be adopted, 3: it cannot, 1: it could not be checked",
    )
    adopt.add_argument("--database", metavar="URL", required=True, help="postgresql://...")
    adopt.add_argument("--server-name", metavar="NAME", help="default: what most users' IDs end in")

    compact = command(
        db_commands,
        "compact-state",
        run_db_compact_state,
        "make the state that is kept for old events smaller; the server may be running",
    )
    add_data_dir(compact)

    building = command(commands, "build", run_build, "build the servers, or other targets")
    add_build_options(building)
    building.add_argument("target", nargs="*", metavar="TARGET")

    test = command(commands, "test", run_test, "build and run the tests")
    add_build_options(test)
    test.add_argument("kind", nargs="*", metavar="KIND", help=f"{', '.join(testing.KINDS)}")
    test.add_argument("-R", "--match", metavar="REGEX", help="only tests whose name matches")

    benchmark = command(commands, "bench", run_bench, "run a benchmark; without a name: list them")
    add_build_options(benchmark)
    benchmark.add_argument("name", nargs="?", metavar="NAME")
    benchmark.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    benchmark.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENT")

    command(commands, "help", lambda _: top.print_help(), "this text")
    return top


def add_admin_commands(commands) -> None:
    """What administrators do most, with the admin API of a running cluster."""
    users = group(commands, "users", "list users, deactivate them, reset passwords")
    listing = command(
        users,
        "list",
        run_admin(lambda cluster, o: admin.list_users(cluster, o.search, o.deactivated)),
        "all users",
    )
    add_data_dir(listing)
    listing.add_argument("search", nargs="?", metavar="TEXT", help="part of the name")
    listing.add_argument("--deactivated", action="store_true", help="those who are gone, too")
    leaving = command(
        users,
        "deactivate",
        run_admin(lambda cluster, o: admin.deactivate_user(cluster, o.user, o.erase)),
        "close an account for good",
    )
    add_data_dir(leaving)
    leaving.add_argument("user", metavar="USER", help="alice, or @alice:example.org")
    leaving.add_argument("--erase", action="store_true", help="remove the profile, too")
    resetting = command(
        users,
        "reset-password",
        run_admin(lambda cluster, o: admin.reset_password(cluster, o.user, o.password, o.keep_sessions)),
        "set a new password and log the user out everywhere",
    )
    add_data_dir(resetting)
    resetting.add_argument("user", metavar="USER", help="alice, or @alice:example.org")
    resetting.add_argument("--password", help="default: a random one, which is printed")
    resetting.add_argument("--keep-sessions", action="store_true", help="log nobody out")

    rooms = group(commands, "rooms", "list and delete rooms")
    listing = command(
        rooms, "list", run_admin(lambda cluster, o: admin.list_rooms(cluster, o.search)), "all rooms"
    )
    add_data_dir(listing)
    listing.add_argument("search", nargs="?", metavar="TEXT", help="part of the name or alias")
    deleting = command(
        rooms,
        "delete",
        run_admin(lambda cluster, o: admin.delete_room(cluster, o.room, o.block, o.purge)),
        "put everybody out and remove all of it",
    )
    add_data_dir(deleting)
    deleting.add_argument("room", metavar="ROOM_ID")
    deleting.add_argument("--block", action="store_true", help="nobody may enter it again")
    deleting.add_argument("--no-purge", dest="purge", action="store_false", help="keep its history")

    tokens = group(commands, "token", "tokens that allow registration")
    making = command(
        tokens,
        "create",
        run_admin(lambda cluster, o: admin.create_token(cluster, o.uses, o.days)),
        "make a token, and print it",
    )
    add_data_dir(making)
    making.add_argument("--uses", type=int, metavar="N", help="default: any number")
    making.add_argument("--days", type=float, metavar="N", help="default: it does not expire")


def group(commands, name: str, text: str):
    """A command that has commands of its own."""
    made = commands.add_parser(name, help=text, description=text)
    return made.add_subparsers(title="commands", metavar="COMMAND", required=True)


def command(commands, name: str, function, text: str) -> argparse.ArgumentParser:
    made = commands.add_parser(name, help=text, description=text)
    made.set_defaults(run=function)
    return made


def add_data_dir(command_parser) -> None:
    command_parser.add_argument(
        "--data-dir",
        type=lambda text: Path(text).resolve(),
        default=DEFAULT_DATA_DIR,
        metavar="DIR",
        help="default: weft-data beside the launcher",
    )


def add_build_options(command_parser) -> None:
    command_parser.add_argument("--preset", choices=PRESETS, help="default: release")
    command_parser.add_argument(
        "--build-dir", type=Path, metavar="DIR", help="default: build/PRESET"
    )
    command_parser.add_argument(
        "--no-build", dest="build", action="store_false", help="take the binaries as they are"
    )
