# Pure Python: objects, dictionaries, generators, sorting with keys, exceptions, big integers, a regular expression. argv[1] rounds.
import re
import sys


class Vector:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)


class Node:
    def __init__(self, key):
        self.key, self.left, self.right = key, None, None

    def insert(self, key):
        side = "left" if key < self.key else "right"
        child = getattr(self, side)
        if child is None:
            setattr(self, side, Node(key))
        else:
            child.insert(key)

    def walk(self):
        if self.left:
            yield from self.left.walk()
        yield self.key
        if self.right:
            yield from self.right.walk()


def queens(n, columns=(), up=(), down=()):
    row = len(columns)
    if row == n:
        return 1
    return sum(
        queens(n, columns + (c,), up + (c + row,), down + (c - row,))
        for c in range(n)
        if c not in columns and c + row not in up and c - row not in down
    )


def sieve(limit):
    flags = bytearray([1]) * limit
    for i in range(2, int(limit**0.5) + 1):
        if flags[i]:
            flags[i * i :: i] = bytes(len(range(i * i, limit, i)))
    return sum(flags) - 2


def words(seed, count):
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        yield "".join(chr(97 + (seed >> s) % 26) for s in (3, 7, 11, 15))


def one_round(number):
    total = Vector(0, 0.5)
    for i in range(6000):
        total = total + Vector(i ^ number, 0.25)
    tree, state = Node(500000), number
    for _ in range(1500):
        state = (state * 69069 + 1) % 1000003
        tree.insert(state)
    ordered = list(tree.walk())
    counts = {}
    for word in words(number, 4000):
        counts[word[:2]] = counts.get(word[:2], 0) + 1
    best = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]
    failures = 0
    for i in range(2000):
        try:
            if i % 3 == 0:
                raise ValueError(i)
        except ValueError as error:
            failures += error.args[0]
    big = pow(3, 2000 + number) % 10**40
    text = " ".join(words(number + 1, 500))
    matches = len(re.findall(r"\b[a-m]+([n-z])\w*\b", text))
    return hash((total.x, int(total.y), ordered[700], failures, big, matches)) ^ queens(6) ^ sieve(20000) ^ len(repr(best))


result = 0
for i in range(int(sys.argv[1])):
    result = (result * 31 + one_round(i)) & 0xFFFFFFFFFFFFFFFF
print(f"{result:016x}")
