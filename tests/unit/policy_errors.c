/* What is wrong in a policy is said with its place, its line and a caret, all of it in one run. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"
#include "vnf/policy/policy.h"

struct malformed {
	const char *text;
	const char *errors;	/* the first line of each */
};

#define END "default track\n"
#define ATTRIBUTES                                                                            \
	"expected an attribute (log, timeout, overlap, close, sink, cc, pace, idle-restart, " \
	"ecn, mss, flood, signed, window, urgent), "

static const struct malformed malformed[] = {
	{ "set <a> { 1.1.1.1/33 }\n"
	  "steer s: bridge b client c server d from <a> via e f next normal\n" END,
	  "t:1:11: expected a prefix length from 0 to 32\n" },
	{ "rule web proxy\n" END, "t:1:10: expected \":\", found \"proxy\"\n" },
	{ "rule : pass\n" END, "t:1:6: expected a name, found \":\"\n" },
	{ "rule web: forward\n" END,
	  "t:1:11: expected an action (proxy, track, passive, pass, drop, reset), found "
	  "\"forward\"\n" },
	{ "rule web: proxy port eighty\n" END,
	  "t:1:22: \"eighty\" is no port: expected a port, a range (8000:8999) or a <set> of "
	  "ports\n" },
	{ "rule web: proxy port 65536\n" END, "t:1:22: expected a port from 0 to 65535\n" },
	{ "rule web: proxy port 90:80\n" END, "t:1:22: the range is reversed: expected 80:90\n" },
	{ "rule web: proxy port 8000-8999\n" END,
	  "t:1:22: \"8000-8999\" is no port: expected a port, a range (8000:8999) or a <set> "
	  "of ports\n" },
	{ "rule web: proxy port { }\n" END,
	  "t:1:22: the list is empty: expected a port, a range (8000:8999) or a <set> of ports\n" },
	{ "rule web: proxy port { 80 443\n" END,
	  "t:2:1: expected an address, a number or a <set>, \"}\" or \":\", found \"default\"\n" },
	{ "rule web: proxy port\n" END,
	  "t:2:1: expected a port, a range (8000:8999), a <set>, { a list } or any, found "
	  "\"default\"\n" },
	{ "rule web: proxy to <lam>\n"
	  "set <lan> { 10.0.0.0/8 }\n" END,
	  "t:1:20: there is no set <lam>: the nearest name is <lan>\n" },
	{ "rule web: proxy to <zzz>\n" END, "t:1:20: there is no set <zzz>\n" },
	{ "set <lan> { 10.0.0.0/8 }\n"
	  "rule web: proxy to lan\n" END,
	  "t:2:20: \"lan\" is no address: expected the set as <lan>\n" },
	{ "rule web: proxy from 10.0.0.1/8\n" END,
	  "t:1:22: bits are set beyond the prefix length: expected 10.0.0.0/8\n" },
	{ "rule web: proxy from 10.0.0.0/33\n" END,
	  "t:1:22: expected a prefix length from 0 to 32\n" },
	{ "rule web: proxy from fd00::/129\n" END,
	  "t:1:22: expected a prefix length from 0 to 128\n" },
	{ "rule web: proxy from fd00::1/64\n" END,
	  "t:1:22: bits are set beyond the prefix length: expected fd00::/64\n" },
	{ "rule web: proxy from 10.0.0.256\n" END,
	  "t:1:22: \"10.0.0.256\" is not an IPv4 address\n" },
	{ "rule web: proxy from 1:2:3\n" END, "t:1:22: \"1:2:3\" is not an IPv6 address\n" },
	{ "rule web: proxy from ::ffff:1.2.3.4\n" END,
	  "t:1:22: \"::ffff:1.2.3.4\" is mapped IPv4: expected it as a.b.c.d\n" },
	{ "rule web: proxy from 10.0.0.0/8 to fd00::/8\n" END,
	  "t:1:33: \"from\" (line 1:17) is IPv4 and \"to\" is IPv6: rule \"web\" can never "
	  "match\n" },
	{ "rule web: proxy from ! any\n" END, "t:1:22: \"! any\" matches nothing\n" },
	{ "rule web: proxy port ! 0:65535\n" END,
	  "t:1:24: nothing is left: rule \"web\" can never match\n" },
	{ "rule web: proxy vlan 4095\n" END, "t:1:22: expected a VLAN from 1 to 4094\n" },
	{ "rule web: proxy vlan 100.0\n" END,
	  "t:1:22: \"100.0\" is no VLAN stack: expected VLANs from 1 to 4094\n" },
	{ "rule web: proxy vlan ! 5\n" END, "t:1:24: \"!\" can't be said of VLANs\n" },
	{ "rule web: proxy vlan 1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17\n" END,
	  "t:1:22: \"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.1...\" is too deep: expected at "
	  "most 16 VLANs\n" },
	{ "rule web: proxy vlan 10.0.0.0/8\n" END,
	  "t:1:22: \"10.0.0.0/8\" is no VLAN: expected 100, 100.200, 100:199 or untagged\n" },
	{ "rule web: proxy domain 65536\n" END, "t:1:24: expected a domain from 0 to 65535\n" },
	{ "set <a> { 1 }\n"
	  "rule web: proxy domain <a>\n" END,
	  "t:2:24: \"<a>\" is a set: expected numbers here\n" },
	{ "rule web: proxy proto udp\n" END,
	  "t:1:23: expected \"tcp\", found \"udp\": other protocols are not available in this "
	  "version\n" },
	{ "rule web: proxy from any from any\n" END,
	  "t:1:26: \"from\" is given twice: first at line 1:17\n" },
	{ "rule web: proxy { log, log }\n" END,
	  "t:1:24: \"log\" is given twice: first at line 1:19\n" },
	{ "rule web: proxy { timeout 300 }\n" END,
	  "t:1:27: expected a duration (300s, 5m, 1h), found \"300\"\n" },
	{ "rule web: proxy { timeout 1ms }\n" END, "t:1:27: expected a timeout from 1s to 365d\n" },
	{ "rule web: proxy { timeout 99999999999999999999h }\n" END,
	  "t:1:27: expected a timeout from 1s to 365d\n" },
	{ "rule web: pass { timeout 5s }\n" END,
	  "t:1:18: \"timeout\" takes effect with proxy, track and passive only\n" },
	{ "rule web: passive { overlap middle }\n" END,
	  "t:1:29: expected \"first\", \"last\", \"reject\" or a host (bsd, bsd-right, linux, "
	  "old-linux, solaris, old-solaris, hpux10, hpux11, irix, macos, windows, windows2k3, "
	  "vista), found \"middle\"\n" },
	{ "rule web: proxy { overlap first }\n" END,
	  "t:1:19: \"overlap\" takes effect with passive only\n" },
	{ "rule web: track { close local }\n" END,
	  "t:1:19: \"close local\" takes effect with proxy only\n" },
	{ "rule web: track { cc reno, mss 500 }\n" END,
	  "t:1:19: \"cc\" takes effect with proxy only\n"
	  "t:1:28: \"mss\" takes effect with proxy only\n" },
	{ "rule web: passive { pace idle-restart ecn off }\n" END,
	  "t:1:21: \"pace\" takes effect with proxy only\n"
	  "t:1:26: \"idle-restart\" takes effect with proxy only\n"
	  "t:1:39: \"ecn\" takes effect with proxy only\n" },
	{ "rule web: pass { flood drop, signed reset }\n" END,
	  "t:1:18: \"flood\" takes effect with proxy only\n"
	  "t:1:30: \"signed\" takes effect with proxy only\n" },
	{ "rule web: proxy { cc vegas }\n" END,
	  "t:1:22: expected \"cubic\" or \"reno\", found \"vegas\"\n" },
	{ "rule web: proxy { ecn strict }\n" END, "t:1:23: expected \"off\", found \"strict\"\n" },
	{ "rule web: proxy { flood reset }\n" END,
	  "t:1:25: expected \"pass\" or \"cookie\" or \"drop\", found \"reset\"\n" },
	{ "rule web: proxy { signed drop }\n" END,
	  "t:1:26: expected \"pass\" or \"reset\", found \"drop\"\n" },
	{ "rule web: proxy { mss 87 }\n" END,
	  "t:1:23: expected a segment size from 88 to 65495 bytes\n" },
	{ "rule web: track { urgent oob }\n" END,
	  "t:1:19: \"urgent\" takes effect with passive only\n" },

	{ "rule web: proxy { window strict }\n" END,
	  "t:1:19: \"window\" takes effect with track only\n" },
	{ "rule web: track { window tight }\n" END,
	  "t:1:26: expected \"loose\" or \"strict\", found \"tight\"\n" },
	{ "rule web: proxy { pace, pace }\n" END,
	  "t:1:25: \"pace\" is given twice: first at line 1:19\n" },
	{ "rule web: drop { sink count }\n" END,
	  "t:1:18: \"sink\" takes effect with passive only\n" },
	{ "rule web: passive { sink files \"streams\" }\n" END,
	  "t:1:32: expected the absolute path of a directory\n" },
	{ "rule web: passive { sink \"/x\" }\n" END,
	  "t:1:26: expected a sink (count, files, stream, eve, pcapng), found \"\"/x\"\"\n" },
	{ "rule web: passive { sink tape }\n" END,
	  "t:1:26: expected a sink (count, files, stream, eve, pcapng), found \"tape\"\n" },
	{ "rule web: track { sink stream }\n" END,
	  "t:1:19: \"sink stream\" takes effect with passive only\n" },
	{ "rule web: passive { sink stream, sink stream }\n" END,
	  "t:1:34: \"sink\" is given twice: first at line 1:21\n" },
	{ "rule web: track { sink eve \"events\" }\n" END,
	  "t:1:28: expected the absolute path of a file, or \"unix:\" and that of a socket\n" },
	{ "rule web: track { sink eve }\n" END,
	  "t:1:24: a path in quotes has to follow \"eve\"\n" },
	{ "rule web: track { sink eve \"/e\" keep gaps }\n" END,
	  "t:1:33: \"keep\" takes effect with pcapng only\n" },
	{ "rule web: pass { sink eve \"/e\" }\n" END,
	  "t:1:18: \"sink eve\" takes effect with proxy, track and passive only\n" },
	{ "rule web: track { sink pcapng \"/d\" keep gaps }\n" END,
	  "t:1:36: gaps and conflict take effect with passive only\n" },
	{ "rule web: passive { sink pcapng \"/d\" keep { gaps, ever } }\n" END,
	  "t:1:51: expected a verdict (always, gaps, conflict, reset, refused, timeout, idle, "
	  "evicted, unidentified, app), found \"ever\"\n" },
	{ "rule web: passive { sink pcapng \"/d\" keep app htpp }\n" END,
	  "t:1:47: there is no application \"htpp\": the nearest name is \"http\"\n" },
	{ "rule web: passive { sink files \"/x }\n" END,
	  "t:1:32: unterminated string: expected '\"' on the same line\n" },
	{ "rule web: passive { sink files \"/a\001b\" }\n" END,
	  "t:1:32: a string holds printable ASCII characters only\n" },
	{ "rule web: proxy { }\n" END, "t:1:19: " ATTRIBUTES "found \"}\"\n" },
	{ "rule web: proxy { colour }\n" END,
	  "t:1:19: " ATTRIBUTES "found \"colour\": is \"close\" meant?\n" },
	{ "rule web: proxy { timeot 5s }\n" END,
	  "t:1:19: " ATTRIBUTES "found \"timeot\": is \"timeout\" meant?\n" },
	{ "rule web: reset nobody\n" END,
	  "t:1:17: expected a condition (from, to, port, proto, vlan, untagged, on, domain, "
	  "app, sni, host, alpn), "
	  "an end (client, server, both), \"{\" or the next statement (rule, set, steer, "
	  "default, include), found \"nobody\"\n" },
	{ "rule web: snoop\n" END, "t:1:11: \"snoop\" is not available in this version\n" },
	{ "rule web: splice\n" END, "t:1:11: \"splice\" is not available in this version\n" },
	{ "rule web: release\n" END, "t:1:11: \"release\" is not available in this version\n" },
	{ "rule web: drop packet in on wan\n" END,
	  "t:1:16: \"packet\" is not available in this version\n" },
	{ "rule web: proxy sni <bad>\n" END, "t:1:21: there is no set <bad>\n" },
	{ "rule web: proxy app { smtp imab }\n" END,
	  "t:1:28: there is no application \"imab\": the nearest name is \"imap\"\n" },
	{ "rule web: proxy app \"smtp+tlz\"\n" END,
	  "t:1:21: there is no application \"smtp+tlz\"\n" },
	{ "rule web: proxy app 443\n" END,
	  "t:1:21: \"443\" is no name: expected names, or a <set> of them\n" },
	{ "set <bad> { a.example 10.0.0.0/8 }\nrule web: proxy sni <bad>\n" END,
	  "t:1:23: \"10.0.0.0/8\" is no name: expected names, or a <set> of them\n" },
	{ "set <bad> { a.example }\nrule web: proxy from <bad>\n" END,
	  "t:2:22: set <bad> holds names: expected an address, a prefix or a <set> of "
	  "addresses\n" },
	{ "rule web: proxy sni \"a.*.example\"\n" END,
	  "t:1:21: \"\"a.*.example\"\" is no name: \"*\" may only stand first, as in "
	  "*.example.com\n" },
	{ "rule web: proxy sni a.example host b.example\n" END,
	  "t:1:31: \"host\" is of HTTP/1 and \"sni\" of TLS: rule \"web\" can never match\n" },
	{ "rule web: proxy app ssh alpn h2\n" END,
	  "t:1:25: \"alpn\" is of TLS, which \"app\" leaves out: rule \"web\" can never match\n" },
	{ "rule web: proxy app { tls ssh } host a\n" END,
	  "t:1:33: \"host\" is of HTTP/1, which \"app\" leaves out: rule \"web\" can never "
	  "match\n" },
	{ "rule a: proxy sni *.example\nrule b: drop app tls sni { a.example b.c.example }\n" END,
	  "t:2:6: rule \"b\" can never match: rule \"a\" (line 1:6) takes all of it\n" },
	{ "rule a: proxy to any port 443\nrule b: reset to any port 443 sni a.example\n" END,
	  "t:2:6: rule \"b\" can never match: rule \"a\" (line 1:6) takes all of it\n" },
	{ "steer s: bridge br0 client p1 server p2 app tls via a b next normal\n" END,
	  "t:1:41: a selection can't know what a flow says: \"app\" is for rules\n" },
	{ "set inspect 3s 1024B\n" END, "t:1:16: expected a size from 64B to 512B\n" },
	{ "set inspect 3s lots\n" END, "t:1:16: expected a size from 64B to 512B\n" },
	{ "set inspect 1us 512B\n" END, "t:1:13: expected a time from 10ms to 60s\n" },
	{ "set inspect 1s 512B\nset inspect 2s 512B\n" END,
	  "t:2:13: \"2s\" is given twice: first at line 1:13\n" },
	{ "rule web: proxy { limit flows 100 per src }\n" END,
	  "t:1:19: \"limit\" is not available in this version\n" },
	{ "match proto tcp { rate 2mbit }\n" END,
	  "t:1:1: \"match\" is not available in this version\n" },
	{ "include x\n" END, "t:1:9: expected a quoted string, found \"x\"\n" },
	{ "include \"x\"\n" END,
	  "t:1:9: \"x\" did not come with this text: \"leatctl policy load\" and \"leatd "
	  "--expand-policy\" put it in\n" },
	{ "set <a> file \"x\"\nrule a: pass from <a>\n" END,
	  "t:1:14: \"x\" did not come with this text: \"leatctl policy load\" and \"leatd "
	  "--expand-policy\" put it in\n" },
	{ "rule log: pass\n" END,
	  "t:1:6: expected a name, found \"log\", a word of the language: as a name it goes in "
	  "quotes\n" },
	{ "rule host: pass\n" END,
	  "t:1:6: expected a name, found \"host\", a word of the language: as a name it goes "
	  "in quotes\n" },
	{ "rule \"a b\": pass\n" END,
	  "t:1:6: expected a name of letters, digits and \"_\", \".\", \":\", \"-\"\n" },
	{ "rule \"\": pass\n" END,
	  "t:1:6: expected a name of letters, digits and \"_\", \".\", \":\", \"-\"\n" },
	{ "rule \"-a\": pass\n" END, "t:1:6: a name does not begin with \"-\"\n" },
	{ "rule \"default\": pass\n" END, "t:1:6: \"default\" is the default's own name\n" },
	{ "rule nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn: pass\n" END,
	  "t:1:6: a name has at most 63 characters\n" },
	{ "rule a: pass to any port 1\n"
	  "rule a: drop\n" END,
	  "t:2:6: rule \"a\" is named twice: first at line 1:6\n" },
	{ "rule a: pass to any port 1:9\n"
	  "rule b: drop\n"
	  "rule c: proxy to 10.0.0.0/8 port { 2 4 }\n" END,
	  "t:3:6: rule \"c\" can never match: rule \"a\" (line 1:6) takes all of it\n" },
	{ "rule a: pass vlan { 5 100:200 }\n"
	  "rule b: drop vlan 150\n" END,
	  "t:2:6: rule \"b\" can never match: rule \"a\" (line 1:6) takes all of it\n" },
	{ "rule a: pass to any port 1:99\n"
	  "rule b: pass proto tcp to any port 100:199\n"
	  "rule c: drop proto tcp to any port 50:150\n" END,
	  "t:3:6: rule \"c\" can never match: rules \"a\" (line 1:6) and \"b\" (line 2:6) "
	  "together take all of it\n" },
	{ "rule a: pass from 10.0.0.0/9\n"
	  "rule b: pass from 10.128.0.0/9 to any port 0:1023\n"
	  "rule c: pass from 10.0.0.0/8 to any port 1024:65535\n"
	  "rule d: drop from 10.0.0.0/8 to 10.0.0.0/8\n"
	  "rule e: drop from 10.0.0.0/7 to 10.0.0.0/8\n" END,
	  "t:4:6: rule \"d\" can never match: rules \"a\" (line 1:6), \"b\" (line 2:6) and "
	  "\"c\" (line 3:6) together take all of it\n" },
	{ "rule a: pass from 0.0.0.0/0\n"
	  "rule b: pass to ::/0\n"
	  "rule c: drop to any port 80\n" END,
	  "t:3:6: rule \"c\" can never match: rules \"a\" (line 1:6) and \"b\" (line 2:6) "
	  "together take all of it\n" },
	{ "rule a: pass vlan 1:2000\n"
	  "rule b: pass vlan 2001:4094\n"
	  "rule c: pass untagged\n"
	  "rule d: pass vlan 7.8\n"
	  "rule e: drop vlan { untagged 7 7.8 1990:2010 }\n"
	  "rule f: drop vlan { untagged 7.9 }\n" END,
	  "t:5:6: rule \"e\" can never match: rules \"a\" (line 1:6), \"b\" (line 2:6), "
	  "\"c\" (line 3:6) and 1 more together take all of it\n" },
	{ "set <a> { 1 }\n"
	  "set <a> { 2 }\n" END,
	  "t:2:5: set <a> is defined twice: first at line 1:5\n" },
	{ "set <a> { 1 10.0.0.0/8 }\n" END,
	  "t:1:13: \"10.0.0.0/8\" is no port: expected a port, a range (8000:8999) or a <set> "
	  "of ports\n" },
	{ "set <a> { <a> }\n" END, "t:1:11: set <a> can't hold itself\n" },
	{ "set <a> { }\n" END,
	  "t:1:5: the list is empty: expected an address, a prefix or a <set> of addresses\n" },
	{ "set <a { 1 }\n" END, "t:1:5: expected a set written <name>: '>' is missing\n" },
	{ "set a { 1 }\n" END, "t:1:5: expected a <set> or \"inspect\", found \"a\"\n" },
	{ "set <a> { 1 }\n"
	  "rule b: pass from <a>\n" END,
	  "t:2:19: set <a> holds ports: expected an address, a prefix or a <set> of addresses\n" },
	{ "set <a> { 1.1.1.1.1 }\n"
	  "rule b: pass from <a>\n" END,
	  "t:1:11: \"1.1.1.1.1\" is not an IPv4 address\n" },
	{ "set <a> { ; }\n"
	  "rule b: pass from <a>\n" END,
	  "t:1:11: unexpected character ';'\n" },
	{ "", "t:1:1: expected \"default ACTION\": every policy has one\n" },
	{ "# nothing\n", "t:2:1: expected \"default ACTION\": every policy has one\n" },
	{ "default track\n"
	  "default drop\n",
	  "t:2:1: a second default: first at line 1:1\n" },
	{ "default\n",
	  "t:2:1: expected an action (proxy, track, passive, pass, drop, reset), found the end "
	  "of the file\n" },
	{ "default track to any\n",
	  "t:1:15: expected \"{\" or the next statement (rule, set, steer, default, include), "
	  "found \"to\"\n" },
	{ "rule a: pass @ drop\n" END, "t:1:14: unexpected character '@'\n" },
	{ "\303\251\n" END, "t:1:1: unexpected byte 0xc3\n" },
	{ "steer s: bridge \"br0;reboot\" client p1 server p2 via a b next normal\n" END,
	  "t:1:17: expected a name of letters, digits and \"_\", \".\", \":\", \"-\"\n" },
	{ "steer s: bridge br0 client \"-p\" server p2 via a b next normal\n" END,
	  "t:1:28: a name does not begin with \"-\"\n" },
	{ "steer s: bridge br0 client 7 server p2 via a b next normal\n" END,
	  "t:1:28: expected a name, found \"7\"\n" },
	{ "steer s: bridge br0 client \"7\" server \"LOCAL\" via a b next normal\n" END,
	  "t:1:28: \"7\" is a number to the switch: expected a name\n"
	  "t:1:39: \"LOCAL\" has a meaning of its own to the switch: expected a name\n" },
	{ "steer s: bridge br0 client p1 server p2 via a a next normal\n" END,
	  "t:1:47: port \"a\" is named twice: first at line 1:45\n" },
	{ "steer s: bridge br0 client p1 server p2 via a b next resubmit 0\n" END,
	  "t:1:63: expected a table from 1 to 254\n" },
	{ "steer s: bridge br0 client p1 server p2 via a b next resubmit 255\n" END,
	  "t:1:63: expected a table from 1 to 254\n" },
	{ "steer s: bridge br0 client p1 server p2 via a b\n" END,
	  "t:2:1: expected \"attachment\" or \"next\", found \"default\"\n" },
	{ "steer s: bridge br0 client p1 server p2 via a next normal\n" END,
	  "t:1:47: expected a name, found \"next\", a word of the language: as a name it goes "
	  "in quotes\n" },
	{ "steer s: bridge br0 client p1 server p2 via a b next normal fail maybe\n" END,
	  "t:1:66: expected \"closed\" or \"open\", found \"maybe\"\n" },
	{ "steer s: bridge br0 client p1 server p2 port 80 via a b next normal\n" END,
	  "t:1:41: expected \"proto tcp\" with \"port\" in a selection\n" },
	{ "steer s: bridge br0 client p1 server p2 from any port 1 on x domain 5 via a b next "
	  "normal\n" END,
	  "t:1:50: a selection goes by the server's port only\n"
	  "t:1:57: a selection names its ports by client and server\n"
	  "t:1:62: a selection has no domain\n" },
	{ "steer s: bridge br0 client p1 server p2 from ! 1.1.1.1 vlan 5:6 "
	  "via a b next normal\n" END,
	  "t:1:48: \"!\" is for rules only\n"
	  "t:1:61: expected one VLAN, untagged or any in a selection\n" },
	{ "steer s: bridge br0 client p1 server p2 via a b next normal\n"
	  "steer s: bridge br0 client p1 server p2 vlan 5 copy to c next normal\n" END,
	  "t:2:7: selection \"s\" can never match: \"s\" (line 1:7) takes all of it\n"
	  "t:2:7: selection \"s\" is named twice: first at line 1:7\n" },
	{ "steer s: bridge br0 client p1 server p2 copy to tap next normal fail open\n" END,
	  "t:1:65: expected the next statement (rule, set, steer, default, "
	  "include), found \"fail\"\n" },
	{ "steer s: bridge br0 client p1 server p2 via a b attachment 63 next normal\n" END,
	  "t:1:60: expected an attachment from 64 to 2046\n" },
	{ "steer s: bridge br0 client p1 server p2 via a b attachment 2047 next normal\n" END,
	  "t:1:60: expected an attachment from 64 to 2046\n" },
	{ "steer s: bridge br0 client p1 server p2 via a b attachment x next normal\n" END,
	  "t:1:60: expected a number, found \"x\"\n" },
	{ "steer s: bridge b client c server d via a b next normal\n"
	  "steer t: bridge b client e server d via a b next normal\n" END,
	  "t:2:41: these ports join another client and server already: expected an attachment for "
	  "each, as one is used by selection \"s\" (line 1:7)\n" },
	{ "steer s: bridge b client c server d via a b attachment 64 next normal\n"
	  "steer t: bridge b client e server d via a b attachment 64 next normal\n" END,
	  "t:2:45: these ports join another client and server already: expected an attachment for "
	  "each, as one is used by selection \"s\" (line 1:7)\n" },
	{ "steer s: bridge b client c server d via a b attachment 64 next normal\n"
	  "steer t: bridge b client e server d via f g attachment 64 next normal\n" END,
	  "t:2:45: this attachment is used by selection \"s\" (line 1:7)\n" },
	{ "steer s: bridge b client c server d vlan 1 via a b attachment 64 next normal\n"
	  "steer t: bridge b client c server d via a b attachment 65 next normal\n" END,
	  "t:2:45: the same ports, client and server have one attachment: expected that given by "
	  "selection \"s\" (line 1:7)\n" },
	{ "steer s: bridge b client c server d vlan 1 via a b next normal\n"
	  "steer t: bridge b client c server d via a b next resubmit 7\n" END,
	  "t:2:41: the same ports, client and server go on alike: expected the next given by "
	  "selection \"s\" (line 1:7)\n" },
	{ "steer s: bridge b client c server d vlan 1 via a b next normal\n"
	  "steer t: bridge b client c server d via b a next normal\n" END,
	  "t:2:41: one of these ports is in another pair by selection \"s\" (line 1:7)\n" },
	{ "steer s: bridge b client c server d vlan 1 via a b next normal\n"
	  "steer t: bridge q client c server d via a b next normal\n" END,
	  "t:2:41: these ports are named on another bridge by selection \"s\" (line 1:7)\n" },
	{ "steer s: bridge b client c server d via balance l4 { a e } next normal\n" END,
	  "t:1:49: expected \"l3\", \"l3l4\" or \"{\", found \"l4\": is \"l3\" meant?\n" },
	{ "steer s: bridge b client c server d via balance { } next normal\n" END,
	  "t:1:51: expected a name, found \"}\"\n" },
	{ "steer s: bridge b client c server d via balance { a e, f } next normal\n" END,
	  "t:1:58: expected a name, found \"}\"\n" },
	{ "steer s: bridge b client c server d via balance { a e, f a } next normal\n" END,
	  "t:1:58: port \"a\" is named twice: first at line 1:51\n" },
	{ "steer s: bridge b client c server d copy to a sample 10 next normal\n" END,
	  "t:1:57: expected \"/\", found \"next\"\n" },
	{ "steer s: bridge b client c server d copy to a sample 2/0 next normal\n" END,
	  "t:1:54: expected 1: one of N connections is copied\n"
	  "t:1:56: expected a number of connections from 1 to 65535\n" },
	{ "steer s: bridge b client c server d proto tcp mirror to a\n" END,
	  "t:1:37: a mirror copies all that crosses its client's port: expected no condition, or "
	  "\"copy to\"\n" },
	{ "steer s: bridge b client c server d mirror to a next normal\n" END,
	  "t:1:49: expected the next statement (rule, set, steer, default, "
	  "include), found \"next\"\n" },
	{ "steer s: bridge b client c server d mirror to a\n"
	  "steer t: bridge b client c server d copy to a next normal\n" END,
	  "t:2:45: copies and mirrors can't go to one port: it is used by selection \"s\" (line "
	  "1:7)\n" },
	{ "steer s: bridge b client c server d vlan 1 via a e next normal\n"
	  "steer t: bridge b client c server d copy to a next normal\n" END,
	  "t:2:45: a port is a tap or one of a pair: it is used otherwise by selection \"s\" (line "
	  "1:7)\n" },
	{ "rule a pass\n"
	  "rule b: pass to any port 99999\n"
	  "\trule c: track fron any\n"
	  "set <x> { 1:0 }\n",
	  "t:1:8: expected \":\", found \"pass\"\n"
	  "t:2:26: expected a port from 0 to 65535\n"
	  "t:3:16: expected a condition (from, to, port, proto, vlan, untagged, on, domain, "
	  "app, sni, host, alpn), "
	  "\"{\" or the next statement (rule, set, steer, default, include), found \"fron\": "
	  "is \"from\" meant?\n"
	  "t:4:11: the range is reversed: expected 0:1\n"
	  "t:5:1: expected \"default ACTION\": every policy has one\n" },
};

