# bash completion of leatctl(8): the program itself knows what may come next.
_leatctl()
{
	local IFS=$'\n'

	# shellcheck disable=SC2207	# one candidate a line, and IFS is a line's end
	COMPREPLY=($("${COMP_WORDS[0]}" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
	[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace
}
complete -o default -F _leatctl leatctl
