/*
 * log.h - what leatd has to say, a line at a time on standard error.
 *
 * Any thread but a worker's.  Levels are syslog's words; what is above the level set
 * is not written.
 */
#ifndef LEAT_VNF_LOG_H
#define LEAT_VNF_LOG_H

enum log_level { LEVEL_OFF, LEVEL_ERR, LEVEL_WARN, LEVEL_INFO, LEVEL_DBG };

void log_set_level(enum log_level level);
enum log_level log_level(void);

/* "off", "err", "warn", "info", "dbg", also "emer" for off.  -EINVAL. */
int log_level_parse(const char *word, enum log_level *level);
const char *log_level_name(enum log_level level);

void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_err(...) log_at(LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) log_at(LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LEVEL_INFO, __VA_ARGS__)
#define log_dbg(...) log_at(LEVEL_DBG, __VA_ARGS__)

#endif
