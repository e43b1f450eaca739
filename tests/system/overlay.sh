# shellcheck shell=bash
# A copy of this system that nothing outlives, and the package to install there: after lib.sh.

# make_deb: the packages' paths are the last lines.
make_deb() { make -C "$BUILD_DIR" -f Makefile deb; }

# in_overlay FOLDER FILE... SCRIPT: runs SCRIPT in an overlay of / that is mounted on FOLDER, as process
# 1 of its own: all that it starts ends with it.  The files are in its /inside.  77: there is none.
in_overlay() {
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --mount-proc bash -c '
		folder=$1 top=$1/top; shift
		mount -t tmpfs none "$folder" && mkdir "$folder/upper" "$folder/work" "$top" &&
		mount -t overlay overlay \
			-o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$top" &&
		mount -t proc proc "$top/proc" && mount --rbind /sys "$top/sys" &&
		mount --rbind /dev "$top/dev" && mkdir -p "$top/inside" &&
		cp -r "$@" "$top/inside/" || exit 77
		exec chroot "$top" /bin/bash "/inside/$(basename "${!#}")"' in_overlay "$@" </dev/null
}
