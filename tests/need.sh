#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# need.sh packages "PKG-CONFIG NAMES" DEBIAN...   or   need.sh programs "PROGRAMS" DEBIAN...
# Installs the Debian packages if one of the names is missing; on other systems says what is needed.
kind=$1 names=$2
shift 2
missing=
for n in $names; do
    case $kind in
    packages) { command -v pkg-config && pkg-config --exists "$n"; } >/dev/null 2>&1 || missing="$missing $n" ;;
    *) command -v "$n" >/dev/null 2>&1 || missing="$missing $n" ;;
    esac
done
[ "$kind" = packages ] && for n in cc c++; do
    command -v $n >/dev/null 2>&1 || missing="$missing $n"
done
[ -z "$missing" ] && exit 0
echo "missing:$missing"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Please install the equivalents of these Debian packages, then run make again: $*" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null 2>&1; then
    sudo=sudo
else
    echo "Please run as root: apt-get install $*" >&2
    exit 1
fi
echo "installing: $*"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q && $sudo apt-get install -y -q --no-install-recommends "$@" || {
    echo "The packages could not be installed; please install them by hand: $*" >&2
    exit 1
}
