"""Threads, processes, asyncio and sqlite until a time (seconds since 1970), with results that are checked; for soak.sh."""
import asyncio
import gc
import os
import queue
import sqlite3
import subprocess
import sys
import threading
import time

end = float(sys.argv[1]) - 3
counts = {"threads": 0, "processes": 0, "asyncio": 0, "sqlite": 0}


def with_threads():
    todo, done = queue.Queue(), queue.Queue()

    def work():
        while (item := todo.get()) is not None:
            done.put(sum(range(item)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for i in range(100):
        todo.put(i)
    for _ in threads:
        todo.put(None)
    for t in threads:
        t.join()
    assert done.qsize() == 100 and sum(done.get() for _ in range(100)) == sum(i * (i - 1) // 2 for i in range(100))
    counts["threads"] += 1


def with_processes():
    out = subprocess.run(["/bin/echo", "hello", "there"], capture_output=True, check=True, text=True).stdout
    assert out == "hello there\n", out
    pid = os.fork()
    if pid == 0:
        os._exit(sum(range(10)))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 45
    counts["processes"] += 1


async def pings():
    async def answer(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def ask(n):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for i in range(5):
            writer.write(f"ping {n} {i}\n".encode())
            assert await reader.readline() == f"PING {n} {i}\n".encode()
            await asyncio.sleep(0)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(ask(n) for n in range(10)))
    server.close()
    await server.wait_closed()
    counts["asyncio"] += 1


def with_sqlite():
    db = sqlite3.connect(":memory:")
    db.execute("create table t (k integer primary key, v text)")
    db.executemany("insert into t values (?, ?)", ((i, str(i * i)) for i in range(2000)))
    assert db.execute("select sum(cast(v as integer)) from t where k % 3 = 0").fetchone()[0] == sum(
        i * i for i in range(0, 2000, 3)
    )
    db.close()
    counts["sqlite"] += 1


while time.time() < end:
    with_threads()
    with_processes()
    asyncio.run(pings())
    with_sqlite()
    gc.collect()
print(" ".join(f"{name} {count}" for name, count in counts.items()))
