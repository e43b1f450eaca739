/*
 * The grammar of leat-policy(5).
 *
 * Lists are read alike after every keyword and checked afterwards (check.c), so
 * that a wrong item is named by what its place wants and the statement goes on.
 * After a syntax error the scanner skips to the next statement's first word:
 * one error a statement, all statements in one run.
 *
 * Tokens and nodes live in the policy's arena and own nothing: there is nothing
 * for a %destructor to do.
 *
 * Words of later versions the scanner knows (T_LATER); the report says that they are not there yet.
 */
%code top {
#include <errno.h>
#include <stdlib.h>
#include <string.h>
}

%code requires {
#include "vnf/policy/ast.h"
}

%define api.pure full
%define api.prefix {policy_yy}
%define api.token.prefix {T_}
%define api.location.type {struct loc}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%parse-param { struct parser *ps }
%lex-param { struct parser *ps }

%initial-action { @$ = (struct loc){ .src = ps->p->sources, .line = 1, .col = 1 }; }

%union {
	const char *str;
	uint64_t num;
	struct word word;
	struct item *item;
	struct list *list;
	struct set *set;
	struct rule *rule;
	struct steer *steer;
	struct pair *pair;
	bool flag;
	int number;
}

%code provides {
int policy_yylex(POLICY_YYSTYPE *val, struct loc *loc, struct parser *ps);
}

%code {
#define YYLLOC_DEFAULT(cur, rhs, n)						\
	do {									\
		if (n) {							\
			(cur) = YYRHSLOC(rhs, 1);				\
			(cur).end = YYRHSLOC(rhs, n).end;			\
		} else {							\
			(cur) = YYRHSLOC(rhs, 0);				\
			(cur).off = (cur).end;					\
		}								\
	} while (0)

/* Takes what an allocation returned; parsing ends where there is no memory. */
#define NEED(x) do { if ((x) == NULL) YYNOMEM; } while (0)
/* A statement's first word was read: what went wrong before it is over. */
#define BEGIN()					\
	do {					\
		yyerrok;			\
		if (statement_begins(ps) != 0)	\
			YYNOMEM;		\
	} while (0)

static void policy_yyerror(const struct loc *loc, struct parser *ps, const char *msg);
}

%token <str> WORD "a name" STRING "a quoted string" SETNAME "a <set>"
%token <str> DOTTED "an IPv4 address" ADDR6 "an IPv6 address"
%token <num> NUMBER "a number" DURATION "a duration (300s, 5m, 1h)"
%token ALPN "alpn" ANY "any" APP "app" HOST "host" INSPECT "inspect" SNI "sni"
%token ATTACHMENT "attachment" BALANCE "balance" BOTH "both" BRIDGE "bridge" CC "cc"
%token CLIENT "client" CLOSE "close" CLOSED "closed"
%token COPY "copy" COUNT "count" DEFAULT "default" DOMAIN "domain" DROP "drop" ECN "ecn"
%token FAIL "fail" FILE_ "file" FLOOD "flood" IDLE_RESTART "idle-restart" INCLUDE "include"
%token FILES "files" FIRST "first" FROM "from" IN "in" L3 "l3" L3L4 "l3l4"
%token LOCAL "local" LOG "log" MIRROR "mirror" MSS "mss" NEXT "next"
%token NORMAL "normal" ON "on" OPEN "open" OVERLAP "overlap" PACE "pace" PASS "pass"
%token PASSIVE "passive"
%token PORT "port" PROTO "proto" PROXY "proxy" RESET "reset" RESUBMIT "resubmit" RULE "rule"
%token SAMPLE "sample" SERVER "server" SET "set" SIGNED "signed" SINK "sink" STEER "steer"
%token TCP "tcp" TIMEOUT "timeout"
%token TO "to" TRACK "track" UNTAGGED "untagged" URGENT "urgent" VIA "via" VLAN "vlan"
%token WINDOW "window"
%token LATER "a later version's word" LATER_STATEMENT "a later version's statement"
%token BAD "nothing readable"
%token LBRACE "{" RBRACE "}" COLON ":" NOT "!" COMMA "," SLASH "/"
%token ENDFILE "the end of this file"
%token YYEOF 0 "the end of the file"

/* `port` directly after from's or to's addresses belongs to them. */
%precedence ALONE
%precedence PORT

%type <word> name choice overlap
%type <item> item
%type <list> spec operand items elements
%type <set> set_head
%type <rule> action
%type <steer> path
%type <pair> pair pairs
%type <number> said reset_side next attachment balance sample toggle chosen
%type <flag> fail

