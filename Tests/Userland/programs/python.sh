# Threads, processes, event loop, database and TLS modules.
# set: small
# seconds: 240
cat >t.py <<'END'
import asyncio, concurrent.futures as cf, ctypes, decimal, hashlib, json, math, mmap, os, random, re, select, signal, socket, sqlite3, ssl
import struct, subprocess, sys, tempfile, threading, time, zlib, lzma, bz2, queue, multiprocessing as mp, itertools, collections, platform, fcntl, resource

def work(n):
    s = 0
    for i in range(n): s = (s * 31 + i) & 0xffffffff
    return s

print("threads", sum(cf.ThreadPoolExecutor(4).map(work, [20000] * 8)))
lock, total = threading.Lock(), 0
def add():
    global total
    for _ in range(2000):
        with lock: total += 1
ts = [threading.Thread(target=add) for _ in range(8)]; [t.start() for t in ts]; [t.join() for t in ts]; print("lock", total)
q = queue.Queue(10); t = threading.Thread(target=lambda: [q.put(i) for i in range(100)]); t.start(); print("queue", sum(q.get() for _ in range(100))); t.join()
e = threading.Event(); print("event", e.wait(0.01))
r = subprocess.run(["sh", "-c", "cat; echo err >&2; exit 3"], input=b"in\n", capture_output=True); print(r.returncode, r.stdout, r.stderr)
p = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"]); p.terminate(); print("terminated", p.wait())
def child(c): c.send([os.getpid() != os.getppid(), work(1000)]); c.close()
if __name__ == "__main__":
    for method in ("fork", "spawn"):
        a, b = mp.get_context(method).Pipe(); k = mp.get_context(method).Process(target=child, args=(b,)); k.start(); print(method, a.recv()); k.join(); print(k.exitcode)
    with mp.get_context("fork").Pool(3) as pool: print("pool", pool.map(work, range(0, 1000, 250)))

    async def echo(r, w):
        w.write((await r.readline()).upper()); await w.drain(); w.close()
    async def main():
        s = await asyncio.start_server(echo, "127.0.0.1", 0); port = s.sockets[0].getsockname()[1]
        async def one(i):
            r, w = await asyncio.open_connection("127.0.0.1", port); w.write(b"hello %d\n" % i); x = await r.readline(); w.close(); return x
        print(sorted(await asyncio.gather(*(one(i) for i in range(20))))[:3])
        pr = await asyncio.create_subprocess_exec("echo", "sub", stdout=asyncio.subprocess.PIPE); print((await pr.communicate())[0], pr.returncode)
        try: await asyncio.wait_for(asyncio.sleep(5), 0.05)
        except asyncio.TimeoutError: print("timeout")
    asyncio.run(main())

    db = sqlite3.connect("t.db"); db.execute("create table t(a integer primary key, b text, c real)")
    db.executemany("insert into t(b, c) values(?, ?)", ((str(i * 7919 % 1000), i / 7) for i in range(5000))); db.commit()
    print(db.execute("select count(distinct b), round(sum(c), 3), max(b) from t where a % 3 = 0").fetchone(), db.execute("pragma integrity_check").fetchone())
    subprocess.run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out c.pem -subj /CN=localhost -days 2 2>/dev/null", shell=True, check=True)
    sc = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); sc.load_cert_chain("c.pem", "k.pem"); cc = ssl.create_default_context(cafile="c.pem")
    ls = socket.create_server(("127.0.0.1", 0))
    def serve():
        c, _ = ls.accept(); s = sc.wrap_socket(c, server_side=True); s.sendall(s.recv(100)[::-1]); s.close()
    t = threading.Thread(target=serve); t.start(); s = cc.wrap_socket(socket.create_connection(ls.getsockname()), server_hostname="localhost"); s.sendall(b"secret"); print(s.version(), s.recv(100)); t.join()
    for h in ("md5", "sha1", "sha256", "sha3_512", "blake2b"): print(h, hashlib.new(h, b"x" * 1000).hexdigest()[:24])
    data = json.dumps([{"i": i, "f": i / 3} for i in range(500)]).encode(); print(len(data), len(zlib.compress(data)), len(bz2.compress(data)), len(lzma.compress(data)), zlib.crc32(data))
    print(decimal.Decimal(2).sqrt(decimal.Context(40)), math.gamma(5.5), math.fsum([.1] * 10), 2 ** 200 % (10 ** 9 + 7), random.Random(7).random())
    hits = []; signal.signal(signal.SIGALRM, lambda *a: hits.append(1)); signal.setitimer(signal.ITIMER_REAL, .01, .01); t0 = time.monotonic()
    while len(hits) < 5 and time.monotonic() - t0 < 20: work(100)
    signal.setitimer(signal.ITIMER_REAL, 0); print("signals", len(hits) >= 5)
    m = mmap.mmap(-1, 8192); m[4096:4100] = b"abcd"; pid = os.fork()
    if pid == 0: m[0:1] = b"C"; os._exit(9)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), m[0:1])
    a, b = socket.socketpair(); f = os.open("t.db", os.O_RDONLY); socket.send_fds(a, [b"x"], [f]); msg, fds, _, _ = socket.recv_fds(b, 10, 2); print(msg, os.read(fds[0], 6))
    ep = select.epoll(); ep.register(a.fileno(), select.EPOLLIN); b.send(b"!"); print([(ev) for _, ev in ep.poll(1)])
    libc = ctypes.CDLL(None); cmp = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
    arr = (ctypes.c_int * 6)(5, 2, 9, 1, 7, 3); libc.qsort(arr, 6, 4, cmp(lambda x, y: x[0] - y[0])); print("callback", list(arr))
    print(re.sub(r"(?P<a>\w)(\d+)", lambda m: m["a"] * int(m[2]), "x3 y2 z10"), collections.Counter("abracadabra").most_common(2), list(itertools.islice(itertools.permutations("abc"), 3)))
    print(resource.getrlimit(resource.RLIMIT_CORE)[0] >= -1, fcntl.fcntl(0, fcntl.F_GETFD), struct.pack(">dHf", 1.5, 7, 2.25).hex(), sys.byteorder, sys.maxsize)
    try: ctypes.string_at
    except Exception: pass
    def deep(n): return 0 if n == 0 else 1 + deep(n - 1)
    try: deep(10 ** 6)
    except RecursionError: print("recursion")
    print(os.path.exists("/proc/self/maps"), open("/proc/self/comm").read().strip() != "", os.path.basename(os.readlink("/proc/self/exe"))[:6])
END
python3 t.py