/* All errors as one string, which the caller frees; empty if the text parses. */
static char *
errors_of(const char *text, size_t len)
{
	struct policy_errors errs;
	struct policy *p;
	char *out = NULL;
	size_t size;
	FILE *f;
	int rc;

	rc = policy_parse("t", text, len, &p, &errs);
	CU_ASSERT_EQUAL(rc == 0, p != NULL);
	CU_ASSERT_EQUAL(rc == 0, errs.n == 0);
	policy_free(p);
	CU_ASSERT(rc == 0 || rc == -EINVAL);
	f = open_memstream(&out, &size);
	policy_errors_print(&errs, f);
	fclose(f);
	policy_errors_free(&errs);
	return out ? out : strdup("");
}

/* Keeps the lines that begin an error. */
static void
keep_messages(char *text)
{
	char *from = text, *to = text, *end;

	for (; *from; from = end) {
		end = strchr(from, '\n') + 1;
		if (*from == ' ')
			continue;
		memmove(to, from, (size_t)(end - from));
		to += end - from;
	}
	*to = '\0';
}

static void
malformed_input_is_refused_with_its_place(void)
{
	char *errors;
	size_t i;

	for (i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
		errors = errors_of(malformed[i].text, strlen(malformed[i].text));
		keep_messages(errors);
		if (strcmp(errors, malformed[i].errors) != 0) {
			printf("# %s# said:   %s# wanted: %s", malformed[i].text, errors,
			       malformed[i].errors);
			CU_FAIL("another error");
		}
		free(errors);
	}
}

