# Columns, associative arrays, regular expressions and string functions over a text; the variable `rounds` says how often.
BEGIN {
    for (round = 1; round <= rounds; round++) {
        while ((getline line <ARGV[1]) > 0) {
            n = split(line, words, " ")
            sums[words[1]] += words[2]
            for (i = 3; i <= n; i++) {
                lengths[length(words[i])]++
                if (words[i] ~ /^(ka|mil|so).*(er|an|bo)$/) matched++
            }
            gsub(/[aeiou]+/, "-", line)
            hash = (hash * 31 + length(line) + index(line, "v-n")) % 16777213
        }
        close(ARGV[1])
    }
    for (word in sums) total += sums[word]
    for (size in lengths) weighted += size * lengths[size]
    print total, weighted, matched, hash, toupper(substr(line, 1, 10)), sprintf("%.3f", sin(total) * exp(1))
}
