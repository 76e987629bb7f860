# set: large
# seconds: 300
for i in $(seq 12); do seq $i 7 19999; head -c 9000 /dev/zero; done >f
for t in 7z zip tar; do 7z a -bd -t$t -mmt=2 x.$t f >/dev/null && 7z t x.$t | grep Everything; 7z x -bd -so x.$t | cmp - f && echo $t; done
7z a -bd -m0=ppmd p.7z f >/dev/null; 7z a -bd -psecret -mhe e.7z f >/dev/null; 7z x -so -psecret e.7z | sha256sum; 7z l p.7z | tail -n 1 | awk '{print $3, $5}'; 7z h -scrcSHA256 f | grep 'for data'; 7z a -mx9 -bd l.7z f >/dev/null && 7z t -bd l.7z | grep Everything
