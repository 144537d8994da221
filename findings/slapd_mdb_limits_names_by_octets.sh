#!/usr/bin/env bash
# slapd 2.5.13 (Debian 12), back-mdb: how long a relative DN may be.
# X.520 allows 32,768 characters of organizationalUnitName in the schema that slapd ships (ou{32768}), and no limit of
# its own is documented for names. back-mdb keeps an entry's name twice in one key of at most 511 octets, as it was
# written and normalized: `ou=` and 242 octets are taken, one more is result 80 (other) without any text. Octets count
# and not characters, so a name of 121 å is the longest.
set -euo pipefail
work=$(mktemp -d); trap 'kill "$(cat "$work/pid")" 2>/dev/null || true; sleep 0.5; rm -rf "$work"' EXIT
cd "$work"
apt-get download --quiet=2 slapd=2.5.13+dfsg-5 libldap-2.5-0=2.5.13+dfsg-5 ldap-utils=2.5.13+dfsg-5 2>/dev/null
apt-get download --quiet=2 libltdl7 libodbc2 libargon2-1 libwrap0 libsasl2-2 libsasl2-modules-db 2>/dev/null
for file in ./*.deb; do dpkg-deb --extract "$file" .; done
LD_LIBRARY_PATH=$(dirname "$(find . -name 'libldap-2.5.so.0' | head -1)"); export LD_LIBRARY_PATH="$work/$LD_LIBRARY_PATH"

mkdir data
cat >slapd.conf <<CONF
include $work/etc/ldap/schema/core.schema
modulepath $work/usr/lib/ldap
moduleload back_mdb
pidfile $work/pid
database mdb
suffix o=example
directory $work/data
rootdn cn=root,o=example
rootpw secret
CONF
usr/sbin/slapd -f slapd.conf -h "ldapi://$(printf %s "$work/socket" | sed 's:/:%2F:g')"
client=(-x -H "ldapi://$(printf %s "$work/socket" | sed 's:/:%2F:g')" -D cn=root,o=example -w secret)
usr/bin/ldapadd "${client[@]}" >/dev/null <<'LDIF'
dn: o=example
objectClass: organization
o: example
LDIF
add() {
  name=$(python3 -c 'import sys; print(sys.argv[1] * int(sys.argv[2]))' "$1" "$2")
  status=0
  printf 'dn: ou=%s,o=example\nobjectClass: organizationalUnit\n' "$name" |
    usr/bin/ldapadd "${client[@]}" >/dev/null 2>said || status=$?
  echo "ou of $2 times $1: result $status $(grep 'additional info' said || echo '(no text)')"
}
# shellcheck disable=SC2086
for case in "a 242" "a 243" "å 121" "å 122"; do add $case; done | tee seen
[ "$(grep -o 'result [0-9]*' seen | tr '\n' ' ')" = 'result 0 result 80 result 0 result 80 ' ]
[ "$(grep -c '(no text)' seen)" = 4 ]
