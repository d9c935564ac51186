#!/bin/sh
# Installs and uses the files of a release. `cargo xtask package --try` runs this script as root in a clean Debian root with
# a network of its own, so the default ports are free. /try holds the package, the archive, the Dockerfile, and the files of the
# image if there is one.
set -eu

PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C.UTF-8 TERM=dumb DEBIAN_FRONTEND=noninteractive HOME=/root
CONFIG=/etc/carillon/carillon.toml

say() { echo "try: $*"; }
fail() {
    echo "try: FAILED: $*" >&2
    exit 1
}
# same NAME EXPECTED ACTUAL
same() {
    [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"
    say "$1: $3"
}
# Lists the files that a package may leave, without what the system itself writes.
files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /try -o -path /run -o -path /root \) -prune -o \
        -print | grep -Ev '^/var/(cache|log/(dpkg|alternatives|faillog|lastlog)|lib/(dpkg|systemd/deb-systemd-helper-[a-z]+$))|^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|\.pyc$' |
        sort
}
# Starts the server as the unit does, and waits until it accepts connections.
start() {
    setpriv --reuid carillon --regid carillon --clear-groups carillon serve --config "$CONFIG" >/tmp/server.log 2>&1 &
    server=$!
    healthy carillon health || fail "the server does not start: $(cat /tmp/server.log)"
}
stop() {
    kill -TERM "$server"
    wait "$server" || fail "the server ended with $?"
}
# healthy COMMAND...: repeats a command until it succeeds, for at most 20 s.
healthy() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || return 1
        sleep 0.2
    done
}
# repack VERSION FILE: makes the same package with another version and another default configuration.
repack() {
    rm -rf /tmp/again
    dpkg-deb --raw-extract /try/carillon.deb /tmp/again
    sed -i "s/^Version: .*/Version: $1/" /tmp/again/DEBIAN/control
    [ "$3" = same ] || echo "# A new default." >>"/tmp/again$CONFIG"
    dpkg-deb --build /tmp/again "$2" >/dev/null
}

ip link set lo up
mount -t proc proc /proc
files >/tmp/before

say "== install"
dpkg --install /try/carillon.deb
version=$(dpkg-query --show --showformat='${Version}' carillon)
same "program" "carillon ${version%-*}" "$(carillon --version)"
same "user" "/var/lib/carillon:/usr/sbin/nologin" "$(getent passwd carillon | cut -d: -f6-)"
while read -r mode owner path; do
    same "$path" "$mode $owner" "$(stat -c '%a %U:%G' "$path")"
done <<'END'
755 root:root /usr/bin/carillon
755 root:root /etc/carillon
644 root:root /etc/carillon/carillon.toml
640 root:carillon /etc/carillon/users.toml
700 carillon:carillon /var/lib/carillon
644 root:root /usr/lib/systemd/system/carillon.service
644 root:root /usr/share/man/man1/carillon.1.gz
644 root:root /usr/share/bash-completion/completions/carillon
644 root:root /usr/share/zsh/vendor-completions/_carillon
644 root:root /usr/share/fish/vendor_completions.d/carillon.fish
644 root:root /usr/share/doc/carillon/copyright
END
same "configuration files" "$CONFIG" "$(dpkg-query --show --showformat='${Conffiles}' carillon | awk '{print $1}' | xargs)"
[ -z "$(dpkg --verify carillon)" ] || fail "dpkg --verify: $(dpkg --verify carillon)"

say "== unit"
same "enabled" "/usr/lib/systemd/system/carillon.service" "$(readlink -f /etc/systemd/system/multi-user.target.wants/carillon.service)"
systemd-analyze verify /usr/lib/systemd/system/carillon.service
# 10 is no sandbox at all, 0 the strictest. The threshold is ten times the exposure.
systemd-analyze security --no-pager --offline=yes --threshold=20 /usr/lib/systemd/system/carillon.service | tail -n 1

say "== manual pages and completions"
MANWIDTH=80 man carillon >/tmp/man.txt
grep -q '^NAME' /tmp/man.txt || fail "man carillon printed no page"
for page in /usr/share/man/man1/carillon*.gz; do
    warnings=$(man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null)
    [ -z "$warnings" ] || fail "$page: $warnings"
done
say "manual pages: $(find /usr/share/man/man1 -name 'carillon*' | wc -l)"
same "bash" "config" "$(bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader carillon || true
    COMP_WORDS=(carillon conf); COMP_CWORD=1; _carillon carillon conf carillon; echo "${COMPREPLY[*]}"')"
same "zsh" "_carillon" "$(zsh -fc 'autoload -U compinit; compinit -u -d /tmp/zcompdump; autoload +X _carillon; echo $_comps[carillon]')"
same "fish" "config" "$(fish -c 'complete --do-complete "carillon conf"' | cut -f1)"

