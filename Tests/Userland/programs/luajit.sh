# A tracing JIT compiler.
# set: large
# seconds: 120
cat >t.lua <<'END'
local ffi = require("ffi"); ffi.cdef [[ int abs(int); typedef struct { double x, y; } P; size_t strlen(const char *); ]]
local s = 0; for i = 1, 3e7 do s = s + i % 7 end; print(s)
local a = ffi.new("P[1000]"); for k = 1, 100 do for i = 0, 999 do a[i].x = a[i].x + i * k; a[i].y = a[i].x / 3 end end; print(a[999].x, ffi.C.abs(-5), ffi.C.strlen("four"))
local t = {}; for i = 1, 2e5 do t[i] = (i * 7919) % 100003 end; table.sort(t); print(t[1], t[#t])
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end; print(fib(27))
local p = {}; for i = 1, 20000 do p[#p + 1] = string.format("%d:%s", i, ("x"):rep(i % 5)) end; print(#table.concat(p, ","))
for r = 1, 300 do local f = loadstring("local x = ... for i = 1, 200 do x = x + i * " .. r .. " end return x"); s = s + f(r) end; print(s, jit.status() and "jit")
print(pcall(function() local n; return n.x end) == false, bit and bit.bxor(0xff, 0x0f), collectgarbage("count") > 0)
local cb = ffi.cast("int (*)(int)", function(x) return x * 2 end); print(cb(21)); cb:free()
END
luajit t.lua; luajit -joff -e 'print(1)'