static void
an_error_shows_its_line_and_a_caret(void)
{
	static const char text[] = "default track\n\trule a: pass to any\tport x\n";
	char *errors = errors_of(text, sizeof text - 1);

	CU_ASSERT_STRING_EQUAL(errors, "t:2:27: \"x\" is no port: expected a port, a range "
				       "(8000:8999) or a <set> of ports\n"
				       "    \trule a: pass to any\tport x\n"
				       "    \t                   \t     ^\n");
	free(errors);
}

static void
errors_are_bounded_and_in_order(void)
{
	struct policy_errors errs;
	struct policy *p;
	char *text = NULL;
	size_t len;
	unsigned i;
	FILE *f = open_memstream(&text, &len);

	for (i = 0; i < 60; i++)
		fprintf(f, "rule r%u: pass port 70000\n", i);
	fclose(f);
	CU_ASSERT_EQUAL(policy_parse("t", text, len, &p, &errs), -EINVAL);
	CU_ASSERT_EQUAL(errs.n, POLICY_ERRORS_MAX);
	CU_ASSERT_EQUAL(errs.n_more, 11);	/* and no default */
	for (i = 1; i < errs.n; i++)
		CU_ASSERT(errs.list[i - 1].line < errs.list[i].line);
	free(text);
	f = open_memstream(&text, &len);
	policy_errors_print(&errs, f);
	fclose(f);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "^\nand 11 more errors\n"));
	free(text);
	policy_errors_free(&errs);
	CU_ASSERT_EQUAL(errs.n, 0);
}

