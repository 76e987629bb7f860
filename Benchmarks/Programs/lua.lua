-- Tables, closures, strings, method calls, floating point, coroutines. arg[1] rounds.
local Account = {}
Account.__index = Account
function Account.new(balance) return setmetatable({balance = balance, log = {}}, Account) end
function Account:deposit(amount)
    self.balance = self.balance + amount
    if #self.log < 20 then self.log[#self.log + 1] = amount end
end

local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
local function matrix(n, f)
    local m = {}
    for i = 1, n do
        m[i] = {}
        for j = 1, n do m[i][j] = f(i, j) end
    end
    return m
end
local function times(a, b, n)
    return matrix(n, function(i, j)
        local sum = 0.0
        for k = 1, n do sum = sum + a[i][k] * b[k][j] end
        return sum
    end)
end

local total = 0
for round = 1, tonumber(arg[1]) do
    total = (total * 31 + fib(21)) % 4294967291
    local account = Account.new(round)
    for i = 1, 20000 do account:deposit(i % 7) end
    total = (total * 31 + account.balance) % 4294967291
    local n = 30
    local c = times(matrix(n, function(i, j) return i + j / 2 end), matrix(n, function(i, j) return i - j end), n)
    total = (total * 31 + math.floor(c[7][9])) % 4294967291
    local words = {}
    for i = 1, 3000 do words[i] = string.format("%05d%s", (i * 7919 + round) % 10007, ("x"):rep(i % 3)) end
    table.sort(words, function(a, b) return a > b end)
    local text = table.concat(words, ",")
    for digits in text:gmatch("(%d+)x,") do total = (total + tonumber(digits)) % 4294967291 end
    local produce = coroutine.wrap(function() for i = 1, 3000 do coroutine.yield(i ~ round) end end)
    for _ = 1, 3000 do total = (total * 3 + produce()) % 4294967291 end
end
print(total)
