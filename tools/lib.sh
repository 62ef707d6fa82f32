# lib.sh: what `make check` and `make demo` share. To be sourced, with $top the project's directory.
#
# Both bring their own everything: packages that are missing, a build and an installation in a temporary directory, and a
# cluster of their own behind a socket in that directory. Nothing of the machine's own clusters, nor of a build in the
# project's directory, is touched; several can run at once.

say() { printf '%s\n' "$@"; }
die() { printf '%s\n' "leadcrm: $*" >&2; exit 1; }

# settings of the user's session that would lead clients to another server or change their output
clean_environment() {
	local name
	for name in $(env | sed -n 's/^\(PG[A-Z]*\)=.*/\1/p'); do unset "$name"; done
	unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES CDPATH PERL5OPT PROVE_TESTS
	export LC_ALL=C.UTF-8
	umask 022
}

# ---------------------------------------------------------------------------------------------------------------------
# Packages

package_missing() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" != installed ]; }

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		if [ -t 0 ]; then sudo "$@"; else sudo -n "$@"; fi
	else
		return 1
	fi
}

# need_packages NAME...: installs those that are missing, quietly
need_packages() {
	local missing="" name log
	command -v dpkg-query >/dev/null || return 0	# not Debian: what is missing is reported where it is used
	for name in "$@"; do
		if package_missing "$name"; then missing="$missing $name"; fi
	done
	[ -n "$missing" ] || return 0
	say "installing$missing"
	log=$(mktemp)
	# shellcheck disable=SC2086 # a list of words
	if ! apt_install $missing >"$log" 2>&1 </dev/null; then
		# the package lists may be old or absent
		if ! { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update && apt_install $missing; } >"$log" 2>&1 </dev/null; then
			tail -n 20 "$log" >&2
			rm -f "$log"
			die "could not install:$missing (needs root or sudo; install them by hand and try again)"
		fi
	fi
	rm -f "$log"
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends install "$@"
}

# the newest version of PostgreSQL that the distribution offers
distribution_version() {
	local v
	v=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1)
	if [ -z "$v" ]; then
		as_root apt-get -q update >/dev/null 2>&1 </dev/null || true
		v=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1)
	fi
	printf '%s' "$v"
}

# can an extension be built for, and a server be run with, this pg_config?
usable() {
	[ -x "$1" ] && [ -e "$("$1" --includedir-server)/postgres.h" ] && [ -e "$("$1" --pgxs)" ] &&
		[ -x "$("$1" --bindir)/postgres" ] && [ "$(major "$1")" -ge 15 ]
}

