// Runs until it is killed.
.text
.global _start
_start:
    b _start
