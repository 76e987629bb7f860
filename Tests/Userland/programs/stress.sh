# stress-ng checks its own results (--verify) over processor, memory, futex, signal, pipe, process, thread and mapping work.
# set: large
# seconds: 1200
# One mutex instance: its threads run at real-time priority, and where they finish before the thread that starts them runs on, stress-ng
# takes that for a failure to create any.
for class in 'cpu 1 --cpu-ops 60' 'vm 2 --vm-bytes 8M --vm-ops 4000' 'futex 2 --futex-ops 3000' 'sigq 2 --sigq-ops 2000' 'sigfd 1 --sigfd-ops 2000' 'sigsegv 1 --sigsegv-ops 2000' 'sigsuspend 1 --sigsuspend-ops 1000' 'signal 1 --signal-ops 2000' 'pipe 2 --pipe-ops 2000' 'fork 2 --fork-ops 60' 'vfork 1 --vfork-ops 60' 'pthread 2 --pthread-ops 100' 'clone 1 --clone-ops 60' 'mmap 1 --mmap-bytes 16M --mmap-ops 60' 'mremap 1 --mremap-ops 60' 'mprotect 1 --mprotect-ops 200' 'timer 1 --timer-ops 200' 'mutex 1 --mutex-ops 20000' 'sem 2 --sem-ops 2000' 'sem-sysv 2 --sem-sysv-ops 500' 'msg 2 --msg-ops 2000' 'shm-sysv 1 --shm-sysv-ops 30 --shm-sysv-bytes 1M' 'eventfd 1 --eventfd-ops 2000' 'epoll 1 --epoll-ops 300' 'switch 2 --switch-ops 3000' 'atomic 1 --atomic-ops 200' 'membarrier 1 --membarrier-ops 200' 'tsearch 1 --tsearch-ops 2' 'qsort 1 --qsort-ops 1' 'matrix 1 --matrix-ops 20' 'vecmath 1 --vecmath-ops 20' 'exec 1 --exec-ops 4' 'wait 1 --wait-ops 100' 'zombie 1 --zombie-ops 50' 'kill 1 --kill-ops 500' 'tmpfs 0' 'robust-futex 0'; do
    case $class in *' 0') continue ;; esac
    name=${class%% *}
    stress-ng --quiet --verify --temp-path "$PWD" --timeout 60 --$class >$name.log 2>&1
    echo "$name $?"
    grep -iE 'fail|abort|segfault' $name.log | head -n 3
done
