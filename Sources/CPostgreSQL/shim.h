#ifndef SLUICE_CPOSTGRESQL_SHIM_H
#define SLUICE_CPOSTGRESQL_SHIM_H

#include <libpq-fe.h>

/* Character constants, which Swift imports as signed characters of no use to libpq's own functions. */
static inline const char *sluice_pq_state(const PGresult *result) {
  return PQresultErrorField(result, PG_DIAG_SQLSTATE);
}

static inline const char *sluice_pq_message(const PGresult *result) {
  return PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
}

static inline const char *sluice_pq_constraint(const PGresult *result) {
  return PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
}

/* By default libpq writes the server's notices to the standard error. */
static inline void sluice_pq_ignore(void *nothing, const char *message) {
  (void)nothing;
  (void)message;
}

static inline void sluice_pq_be_quiet(PGconn *connection) {
  PQsetNoticeProcessor(connection, sluice_pq_ignore, (void *)0);
}

#endif
