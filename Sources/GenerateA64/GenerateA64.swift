@main struct GenerateA64 { static func main() { } }
