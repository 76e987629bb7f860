@main struct Needletail { static func main() { print("needletail") } }
