/*
 * app_examples.h - how flows of each protocol begin, written down from the documents that
 * vnf/app/protocols.def names.
 *
 * EXAMPLE(chain, who speaks first, client's bytes, server's bytes)
 */
#define ZERO8 "\0\0\0\0\0\0\0\0"
#define ONES16 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
#define RANDOM32                                                           \
	"\x01\x92\xa3\xb4\xc5\xd6\xe7\xf8\x19\x2a\x3b\x4c\x5d\x6e\x7f\x80" \
	"\x91\xa2\xb3\xc4\xd5\xe6\xf7\x08\x1a\x2b\x3c\x4d\x5e\x6f\x71\x82"
/* ClientHello: SNI a.example, one suite, ALPN with the extension's length first */
#define HELLO(record, message, extensions, alpn)                        \
	"\x16\x03\x01" record "\x01\0" message "\x03\x03" RANDOM32 "\0" \
	"\0\x02\x13\x01"                                                \
	"\x01\0" extensions "\0\0\0\x0e\0\x0c\0\0\x09"                  \
	"a.example"                                                     \
	"\0\x10" alpn
#define HELLO_H2 HELLO("\0\x4a", "\0\x46", "\0\x1b", "\0\x05\0\x03\x02h2")
#define HELLO_DOT                           \
	HELLO("\0\x4b", "\0\x47", "\0\x1c", \
	      "\0\x06\0\x04\x03"            \
	      "dot")
#define SERVER_HELLO \
	"\x16\x03\x03\0\x32\x02\0\0\x2e\x03\x03" RANDOM32 "\0\x13\x01\0\0\x06\0\x2b\0\x02\x03\x04"

EXAMPLE("tls", CLIENT, HELLO_H2, SERVER_HELLO)
EXAMPLE("tls", SERVER, "", SERVER_HELLO)
EXAMPLE("tls", CLIENT,
	"\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10"
	"\0\0\x04\0\0\x05\0\0\x0a\0\0\x09\0\0\x64\0\0\x62\0\0\x03" RANDOM32,
	"")
EXAMPLE("dot", CLIENT, HELLO_DOT, SERVER_HELLO)
EXAMPLE("dns", CLIENT,
	"\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\x07"
	"example\0\0\x01\0\x01",
	"\0\x2d\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x03www\x07"
	"example\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01")
EXAMPLE("dns", CLIENT, "\0\x11\xab\xcd\0\0\0\x01\0\0\0\0\0\0\0\0\x02\0\x01", "")
EXAMPLE("proxy-protocol+http", CLIENT,
	"PROXY TCP4 192.0.2.7 198.51.100.9 40000 80\r\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
	"HTTP/1.1 200 OK\r\n\r\n")
EXAMPLE("proxy-protocol+tls", CLIENT,
	"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x09\x9c\x40\0\x50" HELLO_H2,
	SERVER_HELLO)
EXAMPLE("proxy-protocol+smtp", CLIENT, "PROXY UNKNOWN\r\nEHLO a\r\n", "220 b ESMTP\r\n")
EXAMPLE("socks", CLIENT, "\x05\x02\0\x02", "\x05\0")
EXAMPLE("socks", CLIENT,
	"\x04\x01\0\x50\xc0\0\x02\x01"
	"me\0",
	"\0\x5a" ZERO8)
EXAMPLE("bgp", CLIENT, ONES16 "\0\x1d\x01\x04\xfd\xe8\0\xb4\xc0\0\x02\x01\0",
	ONES16 "\0\x1d\x01\x04\xfd\xe9\0\xb4\xc0\0\x02\x02\0")
EXAMPLE("openvpn", CLIENT, "\0\x0e\x38\x11\x22\x33\x44\x55\x66\x77\x88\0\0\0\0\0",
	"\0\x1a\x40\x21\x22\x33\x44\x55\x66\x77\x88\x01\0\0\0\0")
EXAMPLE("openvpn", CLIENT,
	"\0\x36\x38\x11\x22\x33\x44\x55\x66\x77\x88\0\0\0\x01\x65\x43\x21\x09" RANDOM32
	"\x99\x98\x97\x96\x95",
	"")
EXAMPLE("pptp", CLIENT, "\0\x9c\0\x01\x1a\x2b\x3c\x4d\0\x01\0\0\x01\0",
	"\0\x9c\0\x01\x1a\x2b\x3c\x4d\0\x02\0\0\x01\0")
EXAMPLE("stun", CLIENT,
	"\0\x01\0\0\x21\x12\xa4\x42"
	"abcdefghijkl",
	"\x01\x01\0\0\x21\x12\xa4\x42"
	"abcdefghijkl")
EXAMPLE("diameter", CLIENT, "\x01\0\0\x74\x80\0\x01\x01\0\0\0\0\x11\x22\x33\x44",
	"\x01\0\0\x88\0\0\x01\x01\0\0\0\0\x11\x22\x33\x44")
