#!/usr/bin/env bash
# Installs what building eddy needs beside Go: a C compiler's Lua 5.4 headers and library, and pkg-config.
# Does nothing when they are there. On systems without apt it says which packages to install.
set -eu

have() { command -v "$1" >/dev/null 2>&1; }

if ! have go; then
    echo "Go is missing: install Go 1.26 or later from https://go.dev/dl/ and put it on the PATH." >&2
    exit 1
fi

missing=()
have gcc || have cc || have clang || missing+=(compiler)
have pkg-config || missing+=(pkg-config)
if ! have pkg-config || ! pkg-config --exists lua5.4; then missing+=(lua); fi
[ ${#missing[@]} -eq 0 ] && exit 0

if have apt-get; then
    packages=()
    for m in "${missing[@]}"; do
        case $m in
            compiler) packages+=(gcc libc6-dev) ;;
            pkg-config) packages+=(pkg-config) ;;
            lua) packages+=(liblua5.4-dev) ;;
        esac
    done
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! have sudo; then
            echo "Please install, as root: apt-get install ${packages[*]}" >&2
            exit 1
        fi
        as_root=(sudo)
        [ -t 0 ] || as_root=(sudo -n)
    fi
    echo "installing ${packages[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}")
    if ! "${as_root[@]}" "${install[@]}" >/dev/null 2>&1; then
        "${as_root[@]}" apt-get update >&2 # the package lists may be old or missing
        "${as_root[@]}" "${install[@]}" >&2
    fi
elif have dnf; then
    echo "Please install: sudo dnf install gcc pkgconf-pkg-config lua-devel" >&2
    echo "eddy asks pkg-config for \"lua5.4\"; where the file is called lua.pc, link it: see CONTRIBUTING.md." >&2
    exit 1
elif have apk; then
    echo "Please install: apk add gcc musl-dev pkgconf lua5.4-dev" >&2
    exit 1
elif have brew; then
    echo "Please install: brew install pkg-config lua@5.4" >&2
    exit 1
else
    echo "Please install a C compiler, pkg-config, and Lua 5.4 with its headers (so that \"pkg-config lua5.4\" finds it)." >&2
    exit 1
fi
