#!/bin/sh
# Sees to what `make bench` needs on Debian: installs it when run as root, else says what is missing.
set -eu

# Debian keeps servers where only root's PATH looks.
PATH=$PATH:/usr/sbin:/sbin

missing=
need() { # need PACKAGE CHECK...
  package=$1
  shift
  "$@" >/dev/null 2>&1 || missing="$missing $package"
}

need gcc command -v gcc
need libssl-dev pkg-config --atleast-version=3.0 openssl
need zlib1g-dev pkg-config --exists zlib
need pkg-config command -v pkg-config
need openssl command -v openssl
need python3 command -v python3
need util-linux command -v setpriv
need nginx command -v nginx
need libnginx-mod-stream test -e /usr/lib/nginx/modules/ngx_stream_module.so
need haproxy command -v haproxy

[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "missing Debian packages:$missing" >&2
  echo "run: sudo apt-get install --no-install-recommends$missing" >&2
  exit 1
fi
echo "installing$missing"
# The peers are measured, not run: packages that are installed here start no service.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get -qq update
# The names stand apart on purpose.
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