EXAMPLE("sunrpc", CLIENT,
	"\x80\0\0\x28\x12\x34\x56\x78\0\0\0\0\0\0\0\x02\0\x01\x86\xa3\0\0\0\x04" ZERO8 ZERO8,
	"\x80\0\0\x18\x12\x34\x56\x78\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0")
EXAMPLE("kerberos", CLIENT,
	"\0\0\0\xa0\x6a\x81\x9d\x30\x81\x9a\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a",
	"\0\0\0\x60\x7e\x5e\x30\x5c\xa0\x03\x02\x01\x05")
EXAMPLE("ldap", CLIENT, "0\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0",
	"0\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0")
EXAMPLE("ldap", CLIENT, "0\x84\0\0\0\x1f\x02\x02\x01\x07\x63\x84\0\0\0\x15\x04\0\x0a\x01\0", "")
EXAMPLE("syslog", CLIENT, "<34>1 2026-01-02T03:04:05Z host app - - - text\n", "")
EXAMPLE("syslog", CLIENT, "61 <165>1 2026-01-02T03:04:05Z host app - - - text\n", "")
EXAMPLE("syslog", CLIENT, "<13>Oct 11 22:14:15 host su: text\n", "")

EXAMPLE("http", CLIENT, "GET /x HTTP/1.1\r\nHost: www.example\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n")
EXAMPLE("http", CLIENT, "CONNECT a.example:443 HTTP/1.1\r\n\r\n", "HTTP/1.1 407 Proxy\r\n\r\n")
EXAMPLE("http", CLIENT, "OPTIONS * HTTP/1.1\r\nHost: www.example\r\n\r\n", "")
EXAMPLE("http", CLIENT, "PROPFIND /dav HTTP/1.1\r\nHost: www.example\r\n\r\n", "")
EXAMPLE("http", SERVER, "", "HTTP/1.0 304 Not Modified\r\n\r\n")
EXAMPLE("http2", CLIENT, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
	"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64")
EXAMPLE("rtsp", CLIENT, "DESCRIBE rtsp://a.example/s RTSP/1.0\r\nCSeq: 1\r\n\r\n",
	"RTSP/1.0 200 OK\r\n")
