/*
 * flow_keys.h - the keys of a filter of flows.  Private to flow_filter.c, which reads them, and
 * flow_match.c, which holds flows against them.
 */
#ifndef LEAT_VNF_FLOW_KEYS_H
#define LEAT_VNF_FLOW_KEYS_H

enum flow_filter_key {
	/* a frame alone says these */
	KEY_CLIENT,
	KEY_SERVER,
	KEY_ADDR,
	KEY_CPORT,
	KEY_SPORT,
	KEY_PORT,
	KEY_VLAN,
	KEY_DOMAIN,
	/* these only a flow does */
	KEY_ID,
	KEY_MODE,
	KEY_RULE,
	KEY_GENERATION,
	KEY_START,
	KEY_STATE,
	KEY_APP,
	KEY_SNI,
	KEY_HOST,
	KEY_ALPN,
	KEY_OLDER,
	KEY_IDLE,
	N_KEYS
};

#endif