%start policy

%%

policy: statements ;

statements:
	  %empty
	| statements statement
	| statements error
	;

statement: set | inspect | include | rule | default | steer | later | file_end ;

/* No statement goes on where its file has ended. */
file_end: ENDFILE { BEGIN(); } ;

/* The scanner reads the file next. */
include: INCLUDE { BEGIN(); } STRING ;

later:
	  LATER_STATEMENT
		{
			BEGIN();
			later_refuse(ps, &@1);
		}
	;

set:
	  set_head "{" items "}"
		{
			$set_head->list = $items;
			set_check(ps, $set_head);
		}
	| set_head FILE_ STRING items ENDFILE
		{
			$set_head->list = $items;
			$set_head->file = $STRING;
			set_check(ps, $set_head);
		}
	;

set_word: SET { BEGIN(); } ;
inspect:
	  set_word INSPECT DURATION WORD
		{ inspect_set(ps, $DURATION, &@DURATION, $WORD, &@WORD); }
	;

set_head:
	  set_word SETNAME
		{ NEED($$ = set_declare(ps, $SETNAME, @SETNAME)); }
	;

rule:
	  RULE { BEGIN(); } name ":" action matches attrs
		{
			$action->name = $name;
			rule_add(ps, $action);
		}
	;

default:
	  DEFAULT { BEGIN(); ps->default_seen = true; } action attrs
		{
			$action->name = (struct word){ "default", @DEFAULT };
			default_add(ps, $action);
		}
	;

action:
	  PROXY			{ NEED($$ = rule_new(ps, POLICY_PROXY)); }
	| TRACK			{ NEED($$ = rule_new(ps, POLICY_TRACK)); }
	| PASSIVE		{ NEED($$ = rule_new(ps, POLICY_PASSIVE)); }
	| PASS			{ NEED($$ = rule_new(ps, POLICY_PASS)); }
	| DROP			{ NEED($$ = rule_new(ps, POLICY_DROP)); }
	| RESET reset_side
		{
			NEED($$ = rule_new(ps, POLICY_RESET));
			$$->reset = (enum policy_reset)$reset_side;
		}
	;

reset_side:
	  %empty		{ $$ = POLICY_RESET_BOTH; }
	| BOTH			{ $$ = POLICY_RESET_BOTH; }
	| CLIENT		{ $$ = POLICY_RESET_CLIENT; }
	| SERVER		{ $$ = POLICY_RESET_SERVER; }
	;

matches:
	  %empty
	| matches condition
	;

condition:
	  FROM spec[a] %prec ALONE	{ match_list(ps, SEEN_FROM, $a, &@FROM); }
	| FROM spec[a] PORT spec[p]
		{
			match_list(ps, SEEN_FROM, $a, &@FROM);
			match_list(ps, SEEN_SPORT, $p, &@PORT);
		}
	| TO spec[a] %prec ALONE	{ match_list(ps, SEEN_TO, $a, &@TO); }
	| TO spec[a] PORT spec[p]
		{
			match_list(ps, SEEN_TO, $a, &@TO);
			match_list(ps, SEEN_DPORT, $p, &@PORT);
		}
	| PORT spec		{ match_list(ps, SEEN_DPORT, $spec, &@PORT); }
	| VLAN spec		{ match_list(ps, SEEN_VLAN, $spec, &@VLAN); }
	| UNTAGGED
		{
			struct list *l;
			struct item *i;

			NEED(l = list_new(ps, @$));
			NEED(i = item_new(ps, ITEM_UNTAGGED, @$));
			list_add(l, i);
			match_list(ps, SEEN_VLAN, l, &@UNTAGGED);
		}
	| DOMAIN spec		{ match_list(ps, SEEN_DOMAIN, $spec, &@DOMAIN); }
	| said spec		{ match_list(ps, (enum match_field)$said, $spec, &@said); }
	| PROTO TCP		{ match_tcp(ps, &@PROTO); }
	| PROTO WORD		{ proto_refuse(ps, &@WORD); }
	| PROTO NUMBER		{ proto_refuse(ps, &@NUMBER); }
	| ON name		{ match_on(ps, &$name, &@ON); }
	| IN ON name		{ match_on(ps, &$name, &@IN); }
	;

said:	  APP { $$ = SEEN_APP; } | SNI { $$ = SEEN_SNI; }
	| HOST { $$ = SEEN_HOST; } | ALPN { $$ = SEEN_ALPN; } ;

spec:
	  operand
	| "!" operand		{ $$ = $operand; list_negate(ps, $$, &@1); }
	;