EXAMPLE("rtsp", CLIENT, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", "")
EXAMPLE("sip", CLIENT, "REGISTER sip:a.example SIP/2.0\r\n", "SIP/2.0 200 OK\r\n")
EXAMPLE("sip", CLIENT, "OPTIONS sip:b@a.example SIP/2.0\r\n", "")
EXAMPLE("rtmp", CLIENT, "\x03\0\0\x12\x34\0\0\0\0" RANDOM32 RANDOM32,
	"\x03\0\0\x43\x21\0\0\0\0" RANDOM32 RANDOM32)
EXAMPLE("rtmp", CLIENT, "\x03\0\0\0\x10\x0a\0\x0c\x02" RANDOM32 RANDOM32,
	"\x03\0\0\x43\x21\x03\0\x05\x01" RANDOM32 RANDOM32)
EXAMPLE("bittorrent", CLIENT,
	"\x13"
	"BitTorrent protocol" ZERO8 RANDOM32,
	"\x13"
	"BitTorrent protocol" ZERO8 RANDOM32)

EXAMPLE("smtp", SERVER, "EHLO c.example\r\n", "220 mx.example ESMTP\r\n")
EXAMPLE("smtp", SERVER, "HELO c.example\r\n", "220 ftp.example ready\r\n")
EXAMPLE("smtp+tls", SERVER, "EHLO c.example\r\nSTARTTLS\r\n" HELLO_H2, "220 mx.example ESMTP\r\n")
EXAMPLE("ftp", SERVER, "USER anonymous\r\n", "220 (vsFTPd 3.0.3)\r\n")
EXAMPLE("ftp", SERVER, "USER anonymous\r\n", "220 Welcome\r\n")
EXAMPLE("ftp+tls", SERVER, "AUTH TLS\r\n" HELLO_H2, "220-ProFTPD Server\r\n")
EXAMPLE("ftp-data", SERVER, "", "drwxr-xr-x   2 0        0            4096 Jan 01 00:00 pub\r\n")
EXAMPLE("ftp-data", SERVER, "", "-rw-r--r--   1 0        0            4096 Jan 01 00:00 a\r\n")
EXAMPLE("imap", SERVER, "a1 LOGIN me secret\r\n", "* OK [CAPABILITY IMAP4rev1] ready\r\n")
EXAMPLE("imap", CLIENT, "A001 CAPABILITY\r\n", "")
EXAMPLE("imap+tls", SERVER, "a1 STARTTLS\r\n" HELLO_H2, "* OK ready\r\n")
EXAMPLE("pop3", SERVER, "USER me\r\n", "+OK ready\r\n")
EXAMPLE("pop3", SERVER, "USER me\r\n", "+OK\r\n")
EXAMPLE("pop3+tls", SERVER, "STLS\r\n" HELLO_H2, "+OK <1896.697170952@a.example>\r\n")
EXAMPLE("nntp", SERVER, "MODE READER\r\n", "200 news.example InterNetNews NNRP server ready\r\n")
EXAMPLE("nntp", SERVER, "GROUP misc.test\r\n", "200 hello\r\n")
EXAMPLE("nntp+tls", SERVER, "CAPABILITIES\r\nSTARTTLS\r\n" HELLO_H2, "200 NNTP Service Ready\r\n")
EXAMPLE("irc", CLIENT, "NICK me\r\nUSER me 0 * :Me\r\n", ":irc.example 001 me :Welcome\r\n")
EXAMPLE("irc", CLIENT, "PASS x\r\nNICK me\r\n", "")
EXAMPLE("irc", CLIENT, "CAP LS 302\r\n", ":irc.example CAP * LS :sasl\r\n")
EXAMPLE("irc", SERVER, "", "NOTICE AUTH :*** Looking up your hostname\r\n")
EXAMPLE("xmpp", CLIENT, "<?xml version='1.0'?><stream:stream to='a.example'>",
	"<?xml version='1.0'?><stream:stream>")
EXAMPLE("xmpp+tls", CLIENT,
	"<stream:stream to='a'><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" HELLO_H2,
	"<stream:stream>")

EXAMPLE("ssh", SERVER, "SSH-2.0-c_1\r\n", "SSH-2.0-s_1\r\n")
EXAMPLE("ssh", SERVER, "", "SSH-1.99-s_1\n")
EXAMPLE("telnet", SERVER, "\xff\xfb\x18\xff\xfb\x1f", "\xff\xfd\x18\xff\xfd\x1f\xff\xfd\x23")
EXAMPLE("telnet", SERVER, "\xff\xfc\x18", "\xff\xfd\x18login: ")
EXAMPLE("vnc", SERVER, "RFB 003.008\n", "RFB 003.008\n")
EXAMPLE("rdp", CLIENT, "\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0",
	"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0")
EXAMPLE("rdp", CLIENT, "\x03\0\0\x24\x1f\xe0\0\0\0\0\0Cookie: mstshash=abcdefg\r\n",
	"\x03\0\0\x0b\x06\xd0\0\0\x12\x34\0")
EXAMPLE("smb", CLIENT, "\0\0\0\x54\xffSMBr\0\0\0\0", "\0\0\0\x54\xfeSMB@\0")
EXAMPLE("smb", CLIENT,
	"\x81\0\0\x44\x20"
	"CKFDENECFDEFFCFGEFFCCACACACACACA\0",
	"\x82\0\0\0")
EXAMPLE("rsync", SERVER, "@RSYNCD: 31.0\n", "@RSYNCD: 31.0\n")
EXAMPLE("git", CLIENT, "0033git-upload-pack /project.git\0host=myserver.com\0",
	"00887217a7c7e582c46cec22a130adf4b9d7d950fba0 HEAD\0multi_ack\n")
EXAMPLE("git", SERVER, "", "00887217a7c7e582c46cec22a130adf4b9d7d950fba0 HEAD\0multi_ack\n")

#define MYSQL_GREETING   \
	"\x4a\0\0\0\x0a" \
	"8.0.35\0"       \
	"\x0b\0\0\0abcdefgh\0\xff\xf7\x08\x02\0"
EXAMPLE("mysql", SERVER,
	"\x54\0\0\x01\x85\xa6\x0f\0\0\0\0\x01\x21" ZERO8 ZERO8 "\0\0\0\0\0\0\0root\0",
	MYSQL_GREETING)
EXAMPLE("mysql", SERVER, "", MYSQL_GREETING)
EXAMPLE("mysql", SERVER,
	"\x20\0\0\x01\x85\xae\x0f\0\0\0\0\x01\x21" ZERO8 ZERO8 "\0\0\0\0\0\0\0" HELLO_H2,
	MYSQL_GREETING)
EXAMPLE("postgresql", CLIENT, "\0\0\0\x22\0\x03\0\0user\0me\0database\0test\0\0",
	"R\0\0\0\x0c\0\0\0\x05salt")
EXAMPLE("postgresql", CLIENT, "", "R\0\0\0\x08\0\0\0\0S\0\0\0\x16")
EXAMPLE("postgresql", CLIENT, "\0\0\0\x08\x04\xd2\x16\x2f", "N")
EXAMPLE("postgresql+tls", CLIENT, "\0\0\0\x08\x04\xd2\x16\x2f" HELLO_H2, "S" SERVER_HELLO)
EXAMPLE("mssql", CLIENT, "\x12\x01\0\x2f\0\0\x01\0\0\0\x1a\0\x06\x01\0\x20\0\x01",
	"\x04\x01\0\x2b\0\0\x01\0\0\0\x1a\0\x06\x01\0\x20\0\x01")
EXAMPLE("mssql", CLIENT, "\x10\x01\0\x90\0\0\x01\0\x88\0\0\0\x04\0\0\x74", "")
EXAMPLE("oracle", CLIENT, "\0\xc3\0\0\x01\0\0\0\x01\x3a\x01\x2c\0\0\x20\0", "\0\x08\0\0\x0b\0\0\0")
EXAMPLE("oracle", SERVER, "", "\0\x20\0\0\x02\0\0\0\x01\x36\0\0\x08\0")
EXAMPLE("mongodb", CLIENT, "\x3a\0\0\0\x01\0\0\0\0\0\0\0\xd4\x07\0\0\0\0\0\0admin.$cmd\0",
	"\x84\0\0\0\x02\0\0\0\x01\0\0\0\x01\0\0\0\x08\0\0\0")
EXAMPLE("mongodb", CLIENT, "\x5a\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0", "")
EXAMPLE("redis", CLIENT, "*1\r\n$4\r\nPING\r\n", "+PONG\r\n")
EXAMPLE("redis", CLIENT, "PING\r\n", "+PONG\r\n")
EXAMPLE("memcached", CLIENT, "set key 0 900 5\r\nvalue\r\n", "STORED\r\n")
EXAMPLE("memcached", CLIENT, "get key\r\n", "END\r\n")
EXAMPLE("memcached", CLIENT, "\x80\0\0\x03\0\0\0\0\0\0\0\x03\0\0\0\0" ZERO8 "key",
	"\x81\0\0\0\0\0\0\x01\0\0\0\x09")
EXAMPLE("cassandra", CLIENT, "\x04\0\0\0\x05\0\0\0\0", "\x84\0\0\0\x06\0\0\0\x2f\0\x02")
EXAMPLE("cassandra", CLIENT,
	"\x03\0\0\0\x01\0\0\0\x16\0\x01\0\x0b"
	"CQL_VERSION\0\x05"
	"3.0.0",
	"\x83\0\0\0\x02\0\0\0\0")
EXAMPLE("mqtt", CLIENT,
	"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04"
	"abcd",
	"\x20\x02\0\0")
EXAMPLE("mqtt", CLIENT,
	"\x10\x12\0\x06MQIsdp\x03\x02\0\x3c\0\x04"
	"abcd",
	"\x20\x02\0\0")
EXAMPLE("mqtt", CLIENT, "", "\x20\x06\0\0\x03\x21\0\x14")
EXAMPLE("amqp", CLIENT, "AMQP\0\0\x09\x01", "\x01\0\0\0\0\x01\xf0\0\x0a\0\x0a\0\x09")
EXAMPLE("amqp", CLIENT, "AMQP\x03\x01\0\0", "AMQP\x03\x01\0\0")
EXAMPLE("kafka", CLIENT,
	"\0\0\0\x19\0\x12\0\0\0\0\0\x01\0\x0f"
	"console-creator",
	"\0\0\0\x06\0\0\0\x01")
EXAMPLE("nats", SERVER, "CONNECT {\"verbose\":false}\r\n", "INFO {\"server_id\":\"x\"}\r\n")
EXAMPLE("zabbix", CLIENT, "ZBXD\x01\x0c\0\0\0\0\0\0\0", "ZBXD\x01\x0c\0\0\0\0\0\0\0")

EXAMPLE("modbus", CLIENT, "\0\x01\0\0\0\x06\x11\x03\0\x6b\0\x03",
	"\0\x01\0\0\0\x09\x11\x03\x06\x02\x2b\0\0\0\x64")
EXAMPLE("modbus", CLIENT, "\x12\x34\0\0\0\x05\x01\x2b\x0e\x01\0", "")
EXAMPLE("modbus", SERVER, "", "\0\x01\0\0\0\x03\x11\x83\x02")
EXAMPLE("s7comm", CLIENT,
	"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc1\x02\x01\0\xc2\x02\x01\x02\xc0\x01\x0a"
	"\x03\0\0\x19\x02\xf0\x80\x32\x01\0\0",
	"\x03\0\0\x16\x11\xd0\0\x01\0\x02\0\xc0\x01\x0a\xc1\x02\x01\0\xc2\x02\x01\x02"
	"\x03\0\0\x1b\x02\xf0\x80\x32\x03\0\0")
EXAMPLE("dnp3", CLIENT, "\x05\x64\x05\xc0\x01\0\0\x04\xe9\x21", "")
EXAMPLE("iec104", CLIENT, "h\x04\x07\0\0\0", "h\x04\x0b\0\0\0")
