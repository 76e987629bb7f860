# set: small
# seconds: 180
for i in $(seq 40); do seq $i 7 9999; head -c 5000 /dev/zero; done >f; sha256sum <f
for c in 'gzip -6' 'bzip2 -9' 'xz -6 -T2' 'zstd -19 -T2 -q' 'zstd -3 -q' 'xz --format=lzma'; do $c -c <f >o; set -- $c; echo "$c $(stat -c %s o)" | sed 's/\(gzip.*\) .*/\1/'; d=$1; [ "$2" = --format=lzma ] && d='xz --format=lzma'; $d -dc <o | cmp - f && echo back; done
mkdir t; cp f t/a; echo x >t/b; ln -s a t/l; for z in z j J; do tar -c${z}f t.tar.$z --sort=name --mtime=@0 --owner=0 --group=0 t; tar -x${z}f t.tar.$z -C . --one-top-level=x$z; diff -r t x$z/t && echo tar$z; done
tar -cf - t --sort=name --mtime=@0 --owner=0 --group=0 --mode=644 | sha256sum; tar -tvf t.tar.z | awk '{print $1, $NF}'; head -c 1000 o | zstd -dc 2>/dev/null | wc -c; gzip -t f 2>/dev/null || echo bad; zcat t.tar.z | wc -c
