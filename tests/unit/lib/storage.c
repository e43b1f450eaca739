#include "tests/unit/storage.h"

#include <ftw.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int64_t storage_now;
char storage_path[64];
struct store_config storage_config;
struct store *storage;
struct err storage_err;

static char folder[48];

static int64_t
now(void)
{
	return storage_now;
}

static int
remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int
storage_open(void)
{
	memset(&storage_err, 0, sizeof storage_err);
	return store_open(&storage, &storage_config, &storage_err);
}

void
storage_close(void)
{
	store_close(storage, NULL);
	storage = NULL;
}

void
storage_begin(bool open)
{
	strcpy(folder, "/tmp/leat-storage-XXXXXX");
	if (!mkdtemp(folder))
		abort();
	snprintf(storage_path, sizeof storage_path, "%s/leat.db", folder);
	storage_now = 1700000000000000;
	storage_config = (struct store_config){
		.path = storage_path,
		.instance = "blue",
		.version = "1.2.3",
		.busy_ms = 20,
		.now = now,
	};
	storage = NULL;
	if (open && storage_open() < 0) {
		printf("# %s\n", storage_err.msg);
		abort();
	}
}

void
storage_end(void)
{
	storage_close();
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static sqlite3 *
connection(void)
{
	sqlite3 *db;

	if (sqlite3_open(storage_path, &db) != SQLITE_OK)
		abort();
	sqlite3_busy_timeout(db, 1000);
	return db;
}

const char *
storage_text(const char *sql)
{
	static char text[4096];
	sqlite3 *db = connection();
	sqlite3_stmt *st = NULL;

	strcpy(text, "?");
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		printf("# %s: %s\n", sql, sqlite3_errmsg(db));
	else if (sqlite3_step(st) == SQLITE_ROW)
		snprintf(text, sizeof text, "%s",
			 sqlite3_column_type(st, 0) == SQLITE_NULL
				 ? "NULL"
				 : (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(db);
	return text;
}

int64_t
storage_int(const char *sql)
{
	const char *text = storage_text(sql);

	return *text == '?' ? -1 : strtoll(text, NULL, 10);
}

int
storage_sql(const char *sql)
{
	sqlite3 *db = connection();
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	sqlite3_close(db);
	return rc;
}

static sqlite3 *holder;

int
storage_hold(void)
{
	holder = connection();
	return sqlite3_exec(holder, "BEGIN IMMEDIATE", NULL, NULL, NULL);
}

void
storage_let_go(void)
{
	sqlite3_close(holder);
	holder = NULL;
}

void
storage_damage(long offset, const char *bytes, size_t size)
{
	FILE *f = fopen(storage_path, "r+b");

	if (!f || fseek(f, offset, SEEK_SET) != 0 || fwrite(bytes, 1, size, f) != size)
		abort();
	fclose(f);
}

void
storage_flow(struct flow_record *r, unsigned int n)
{
	uint32_t v = n * 100;
	int k;

	memset(r, 0, sizeof *r);
	r->started = storage_now + n;
	r->ended = storage_now + 1000000 + n;
	r->generation = n + 7;
	snprintf(r->flow_id, sizeof r->flow_id, "1:%u:3", n);
	r->domain = n + 9;
	r->family = 4;
	r->n_vlans = 2;
	r->vlan[0] = 100;
	r->vlan[1] = 4094;
	for (k = 0; k < 2; k++) {
		memcpy(r->end[k].addr, k ? "\x0a\x01\x02\x03" : "\xc0\x00\x02\xff", 4);
		r->end[k].port = k ? 443 : (uint16_t)(50000 + n % 10000);
		memcpy(r->end[k].mac, k ? "\x02\x00\x5e\x10\xff\x0b" : "\x02\x00\x5e\x10\xff\x0a",
		       6);
		r->direction[k].packets = ++v;
		r->direction[k].bytes = ++v;
		r->direction[k].gap_bytes = ++v;
		r->leg[k].srtt = ++v;
		r->leg[k].min_rtt = ++v;
		r->leg[k].retransmits = ++v;
		r->leg[k].out_of_order = ++v;
		r->leg[k].zero_windows = ++v;
		r->leg[k].handshake = 700 + (uint32_t)k;
		r->leg[k].retransmit_bytes = 710 + (uint64_t)k;
		r->leg[k].out_of_window = 720 + (uint32_t)k;
		r->direction[k].goodput = 730 + (uint64_t)k;
	}
	r->wscale_clamped = true;
	strcpy(r->mode, "proxy");
	strcpy(r->rule, "web");
	strcpy(r->app, "tls");
	strcpy(r->names, "sni=www.example\nalpn=h2;http/1.1\ntls_version=TLS 1.3\n"
			 "ja4=t13d\nech=a \"b\" \\x5c\n");
	strcpy(r->start, "syn");
	strcpy(r->roles, "known");
	strcpy(r->reason, "fin");
}

int
storage_add_flows(unsigned int from, unsigned int n)
{
	struct flow_record r;
	unsigned int i;
	int code = store_begin(storage, &storage_err);

	for (i = 0; i < n && code == 0; i++) {
		storage_flow(&r, from + i);
		code = store_flow_ended(storage, &r, &storage_err);
	}
	if (code == 0)
		code = store_commit(storage, &storage_err);
	/* As the writer does after each batch; what it can't is in the status. */
	store_sweep(storage, NULL);
	return code;
}
