#!/usr/bin/env bash
# slapd 2.5.13 (Debian 12), back-mdb, core schema: caseIgnoreMatch and the German sharp s.
# RFC 4518 section 2.2 has a server map letters as stringprep's table B.2 does, ß to ss, before it compares.
# slapd folds case for an attribute with caseIgnoreMatch (Å and å are one value: the second add is refused with
# typeOrValueExists), but keeps `Strauß` and `Strauss` as two values of one attribute, and a filter for the one does
# not find the other. Whoever compares by the RFC, and takes them for one, never corrects the spelling.
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
description: Å
description: Strauß
LDIF
modify() { printf 'dn: o=example\nchangetype: modify\nadd: description\ndescription: %s\n' "$1" |
  usr/bin/ldapmodify "${client[@]}" >/dev/null 2>&1; }
status=0; modify å || status=$?
echo "adding å beside Å: result $status"
[ "$status" = 20 ]
modify Strauss && echo 'adding Strauss beside Strauß: result 0'
for value in Strauß Strauss STRAUSS; do
  found=$(usr/bin/ldapsearch "${client[@]}" -LLL -b o=example "(description=$value)" dn | grep -c ^dn: || true)
  echo "filter $value: $found"
done
usr/bin/ldapmodify "${client[@]}" >/dev/null <<'LDIF'
dn: o=example
changetype: modify
delete: description
description: Strauss
LDIF
found=$(usr/bin/ldapsearch "${client[@]}" -LLL -b o=example '(description=Strauss)' dn | grep -c ^dn: || true)
echo "filter Strauss, with Strauß alone there: $found"
[ "$found" = 0 ]
