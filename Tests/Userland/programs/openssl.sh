# set: small
# seconds: 120
head -c 100000 /dev/zero >z
for d in md5 sha1 sha224 sha256 sha384 sha512 sha3-256 blake2s256 sm3; do openssl dgst -$d -r z; done
for c in aes-128-cbc aes-256-ctr aes-192-ecb chacha20 camellia-128-cbc; do openssl enc -$c -pbkdf2 -S 0102030405060708 -pass pass:x -in z | openssl dgst -sha256 -r; done
openssl enc -aes-256-cbc -pbkdf2 -pass pass:x -in z | openssl enc -d -aes-256-cbc -pbkdf2 -pass pass:x | cmp - z && echo roundtrip
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out k 2>/dev/null; openssl pkey -in k -pubout -out p; openssl dgst -sha256 -sign k -out s z; openssl dgst -sha256 -verify p -signature s z
for a in ED25519 X25519; do openssl genpkey -algorithm $a | openssl pkey -noout -text | head -n 1; done
openssl ecparam -name prime256v1 -genkey -noout -out e; openssl req -new -x509 -key e -subj /CN=test -days 1 -out c; openssl verify -CAfile c c; openssl x509 -in c -noout -subject
openssl prime 2147483647 2147483649; echo -n x | openssl dgst -sha256 -hmac key; openssl rand -hex 8 | wc -c; openssl kdf -keylen 16 -kdfopt digest:SHA2-256 -kdfopt pass:x -kdfopt salt:y -kdfopt iter:1000 PBKDF2
