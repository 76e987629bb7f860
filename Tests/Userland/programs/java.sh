# HotSpot: interpreter, both compilers, several threads, implicit null checks by signals.
# set: large
# seconds: 900
cp "$FILES/Threads.java" T.java
java -version 2>&1 | head -n 1 | cut -d' ' -f1-2; javac T.java; java T; java -Xint -XX:+UseSerialGC -version >/dev/null 2>&1 && echo int; java -XX:TieredStopAtLevel=1 -XX:+UseParallelGC T | head -n 1