operand:
	  ANY			{ NEED($$ = list_new(ps, @$)); $$->any = true; }
	| item			{ NEED($$ = list_new(ps, @$)); list_add($$, $item); }
	| "{" items "}"		{ $$ = $items; $$->loc = @$; }
	;

items:
	  %empty		{ NEED($$ = list_new(ps, @$)); }
	| elements
	;

elements:
	  item			{ NEED($$ = list_new(ps, @$)); list_add($$, $item); }
	| elements item		{ $$ = $1; list_add($$, $item); }
	| elements "," item	{ $$ = $1; list_add($$, $item); }
	;

item:
	  DOTTED		{ NEED($$ = item_text(ps, ITEM_DOTTED, $1, @$)); }
	| DOTTED "/" NUMBER	{ NEED($$ = item_prefix(ps, ITEM_DOTTED, $1, $3, @$)); }
	| ADDR6			{ NEED($$ = item_text(ps, ITEM_ADDR6, $1, @$)); }
	| ADDR6 "/" NUMBER	{ NEED($$ = item_prefix(ps, ITEM_ADDR6, $1, $3, @$)); }
	| NUMBER		{ NEED($$ = item_range(ps, $1, $1, @$)); }
	| NUMBER[lo] ":" NUMBER[hi]	{ NEED($$ = item_range(ps, $lo, $hi, @$)); }
	| SETNAME		{ NEED($$ = item_text(ps, ITEM_SET, $1, @$)); }
	| WORD			{ NEED($$ = item_text(ps, ITEM_WORD, $1, @$)); }
	| STRING		{ NEED($$ = item_text(ps, ITEM_WORD, $1, @$)); }
	| UNTAGGED		{ NEED($$ = item_new(ps, ITEM_UNTAGGED, @$)); }
	;

attrs:
	  %empty
	| "{" attr_list "}"
	;

attr_list:
	  attr
	| attr_list attr
	| attr_list "," attr
	;

attr:
	  LOG			{ attr_once(ps, ATTR_LOG, &@$); ps->attrs->v.log = true; }
	| TIMEOUT DURATION
		{
			attr_once(ps, ATTR_TIMEOUT, &@$);
			attr_timeout(ps, $DURATION, &@DURATION);
		}
	| OVERLAP overlap	{ overlap_choose(ps, &@$, &$overlap); }
	| CLOSE LOCAL
		{
			attr_once(ps, ATTR_CLOSE, &@$);
			ps->attrs->v.close_local = true;
		}
	| SINK sink
	| toggle		{ tune_choose(ps, (enum attr_field)$1, &@$, &(struct word){ 0 }); }
	| chosen choice		{ tune_choose(ps, (enum attr_field)$1, &@$, &$2); }
	| MSS NUMBER
		{
			attr_once(ps, ATTR_MSS, &@$);
			tune_mss(ps, $NUMBER, &@NUMBER);
		}
	;

sink:
	  COUNT			{ sink_count(ps, &@0); }
	| FILES STRING		{ sink_files(ps, &@0, $STRING, &@STRING); }
	| WORD			{ sink_word(ps, $WORD, &@0, &@WORD); }
	| WORD STRING keep	{ sink_path(ps, $WORD, &@0, &@WORD, $STRING, &@STRING); }
	;

keep:
	  %empty
	| WORD[k] verdict	{ sink_keep(ps, $k, &@k); }
	| WORD[k] "{" verdicts "}"	{ sink_keep(ps, $k, &@k); }
	;

verdicts:
	  verdict
	| verdicts verdict
	| verdicts "," verdict
	;

verdict:
	  WORD			{ sink_verdict(ps, $WORD, &@WORD); }
	| RESET			{ sink_verdict(ps, "reset", &@RESET); }
	| APP spec		{ sink_verdict_app(ps, $spec, &@APP); }
	;

toggle: PACE { $$ = ATTR_PACE; } | IDLE_RESTART { $$ = ATTR_IDLE_RESTART; } ;

chosen:
	  CC			{ $$ = ATTR_CC; }
	| ECN			{ $$ = ATTR_ECN; }
	| FLOOD			{ $$ = ATTR_FLOOD; }
	| SIGNED		{ $$ = ATTR_SIGNED; }
	| WINDOW		{ $$ = ATTR_WINDOW; }
	| URGENT		{ $$ = ATTR_URGENT; }
	;

overlap: WORD { $$ = (struct word){ $1, @$ }; } | FIRST { $$ = (struct word){ "first", @$ }; } ;

