# set: large
# seconds: 120
curl --version | head -n 1 | cut -d' ' -f1; seq 100000 >f; curl -s "file://$PWD/f" | sha256sum
python3 -c '
import http.server as h, socketserver
class H(h.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def do_POST(self):
        d = self.rfile.read(int(self.headers["Content-Length"])); self.send_response(200); self.send_header("Content-Length", str(len(d))); self.end_headers(); self.wfile.write(d[::-1])
s = h.ThreadingHTTPServer(("127.0.0.1", 0), H); open("port.new", "w").write(str(s.server_port)); import os; os.rename("port.new", "port"); s.serve_forever()' &
server=$!
for n in $(seq 300); do [ -s port ] && break; sleep 0.1; done
port=$(cat port)
curl -s "http://127.0.0.1:$port/f" | sha256sum; curl -s -d abcdef "http://127.0.0.1:$port/"; echo; curl -s -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$port/none"; curl -s -r 0-9 "file://$PWD/f"; curl -s --no-progress-meter --parallel "http://127.0.0.1:$port/f" -o a "http://127.0.0.1:$port/f" -o b; cmp a b && echo parallel
curl -s "http://127.0.0.1:1/" ; echo "status $?"; kill $server; wait $server 2>/dev/null; echo "killed $?"
