// Virtual calls: shapes in an array and a tree of expressions, argv[1] rounds.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {
struct Shape {
    virtual ~Shape() = default;
    virtual uint32_t area() const = 0;
    virtual void grow(uint32_t by) = 0;
};
struct Square final : Shape {
    uint32_t side;
    explicit Square(uint32_t s) : side(s) {}
    uint32_t area() const override { return side * side; }
    void grow(uint32_t by) override { side = (side + by) & 1023; }
};
struct Rectangle : Shape {
    uint32_t a, b;
    Rectangle(uint32_t x, uint32_t y) : a(x), b(y) {}
    uint32_t area() const override { return a * b; }
    void grow(uint32_t by) override { a = (a + by) & 511, b ^= 1; }
};
struct Frame final : Rectangle {
    using Rectangle::Rectangle;
    uint32_t area() const override { return Rectangle::area() - (a > 2 && b > 2 ? (a - 2) * (b - 2) : 0); }
};
struct Triangle final : Shape {
    uint32_t base, height;
    Triangle(uint32_t x, uint32_t y) : base(x), height(y) {}
    uint32_t area() const override { return base * height / 2; }
    void grow(uint32_t by) override { height = (height + by) & 255; }
};

struct Expression {
    virtual ~Expression() = default;
    virtual uint64_t value(uint64_t x) const = 0;
};
using Child = std::unique_ptr<Expression>;
struct Constant final : Expression {
    uint64_t number;
    explicit Constant(uint64_t n) : number(n) {}
    uint64_t value(uint64_t) const override { return number; }
};
struct Variable final : Expression {
    uint64_t value(uint64_t x) const override { return x; }
};
struct Sum final : Expression {
    Child a, b;
    Sum(Child x, Child y) : a(std::move(x)), b(std::move(y)) {}
    uint64_t value(uint64_t x) const override { return a->value(x) + b->value(x); }
};
struct Product final : Expression {
    Child a, b;
    Product(Child x, Child y) : a(std::move(x)), b(std::move(y)) {}
    uint64_t value(uint64_t x) const override { return a->value(x) * b->value(x + 1); }
};

uint32_t state = 7;
uint32_t draw() { return (state = state * 1664525 + 1013904223) >> 16; }
Child tree(int depth) {
    if (depth == 0) return draw() & 1 ? Child(new Variable) : Child(new Constant(draw()));
    Child a = tree(depth - 1), b = tree(depth - 1);
    return draw() & 1 ? Child(new Sum(std::move(a), std::move(b))) : Child(new Product(std::move(a), std::move(b)));
}
}  // namespace

int main(int argc, char **argv) {
    long rounds = argc > 1 ? std::atol(argv[1]) : 100;
    std::vector<std::unique_ptr<Shape>> shapes;
    for (int i = 0; i < 1000; i++) {
        uint32_t x = draw() & 255, y = draw() & 255;
        switch (draw() & 3) {
        case 0: shapes.emplace_back(new Square(x)); break;
        case 1: shapes.emplace_back(new Rectangle(x, y)); break;
        case 2: shapes.emplace_back(new Frame(x, y)); break;
        default: shapes.emplace_back(new Triangle(x, y)); break;
        }
    }
    Child expression = tree(9);
    uint64_t sum = 0;
    for (long i = 0; i < rounds; i++) {
        for (auto &shape : shapes) {
            sum += shape->area();
            shape->grow(static_cast<uint32_t>(sum & 7));
        }
        sum = sum * 31 + expression->value(sum & 0xffff);
    }
    std::printf("%016llx\n", static_cast<unsigned long long>(sum));
}