choice:
	  WORD			{ $$ = (struct word){ $1, @$ }; }
	| PASS			{ $$ = (struct word){ "pass", @$ }; }
	| DROP			{ $$ = (struct word){ "drop", @$ }; }
	| RESET			{ $$ = (struct word){ "reset", @$ }; }
	;

steer:
	  STEER { BEGIN(); } name[n] ":" BRIDGE name[b] CLIENT name[c] SERVER name[s] matches path
		{
			$path->name = $n;
			$path->bridge = $b;
			$path->client = $c;
			$path->server = $s;
			steer_add(ps, $path);
		}
	;

path:
	  VIA pair attachment NEXT next fail
		{
			NEED($$ = steer_new(ps, POLICY_STEER_INLINE, $next));
			$$->pairs = $pair;
			$$->attachment = (uint16_t)$attachment;
			$$->path = $attachment ? @attachment : @pair;
			$$->fail_closed = $fail;
		}
	| VIA BALANCE balance "{" pairs "}" NEXT next fail
		{
			NEED($$ = steer_new(ps, POLICY_STEER_INLINE, $next));
			$$->pairs = $pairs;
			$$->balanced = true;
			$$->balance = (enum policy_balance)$balance;
			$$->path = @BALANCE;
			$$->fail_closed = $fail;
		}
	| COPY TO name sample NEXT next
		{
			NEED($$ = steer_new(ps, POLICY_STEER_COPY, $next));
			$$->tap = $name;
			$$->sample = (unsigned)$sample;
			$$->path = @COPY;
		}
	| MIRROR TO name
		{
			NEED($$ = steer_new(ps, POLICY_STEER_MIRROR, 0));
			$$->tap = $name;
			$$->path = @MIRROR;
		}
	;

pair:
	  name[a] name[b]	{ NEED($$ = pair_new(ps, &$a, &$b)); }
	;

pairs:
	  pair
	| pairs pair		{ $$ = pair_append($1, $2); }
	| pairs "," pair	{ $$ = pair_append($1, $3); }
	;

attachment:
	  %empty		{ $$ = 0; }
	| ATTACHMENT NUMBER	{ $$ = attachment_check(ps, $NUMBER, &@NUMBER); }
	;

balance:
	  %empty		{ $$ = POLICY_BALANCE_L3L4; }
	| L3			{ $$ = POLICY_BALANCE_L3; }
	| L3L4			{ $$ = POLICY_BALANCE_L3L4; }
	;

sample:
	  %empty		{ $$ = 1; }
	| SAMPLE NUMBER[a] "/" NUMBER[n]
		{ $$ = sample_check(ps, $a, &@a, $n, &@n); }
	;

next:
	  NORMAL		{ $$ = 0; }
	| RESUBMIT NUMBER	{ $$ = table_check(ps, $NUMBER, &@NUMBER); }
	;

fail:
	  %empty		{ $$ = false; }
	| FAIL OPEN		{ $$ = false; }
	| FAIL CLOSED		{ $$ = true; }
	;

name:
	  WORD			{ $$ = (struct word){ $1, @$ }; }
	| STRING		{ $$ = (struct word){ $1, @$ }; }
	| MIRROR		{ $$ = (struct word){ "mirror", @$ }; }
	;

%%

enum { N_EXPECTED = 64 };

static int
yyreport_syntax_error(const yypcontext_t *ctx, struct parser *ps)
{
	const char *expected[N_EXPECTED];
	yysymbol_kind_t kinds[N_EXPECTED];
	const struct unexpected u = {
		.loc = yypcontext_location(ctx),
		.found = yysymbol_name(yypcontext_token(ctx)),
		.before = yysymbol_name(YY_ACCESSING_SYMBOL(*ctx->yyssp)),
		.is_word = yypcontext_token(ctx) == YYSYMBOL_WORD,
		.is_later = yypcontext_token(ctx) == YYSYMBOL_LATER,
		.is_bad = yypcontext_token(ctx) == YYSYMBOL_BAD,
		.expected = expected,
	};
	int i, n = yypcontext_expected_tokens(ctx, kinds, N_EXPECTED);

	for (i = 0; i < n; i++)
		expected[i] = yysymbol_name(kinds[i]);
	if (n >= 0)
		unexpected_report(ps, &u, n);
	return n < 0 ? n : 0;
}

/* Everything but syntax: out of memory, or nested too deep. */
static void
policy_yyerror(const struct loc *loc, struct parser *ps, const char *msg)
{
	(void)loc;
	(void)msg;
	ps->nomem = true;
}
