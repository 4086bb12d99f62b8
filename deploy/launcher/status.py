"""`weft status`: what runs, how it is, and how far each process is behind the writers."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from launcher import probe
from launcher.cluster import Cluster, Process
from launcher.console import LauncherError
from launcher.supervisor import Supervisor


def gather(cluster: Cluster) -> dict:
    """The state of the whole cluster, as `weft status --json` prints it."""
    supervisor = Supervisor(cluster)
    supervisor_pid = supervisor.pid()
    if supervisor_pid is None:
        raise LauncherError(f"the cluster in {cluster.data_dir} is not running")
    programs = supervisor.programs()
    with ThreadPoolExecutor(max_workers=16) as pool:
        processes = list(pool.map(lambda p: describe(p, programs), cluster.processes()))
    add_lags(processes)
    others = [
        {
            "name": name,
            "pid": programs[name]["pid"] or None,
            "uptime_s": uptime_of(programs[name]),
            "rss_bytes": rss_of(programs[name]["pid"]),
            "supervisor": programs[name]["statename"].lower(),
        }
        for name in ("postgres", "redis", "haproxy")
        if name in programs
    ]
    return {
        "server_name": cluster.server_name,
        "url": cluster.url,
        "data_dir": str(cluster.data_dir),
        "supervisor_pid": supervisor_pid,
        "processes": processes,
        "others": others,
    }


def describe(process: Process, programs: dict) -> dict:
    """One Weft process: what the supervisor knows, and what it says of itself."""
    program = programs.get(process.name)
    pid = (program or {}).get("pid") or None
    own = probe.status(process.metrics) or {}
    return {
        "kind": process.kind,
        "name": process.name,
        "pid": pid,
        "uptime_s": own.get("uptime_s", uptime_of(program)),
        "rss_bytes": own.get("rss_bytes", rss_of(pid)),
        "version": own.get("version"),
        "health": probe.health(process.metrics),
        "supervisor": program["statename"].lower() if program else "unknown",
        "replication": (own.get("replication") or {}).get("state"),
        "ports": {
            "http": process.http,
            "rpc": process.rpc,
            "metrics": process.metrics,
            **({"replication": process.replication} if process.replication else {}),
        },
        "streams": own.get("streams", []),
    }


def add_lags(processes: list) -> None:
    """Adds to each stream position how far it is behind the process that writes it; None when that
    process does not say. Writers that are not part of the cluster any more are left out."""
    names = {process["name"] for process in processes}
    for process in processes:
        process["streams"] = [s for s in process["streams"] if s["instance"] in names]
    written = {
        (stream["stream"], process["name"]): stream["position"]
        for process in processes
        for stream in process["streams"]
        if stream["instance"] == process["name"]
    }
    for process in processes:
        for stream in process["streams"]:
            head = written.get((stream["stream"], stream["instance"]))
            stream["lag"] = None if head is None else max(0, head - stream["position"])
            stream["lag_s"] = stream.get("behind_ms", 0) / 1000


def uptime_of(program) -> float:
    return max(0, program["now"] - program["start"]) if program and program["pid"] else 0


def rss_of(pid) -> int:
    """Resident memory of a process in bytes, 0 when there is none."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def is_healthy(state: dict) -> bool:
    return all(process["health"] == "ready" for process in state["processes"])


def render(state: dict) -> str:
    """The tables a person reads."""
    rows = [("KIND", "NAME", "PID", "UPTIME", "RSS", "HEALTH", "REPLICATION", "LAG")]
    for process in state["processes"]:
        rows.append(
            (
                process["kind"],
                process["name"],
                text_of(process["pid"]),
                duration(process["uptime_s"]),
                megabytes(process["rss_bytes"]),
                process["health"],
                text_of(process["replication"]),
                total_lag(process),
            )
        )
    for other in state["others"]:
        rows.append(
            (
                other["name"],
                other["name"],
                text_of(other["pid"]),
                duration(other["uptime_s"]),
                megabytes(other["rss_bytes"]),
                other["supervisor"],
                "-",
                "-",
            )
        )
    heading = f"{state['server_name']}  {state['url']}  ({state['data_dir']})"
    return "\n".join([heading, "", table(rows), "", table(stream_rows(state["processes"]))])


def stream_rows(processes: list) -> list:
    """A line a stream and writer, a column a process: its position, and the lag in rows and time if
    there is any."""
    keys = sorted({(s["stream"], s["instance"]) for p in processes for s in p["streams"]})
    rows = [("STREAM", "WRITER", *[process["name"] for process in processes])]
    for key in keys:
        cells = []
        for process in processes:
            found = [s for s in process["streams"] if (s["stream"], s["instance"]) == key]
            if not found:
                cells.append("-")
            elif found[0]["lag"]:
                cells.append(f"{found[0]['position']} (-{found[0]['lag']}{since(found[0])})")
            elif found[0]["lag_s"] > 0:
                cells.append(f"{found[0]['position']} (?{since(found[0])})")
            else:
                cells.append(str(found[0]["position"]))
        rows.append((*key, *cells))
    return rows


def since(stream: dict) -> str:
    """For how long rows may have been missing; nothing while none can be."""
    return f", {stream['lag_s']:.1f} s" if stream["lag_s"] > 0 else ""


def total_lag(process: dict) -> str:
    """The sum over all streams; `?` when a writer could not be asked."""
    lags = [stream["lag"] for stream in process["streams"]]
    if not lags:
        return "-"
    return "?" if None in lags else str(sum(lags))


def text_of(value) -> str:
    return "-" if value is None else str(value)


def duration(seconds: float) -> str:
    seconds = int(seconds)
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02}s"
    return f"{seconds // 3600}h{seconds % 3600 // 60:02}m"


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}M" if size else "-"


def table(rows: list) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def show(cluster: Cluster, as_json: bool) -> int:
    """Prints the status; 1 when a process is not healthy."""
    state = gather(cluster)
    print(json.dumps(state, indent=2) if as_json else render(state))
    return 0 if is_healthy(state) else 1