static void
bytes_that_a_terminal_would_obey_are_not_shown(void)
{
	static const char text[] = "rule a: \033[2Jpass\0\n" END;
	char *errors = errors_of(text, sizeof text - 1);

	CU_ASSERT_PTR_NULL(strchr(errors, '\033'));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(errors, "t:1:9: unexpected byte 0x1b\n    rule a: ?[2Jpass?\n"));
	free(errors);
}

static void
a_long_line_is_cut_around_the_place(void)
{
	char text[2048], *errors;

	memset(text, ' ', sizeof text);
	memcpy(text + 1000, "colour", 6);
	errors = errors_of(text, sizeof text);
	CU_ASSERT_PTR_NOT_NULL(strstr(errors, "t:1:1001: expected "));
	CU_ASSERT(strlen(errors) < 1000);
	free(errors);
}

static void
every_prefix_of_a_policy_is_read_without_harm(void)
{
	static const char text[] =
		"set <lan> { 10.0.0.0/8 fd00::/8 }\n"
		"steer s: bridge b client c server d proto tcp port { 80 8000:8999 } from <lan>\n"
		" via e f next resubmit 5 fail closed\n"
		"rule \"a\": passive in on x vlan { 100.200 5 } from ! <lan> port 5 to any port 6\n"
		" { log, timeout 5m, overlap first, sink files \"/x\" }\n"
		"default reset both { log }\n";
	/* The shortest part with a default. */
	const size_t whole = strlen(text) - strlen(" both { log }\n");
	size_t n;

	for (n = 0; n < sizeof text; n++) {
		/* Exact size: a sanitizer sees a read one byte past it. */
		char *part = malloc(n + 1), *errors;

		memcpy(part, text, n);
		errors = errors_of(part, n);
		CU_ASSERT(errors[0] != '\0' || n >= whole);
		free(errors);
		free(part);
	}
}

static void
texts_that_are_too_large_are_refused(void)
{
	struct policy_errors errs;
	struct policy *p;

	CU_ASSERT_EQUAL(policy_parse("t", "", (size_t)POLICY_TEXT_MAX + 1, &p, &errs), -EFBIG);
	CU_ASSERT_PTR_NULL(p);
	policy_errors_free(&errs);
}

TAP_MAIN(policy_errors,
	 { "P1 malformed_input_is_refused_with_its_place",
	   malformed_input_is_refused_with_its_place },
	 TAP_TEST(an_error_shows_its_line_and_a_caret), TAP_TEST(errors_are_bounded_and_in_order),
	 TAP_TEST(bytes_that_a_terminal_would_obey_are_not_shown),
	 TAP_TEST(a_long_line_is_cut_around_the_place),
	 TAP_TEST(every_prefix_of_a_policy_is_read_without_harm),
	 TAP_TEST(texts_that_are_too_large_are_refused))
