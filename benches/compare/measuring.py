"""Shared by the scripts beside it: statements for a server, and what a command costs its client and its server."""

import os, re, shutil, statistics, subprocess, sys, time

tick = os.sysconf("SC_CLK_TCK")

def run(argv, **more):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    if done.returncode:
        sys.exit(f"{argv}: {done.stderr}")
    return done.stdout

class Postgres:
    scheme = "postgres"
    def __init__(self, url):
        folder = os.environ["PG_BIN"]
        self.tool = lambda name: f"{folder}/{name}"
        self.base = url.rstrip("/")
    def sql(self, database, text):
        return run([self.tool("psql"), "-d", f"{self.base}/{database}", "-v", "ON_ERROR_STOP=1", "-Atqc", text])
    def version(self):
        return "PostgreSQL " + self.sql("postgres", "SHOW server_version").strip()
    def fresh(self, database):
        self.drop(database)
        self.sql("postgres", f"CREATE DATABASE {database}")
    def has(self, database):
        return self.sql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{database}'").strip() == "1"
    def settle(self):
        self.sql("postgres", "CHECKPOINT")
    def drop(self, database):
        self.sql("postgres", f"DROP DATABASE IF EXISTS {database}")

class Mysql:
    scheme = "mysql"
    def __init__(self, url):
        self.base = url.rstrip("/")
        user, password, host, port = re.fullmatch(r"\w+://([^:@]+)(?::([^@]*))?@([^:/]+):(\d+)/?", url).groups()
        self.login = ["-h", host, "-P", port, "-u", user] + ([f"-p{password}"] if password else [])
        self.out = ["-h", host, "-P", port, "-u", user] + (["-p", password] if password else [])  # as mydumper takes it
        self.client = ["mysql", "--no-defaults", "--local-infile=1", *self.login]
    def sql(self, database, text):
        return run([*self.client, "-BN", *([database] if database else []), "-e", text])
    def version(self):
        return self.sql("", "SELECT version()").strip()
    def fresh(self, database):
        self.sql("", f"DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database} CHARACTER SET utf8mb4")
    def has(self, database):
        return database in self.sql("", "SHOW DATABASES").split()
    def settle(self):
        pass
    def drop(self, database):
        self.sql("", f"DROP DATABASE IF EXISTS {database}")

def server_cpu(pid):
    """Read from /proc: the server's process, its children, and the children that it has waited for."""
    if not pid:
        return float("nan")
    def own(stat):  # user and system time, and that of the children that were waited for, in ticks
        return sum(map(int, stat.rsplit(")", 1)[1].split()[11:15]))
    total = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = open(f"/proc/{process}/stat").read()
        except OSError:
            continue
        if process == pid or stat.rsplit(")", 1)[1].split()[1] == pid:
            total += own(stat)
    return total / tick

def measure(argv, pid):
    """Wall time, CPU time of the client with its children, CPU time of the server, peak MiB of the client."""
    served = server_cpu(pid)
    start = time.monotonic()
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=open("out", "w"), stderr=subprocess.PIPE)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    if status:
        sys.exit(f"{argv}: {said.decode()}")
    if pid:
        time.sleep(0.3)  # the server's side of the connection ends a moment later
    return wall, usage.ru_utime + usage.ru_stime, server_cpu(pid) - served, usage.ru_maxrss / 1024

def wanted(steps):
    """The steps whose names hold a part of the variable STEPS, for a quick look; all without it."""
    parts = os.environ.get("STEPS")
    return {name: step for name, step in steps.items() if not parts or any(part in name for part in parts.split(","))}

def show(results, pairs):
    """Medians of what was measured, and ratios of these pairs."""
    median = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in results.items() if runs}
    print(f"{'what':32}{'wall s':>9}{'client CPU s':>14}{'server CPU s':>14}{'peak MiB':>10}")
    for name, (wall, cpu, served, memory) in median.items():
        print(f"{name:32}{wall:9.2f}{cpu:14.2f}{served:14.2f}{memory:10.0f}")
    for a, b in dict.fromkeys(pairs):
        if a in median and b in median:
            ratio = lambda at: f"{median[a][at] / median[b][at]:.2f}" if median[b][at] else "-"
            print(f"{a} / {b}: wall {ratio(0)}, client CPU {ratio(1)}, server CPU {ratio(2)}")
