# set: large
# seconds: 300
cat >t.rb <<'END'
require 'json'; require 'digest'; require 'socket'; require 'set'; require 'timeout'; require 'open3'; require 'stringio'; require 'zlib'
puts (1..1000).map { |x| x * x }.select(&:even?).sum, 2**100, 10.0 / 3, "héllo".reverse.upcase, :sym.to_proc.call("x") rescue puts "no sym"
q = Queue.new; ts = 4.times.map { |i| Thread.new { 1000.times { |k| q << i * k } } }; ts.each(&:join); s = 0; s += q.pop until q.empty?; puts s
puts 3.times.map { |i| fork { exit 3 + i } }.map { |pid| Process.wait2(pid)[1].exitstatus }.inspect
o, st = Open3.capture2("tr a-z A-Z", stdin_data: "pipe"); puts o, st.success?; puts `echo backtick`
server = TCPServer.new("127.0.0.1", 0); t = Thread.new { c = server.accept; c.puts c.gets.reverse; c.close }; c = TCPSocket.new("127.0.0.1", server.addr[1]); c.puts "abc"; puts c.read.strip; t.join
puts Digest::SHA256.hexdigest("x"), JSON.parse('{"a":[1,2.5,null]}').inspect, Zlib.crc32("abc"), [3, 1, 2].sort.inspect, Set[1, 2, 2].size
f = Fiber.new { 3.times { |i| Fiber.yield i }; :done }; puts 4.times.map { f.resume }.inspect; puts Enumerator.new { |y| a, b = 0, 1; loop { y << a; a, b = b, a + b } }.lazy.select(&:odd?).first(8).inspect
begin; Timeout.timeout(0.1) { sleep 5 }; rescue Timeout::Error; puts "timeout"; end
def deep(n) = deep(n + 1); begin; deep(0); rescue SystemStackError; puts "deep"; end
trap("USR1") { puts "usr1" }; Process.kill("USR1", Process.pid); sleep 0.1; r = Ractor.new { Ractor.receive * 2 } rescue nil; GC.start; h = Hash.new { |hh, k| hh[k] = k < 2 ? k : hh[k - 1] + hh[k - 2] }; puts h[80]; puts "%05.2f|%-5s|%x" % [3.14159, "ab", 255]; puts ObjectSpace.count_objects[:TOTAL] > 0
END
ruby -W0 t.rb