major() { "$1" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/'; }

# find_postgres: sets pg_config, bindir, version; installs PostgreSQL where there is none
find_postgres() {
	local candidate
	need_packages make gcc libc6-dev
	if [ -n "${PG_CONFIG:-}" ]; then
		pg_config=$(command -v "$PG_CONFIG") || die "PG_CONFIG=$PG_CONFIG is not a program"
		usable "$pg_config" || die "PG_CONFIG=$PG_CONFIG is not of a server (15 or later) with its header files"
	else
		pg_config=$(newest_postgres)
		if [ -z "$pg_config" ]; then
			command -v apt-get >/dev/null || die "no PostgreSQL 15 or later with its header files found; give PG_CONFIG=/path/to/pg_config"
			version=$(distribution_version)
			[ -n "$version" ] || die "the distribution's packages hold no PostgreSQL"
			[ "$version" -ge 15 ] || die "this distribution has PostgreSQL $version; leadcrm needs 15 or later"
			need_packages "postgresql-$version" "postgresql-server-dev-$version"
			pg_config=$(newest_postgres)
			[ -n "$pg_config" ] || die "PostgreSQL $version was installed but is not found"
		fi
	fi
	version=$(major "$pg_config")
	bindir=$("$pg_config" --bindir)
	# Debian's own builds come with more packages of the same version
	case $bindir in /usr/lib/postgresql/*) packaged=yes ;; *) packaged=no ;; esac
}

newest_postgres() {
	local candidate best="" v=0
	for candidate in /usr/lib/postgresql/*/bin/pg_config "$(command -v pg_config || true)"; do
		if usable "$candidate" 2>/dev/null && [ "$(major "$candidate")" -gt "$v" ]; then
			best=$candidate
			v=$(major "$candidate")
		fi
	done
	printf '%s' "$best"
}

# ---------------------------------------------------------------------------------------------------------------------
# A directory, a build, a cluster

# make_work_directory NAME: sets work, on a path short enough for a socket, which the server's user can reach
make_work_directory() {
	local parent=${TMPDIR:-/tmp}
	[ ${#parent} -le 40 ] || parent=/tmp
	if [ "$(id -u)" -eq 0 ]; then
		server_user=postgres
		id "$server_user" >/dev/null 2>&1 || server_user=nobody
		as_server test -x "$parent" 2>/dev/null || parent=/tmp
	else
		server_user=
	fi
	work=$(mktemp -d "$parent/leadcrm-$1.XXXXXX")
	chmod 755 "$work"
}

# as_server COMMAND...: as the ordinary user who runs the server; PostgreSQL refuses root
as_server() {
	if [ -n "$server_user" ]; then
		runuser -u "$server_user" -- "$@"
	else
		"$@"
	fi
}

# build FLAGS: a copy of the project in $work/build, installed in $work/stage
build() {
	mkdir "$work/build"
	(cd "$top" && tar -c --exclude=./.git --exclude=./.demo --exclude='*.o' --exclude='*.bc' --exclude='*.so' \
		--exclude=./results --exclude=./tmp_check --exclude='./leadcrm--*.sql' -f - .) | tar -x -C "$work/build" -f -
	# with_llvm: a throw-away build needs no bitcode, and clang may not be there
	if ! make -s -C "$work/build" -j "$(nproc)" PG_CONFIG="$pg_config" with_llvm=no COPT="$1" >"$work/build.log" 2>&1 ||
		! make -s -C "$work/build" install PG_CONFIG="$pg_config" with_llvm=no COPT="$1" DESTDIR="$work/stage" >>"$work/build.log" 2>&1
	then
		cat "$work/build.log" >&2
		return 1
	fi
	if [ -n "$server_user" ]; then chown -R "$server_user" "$work"; fi
}

# build_unit_tests DIRECTORY: pure C under sanitizers. A unit test names the files that it needs: "sources: src/a.c src/b.c"
build_unit_tests() {
	local file sources program
	mkdir -p "$1"
	for file in test/unit/*.c; do
		[ -e "$file" ] || continue
		sources=$(sed -n 's/.*sources: *\([^*]*\).*/\1/p' "$file" | head -n 1)
		program=$1/$(basename "$file" .c)
		# shellcheck disable=SC2086 # a list of files
		if ! gcc -std=c11 -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all -Isrc -Itest/unit \
			-o "$program" "$file" $sources -lm; then
			printf '#!/bin/sh\necho "1..1"; echo "not ok 1 - %s does not compile"\n' "$file" >"$program"
			chmod +x "$program"
		fi
	done
}

# has_setting NAME: does this build of PostgreSQL know it? Needs $work/data
has_setting() { as_server "$bindir/postgres" -D "$work/data" -C "$1" >/dev/null 2>&1; }

# configuration: the settings that let a server load the extension from $work/stage
configuration() {
	local sharedir pkglibdir
	sharedir=$("$pg_config" --sharedir)
	pkglibdir=$("$pg_config" --pkglibdir)
	# Debian's builds have a setting of their own for extensions in another place, PostgreSQL 18 has one for everybody
	if has_setting extension_control_path; then
		say "extension_control_path = '$work/stage$sharedir:\$system'"
	elif has_setting extension_destdir; then
		say "extension_destdir = '$work/stage'"
	else
		die "this build of PostgreSQL $version loads extensions from its own directory only: run make install and make installcheck"
	fi
	say "dynamic_library_path = '$work/stage$pkglibdir:\$libdir'"
	say "fsync = off"
	say "max_prepared_transactions = 10"
}

# make_cluster: in $work/data, not started; its settings also in $work/extra.conf
make_cluster() {
	local locale=C
	if locale -a 2>/dev/null | grep -qix 'C\.utf-\{0,1\}8'; then locale=C.UTF-8; fi
	as_server "$bindir/initdb" -D "$work/data" -U postgres -A trust -E UTF8 --locale="$locale" -N >"$work/initdb.log" 2>&1 ||
		{ cat "$work/initdb.log" >&2; return 1; }
	configuration >"$work/extra.conf" || return 1
	{ cat "$work/extra.conf"; say "listen_addresses = ''" "unix_socket_directories = '$work'"; } |
		as_server tee -a "$work/data/postgresql.conf" >/dev/null
	PATH=$bindir:$PATH
}

# start_cluster: with its socket in $work; sets what clients need to find it
start_cluster() {
	as_server "$bindir/pg_ctl" -D "$work/data" -l "$work/server.log" -w -t 120 start >/dev/null </dev/null ||
		{ cat "$work/server.log" >&2; return 1; }
	export PGHOST="$work" PGUSER=postgres PGDATABASE=postgres
}

# stop_cluster DIRECTORY: the server that runs there, by its own process number, if it still is that server
stop_cluster() {
	local pid
	pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) || return 0
	case $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) in
		*"$1/data"*) ;;
		*) return 0 ;;
	esac
	kill -INT "$pid" 2>/dev/null || true
	for _ in $(seq 1 300); do
		[ -d "/proc/$pid" ] || return 0
		sleep 0.1
	done
	kill -QUIT "$pid" 2>/dev/null || true
	sleep 1
}