say "== use"
carillon config check --config "$CONFIG"
start
same "processes of the user" "carillon" "$(stat -c %U "/proc/$server")"
mosquitto_sub -h 127.0.0.1 -t 'sensors/#' -C 1 -W 20 -v >/tmp/received &
subscriber=$!
healthy sh -c "curl -sSf -d '{\"price\": 42}' http://127.0.0.1:8080/api/topics/sensors.hall | grep -q '\"subscriptions\":1'" ||
    fail "the subscriber is not connected"
wait "$subscriber" || fail "the subscriber received nothing"
grep -q '^sensors/hall {"price": 42}$' /tmp/received || fail "received: $(cat /tmp/received)"
say "HTTP to MQTT: $(cat /tmp/received)"
mosquitto_pub -h 127.0.0.1 -q 1 -r -t kept -m 'survives'
curl -sSf http://127.0.0.1:8080/ | grep -q '<title>' || fail "no page"
stop

say "== users"
echo 'correct horse' | carillon user add anna --users /etc/carillon/users.toml >/dev/null
same "users file" "640 root:carillon" "$(stat -c '%a %U:%G' /etc/carillon/users.toml)"
sed -i 's/^# users = /users = /' "$CONFIG"
carillon config check --config "$CONFIG"
start
same "without a login" "401" "$(curl -s -o /dev/null -w '%{http_code}' -d x http://127.0.0.1:8080/api/topics/a)"
same "with a login, without rights" "403" "$(curl -s -o /dev/null -w '%{http_code}' -u 'anna:correct horse' -d x http://127.0.0.1:8080/api/topics/a)"
stop
sed -i 's/^users = /# users = /' "$CONFIG"

say "== upgrade"
echo '# Edited by the operator.' >>"$CONFIG"
repack "${version%-*}-100" /tmp/second.deb same
dpkg --install /tmp/second.deb
grep -q 'Edited by the operator' "$CONFIG" || fail "the configuration was replaced"
repack "${version%-*}-101" /tmp/third.deb changed
dpkg --force-confdef --force-confold --install /tmp/third.deb
grep -q 'Edited by the operator' "$CONFIG" || fail "the configuration was replaced"
[ -e "$CONFIG.dpkg-dist" ] || fail "the new default is not beside the edited file"
start
same "retained message after the upgrade" "survives" "$(mosquitto_sub -h 127.0.0.1 -t kept -C 1 -W 20)"
stop

say "== remove and purge"
dpkg --remove carillon
[ ! -e /usr/bin/carillon ] || fail "the program is still there"
grep -q 'Edited by the operator' "$CONFIG" || fail "the configuration is gone"
[ -d /var/lib/carillon/log ] || [ -n "$(ls -A /var/lib/carillon)" ] || fail "the data are gone"
dpkg --purge carillon
files >/tmp/after
left=$(comm -13 /tmp/before /tmp/after)
[ -z "$left" ] || fail "left after the purge: $left"
gone=$(comm -23 /tmp/before /tmp/after)
[ -z "$gone" ] || fail "removed with the package: $gone"
! getent passwd carillon || fail "the user is still there"
! getent group carillon || fail "the group is still there"
say "nothing is left"

say "== archive"
mkdir /tmp/archive
tar -xzf /try/carillon.tar.gz -C /tmp/archive --strip-components=1 --no-same-owner
for file in carillon README.md LICENSE man/carillon.1 completions/carillon.bash deploy/carillon.service; do
    [ -e "/tmp/archive/$file" ] || fail "$file is not in the archive"
done

say "== empty root, as the image has it"
image=/try/image
if [ ! -e "$image" ]; then
    mkdir -p "$image/data"
    cp /tmp/archive/carillon "$image/carillon"
    chown 65532:65532 "$image/data" "$image/carillon"
fi
# The last ENV of the Dockerfile, as words NAME=VALUE.
variables=$(sed -n '/^ENV /,/[^\\]$/p' /try/Dockerfile | sed 's/^ENV//; s/\\$//' | xargs)
variables="$variables CARILLON_ANONYMOUS=all"
inside="/usr/sbin/chroot --userspec=65532:65532 $image /carillon"
# shellcheck disable=SC2086
env -i $variables $inside >/tmp/image.log 2>&1 &
server=$!
# shellcheck disable=SC2086
healthy $inside health || fail "the image's program does not start: $(cat /tmp/image.log)"
same "user of the process" "65532" "$(stat -c %u "/proc/$server")"
$inside health
mosquitto_pub -h 127.0.0.1 -q 1 -r -t kept -m 'in the volume'
stop
# shellcheck disable=SC2086
env -i $variables $inside >/tmp/image.log 2>&1 &
server=$!
# shellcheck disable=SC2086
healthy $inside health || fail "the image's program does not start again: $(cat /tmp/image.log)"
same "retained message after the restart" "in the volume" "$(mosquitto_sub -h 127.0.0.1 -t kept -C 1 -W 20)"
stop
same "files beside the data" "carillon data" "$(cd "$image" && echo *)"
say "done"
