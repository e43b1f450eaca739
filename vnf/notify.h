/*
 * notify.h - tells systemd how the service is (sd_notify(3)), without its library.
 *
 * Main thread.  Without $NOTIFY_SOCKET nothing happens.
 */
#ifndef LEAT_VNF_NOTIFY_H
#define LEAT_VNF_NOTIFY_H

#include "datapath/clock.h"

/* "READY=1", "STOPPING=1", "STATUS=..." and others, joined by new lines.  Never waits. */
void notify(const char *state);

/* Called in every turn of the control loop: tells the watchdog, as often as it asks for. */
void notify_watchdog(usec_t now);

#endif
