# V8: optimising compilers, WebAssembly, workers, child processes, sockets.
# set: large
# seconds: 600
cat >t.js <<'END'
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads'), cp = require('child_process'), http = require('http'), crypto = require('crypto'), fs = require('fs'), zlib = require('zlib'), assert = require('assert');
function hot(n) { let s = 0; for (let i = 0; i < n; i++) s = (s * 31 + i) | 0; return s; }
if (!isMainThread) { parentPort.postMessage(hot(workerData)); } else (async () => {
  console.log(hot(1e7)); class A { constructor(x) { this.x = x; } get d() { return this.x * 2; } } let t = 0; for (let i = 0; i < 1e6; i++) t += new A(i).d; console.log(t);
  const f = new Float64Array(1e5).map((_, i) => Math.sin(i)); console.log(f.reduce((a, b) => a + b, 0).toFixed(9), [..."héllo"].reverse().join(''), 2n ** 100n, /(\d+)-(?<n>\w+)/.exec("12-ab").groups.n);
  const w = new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,1,6,1,96,1,127,1,127,3,2,1,0,7,7,1,3,102,97,99,0,0,10,23,1,21,0,32,0,69,4,127,65,1,5,32,0,32,0,65,1,107,16,0,108,11,11])); console.log(new WebAssembly.Instance(w).exports.fac(10));
  const rs = await Promise.all([1, 2, 3].map(k => new Promise((ok, no) => { const x = new Worker(__filename, { workerData: k * 1e6 }); x.on('message', ok); x.on('error', no); }))); console.log(rs);
  console.log(cp.execFileSync('sh', ['-c', 'echo child $0', 'x']).toString().trim(), cp.spawnSync(process.execPath, ['-e', 'process.exit(7)']).status);
  const s = http.createServer((q, r) => { let b = ''; q.on('data', d => b += d).on('end', () => r.end(b.toUpperCase())); }); await new Promise(r => s.listen(0, '127.0.0.1', r));
  const get = b => new Promise((ok, no) => { const q = http.request({ port: s.address().port, host: '127.0.0.1', method: 'POST' }, r => { let o = ''; r.on('data', d => o += d).on('end', () => ok(o)); }); q.on('error', no); q.end(b); }); console.log(await Promise.all(['a', 'bc'].map(get))); s.close();
  console.log(crypto.createHash('sha256').update('x'.repeat(1e6)).digest('hex').slice(0, 16), zlib.gunzipSync(zlib.gzipSync('y'.repeat(1e5))).length, crypto.createCipheriv('aes-128-gcm', Buffer.alloc(16), Buffer.alloc(12)).update('z').toString('hex'));
  let m = new Map(); for (let i = 0; i < 2e5; i++) m.set('k' + i, { i, a: [i] }); m = null; await new Promise(r => setTimeout(r, 10)); try { (function r() { r(); })(); } catch (e) { console.log(e instanceof RangeError); } try { null.x; } catch (e) { console.log(e.constructor.name); }
  console.log(JSON.parse(JSON.stringify({ a: [1, { b: null }] })).a[1].b, eval('(' + Array.from({ length: 200 }, (_, i) => `(x=>x+${i})(1)`).join('+') + ')'), new Intl.NumberFormat('de').format(1234567.891)); await fs.promises.writeFile('o', 'text'); console.log(fs.readFileSync('o', 'utf8'), new Date(0).toISOString(), process.memoryUsage().rss > 0);
  const sab = new Int32Array(new SharedArrayBuffer(4)); Atomics.add(sab, 0, 5); console.log(Atomics.load(sab, 0)); process.on('SIGUSR2', () => { console.log('signal'); process.exit(0); }); process.kill(process.pid, 'SIGUSR2'); setTimeout(() => {}, 5000);
})();
END
node t.js
