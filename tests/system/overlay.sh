# shellcheck shell=bash
# A copy of this system that nothing outlives, and the package to install there: after lib.sh.

# make_deb: the packages' paths are the last lines.
make_deb() { make -C "$BUILD_DIR" -f Makefile deb; }

# in_overlay FOLDER FILE... SCRIPT: runs SCRIPT in an overlay of / that is mounted on FOLDER, as process
# 1 of its own: all that it starts ends with it.  The files are in its /root.  77: there is none.
in_overlay() {
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --mount-proc bash -c '
		root=$1; shift
		mount -t tmpfs none "$root" && mkdir "$root/upper" "$root/work" "$root/root" &&
		mount -t overlay overlay \
			-o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" "$root/root" &&
		mount -t proc proc "$root/root/proc" && mount --rbind /sys "$root/root/sys" &&
		mount --rbind /dev "$root/root/dev" && cp -r "$@" "$root/root/root/" || exit 77
		exec chroot "$root/root" /bin/bash "/root/$(basename "${!#}")"' in_overlay "$@" </dev/null
}
