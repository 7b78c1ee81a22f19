# Sourced by the scripts beside it, at the root of the repository: the program to measure, a folder to work in ($work, which becomes the
# current one), and throwaway servers on 127.0.0.1, tuned like a server that is not the default toy: 1 GiB of buffers, 4 GiB of log before a
# checkpoint; nothing is flushed to disk, because the disk is not what is compared. As root, servers run as nobody. Environment:
#   BIN           the program to measure (default: a release build)
#   PG_BIN        folder with initdb, postgres, pg_dump, pg_restore, psql (default: the newest under /usr/lib/postgresql)
#   REAL_DB       a program that starts Oracle's MySQL where 'mysqld' is not it (see tests/servers)
#   SERVER_URL    a running server instead (postgres://USER@HOST:PORT or mysql://USER:PASSWORD@HOST:PORT, databases are made
#                 and dropped), with SERVER_PID for its CPU time if it runs on this machine
compare=$PWD/benches/compare
export PYTHONPATH=$compare PYTHONDONTWRITEBYTECODE=1
if [ -z "${BIN:-}" ]; then
  cargo build --locked --release --quiet
  BIN=${CARGO_TARGET_DIR:-target}/release/terp-fixtures
fi
BIN=$(realpath "$BIN")
work=$(mktemp -d)
chmod 755 "$work"
server=''
finish() {
  if [ -d "$work/real" ]; then
    "$REAL_DB" down "$work/real" || true
  elif [ -n "$server" ]; then
    kill -INT "$server" 2>/dev/null || true # PostgreSQL waits for nobody then
    kill -TERM "$server" 2>/dev/null || true # MariaDB in the background of a shell does not hear the other
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT
cd "$work"

as_nobody=() # servers refuse to run as root
[ "$(id -u)" != 0 ] || as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_until() { # wait_until COMMAND...
  for _ in $(seq 300); do "$@" >/dev/null 2>&1 && return; sleep 0.2; done
  echo "the server does not start:" >&2; tail -n 20 "$work/server.log" >&2; exit 1
}

start_postgres() {
  local port; port=$(free_port)
  mkdir data && { [ "$(id -u)" != 0 ] || chown 65534:65534 data; }
  "${as_nobody[@]}" "$PG_BIN/initdb" -D "$work/data" -U bench -A trust -E UTF8 --locale=C.UTF-8 --no-sync >init.log
  "${as_nobody[@]}" "$PG_BIN/postgres" -D "$work/data" -p "$port" -h 127.0.0.1 -k '' -c fsync=off -c full_page_writes=off \
    -c synchronous_commit=off -c shared_buffers=1GB -c maintenance_work_mem=256MB -c work_mem=32MB -c max_wal_size=4GB \
    -c autovacuum=off >server.log 2>&1 </dev/null &
  server=$!
  SERVER_URL=postgres://bench@127.0.0.1:$port
  wait_until "$PG_BIN/psql" -d "$SERVER_URL/postgres" -c 'SELECT 1'
}

start_mysql() { # start_mysql PROGRAM
  local port; port=$(free_port)
  local program install=(); program=$(command -v "$1" || echo "/usr/sbin/$1")
  if [ "$1" = mysqld ] && "$program" --no-defaults --version 2>/dev/null | grep -qi mariadb; then
    start_real "$port"
    return
  fi
  mkdir data && { [ "$(id -u)" != 0 ] || chown 65534:65534 data . ; }
  if [ "$1" = mariadbd ]; then
    "${as_nobody[@]}" mariadb-install-db --no-defaults --datadir="$work/data" --auth-root-authentication-method=normal >init.log 2>&1
  else
    "${as_nobody[@]}" "$program" --no-defaults --datadir="$work/data" --initialize-insecure >init.log 2>&1
    install=(--mysqlx=OFF)
  fi
  "${as_nobody[@]}" "$program" --no-defaults --datadir="$work/data" --bind-address=127.0.0.1 --port="$port" --socket="$work/data/s.sock" \
    --local-infile=1 --innodb-buffer-pool-size=1G --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 --sync-binlog=0 \
    --innodb-log-file-size=1G --loose-innodb-flush-method=nosync --loose-sync-frm=OFF --max-allowed-packet=256M ${install[@]+"${install[@]}"} >server.log 2>&1 </dev/null &
  server=$!
  SERVER_URL=mysql://root@127.0.0.1:$port
  wait_until mysql --no-defaults -h 127.0.0.1 -P "$port" -u root -e 'SELECT 1'
}

start_real() { # start_real PORT: what cannot be set while it runs stays as it is
  "${REAL_DB:?mysqld is MariaDB here; name a program that starts Oracle MySQL}" up mysql "$work/real" "$1" >real.log 2>&1 </dev/null ||
    { tail -n 20 real.log >&2; exit 1; }
  SERVER_URL=$(tail -n 1 real.log)
  SERVER_URL=${SERVER_URL%/}
  SERVER_PID=$(cat "$work/real/pid")
  mysql --no-defaults -h 127.0.0.1 -P "$1" -u root -e "SET GLOBAL innodb_buffer_pool_size = 1 << 30, GLOBAL innodb_flush_log_at_trx_commit = 0,
    GLOBAL sync_binlog = 0, GLOBAL innodb_redo_log_capacity = 4 << 30, GLOBAL max_allowed_packet = 256 << 20, GLOBAL local_infile = 1"
}

start_server() { # start_server postgres|mariadb|mysql: sets SERVER_URL and SERVER_PID
  case $1 in
    postgres)
      export PG_BIN=${PG_BIN:-$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)}
      [ -n "${SERVER_URL:-}" ] || start_postgres ;;
    mariadb) [ -n "${SERVER_URL:-}" ] || start_mysql mariadbd ;;
    mysql) [ -n "${SERVER_URL:-}" ] || start_mysql mysqld ;;
    *) echo "unknown server $1" >&2; exit 1 ;;
  esac
  SERVER_PID=${SERVER_PID:-$server}
}
