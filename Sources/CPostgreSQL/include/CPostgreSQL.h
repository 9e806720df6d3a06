// What is used of libpq, from a library that is loaded when it is first asked for: a process that
// speaks to no PostgreSQL maps neither libpq nor the dozen libraries behind it.
//
// Declared by hand, so that nothing is needed to compile it. The names behind `cpostgresql_` are
// libpq's own with the same meaning, unless a comment says otherwise:
// https://www.postgresql.org/docs/current/libpq.html. Its soname is 5 since PostgreSQL 8.2.
#pragma once

#include <stdint.h>

typedef struct pg_conn cpostgresql_connection;
typedef struct pg_result cpostgresql_result;

// libpq-fe.h: ConnStatusType, ExecStatusType, PGTransactionStatusType.
enum { CPOSTGRESQL_CONNECTION_OK = 0 };
enum {
    CPOSTGRESQL_EMPTY_QUERY = 0,
    CPOSTGRESQL_COMMAND_OK = 1,
    CPOSTGRESQL_TUPLES_OK = 2,
    CPOSTGRESQL_NONFATAL_ERROR = 6,
};
enum { CPOSTGRESQL_TRANSACTION_IDLE = 0, CPOSTGRESQL_TRANSACTION_FAILED = 3 };

// Loads the library. NULL when it is there (now or since long), else why not; may be asked again.
// The text is the calling thread's until its next call. Nothing below may be called before.
const char *cpostgresql_load(void);

// PQconnectdbParams with expand_dbname: `count` pairs, of which later ones win over earlier ones
// and over what `dbname` says if that is a URL before them. Notices of the server are dropped; the
// connection does not block. Ends after connect_timeout. NULL: out of memory.
cpostgresql_connection *cpostgresql_connect(
    const char *const *keywords, const char *const *values, int count);
void cpostgresql_finish(cpostgresql_connection *connection);
int cpostgresql_status(const cpostgresql_connection *connection);
int cpostgresql_transaction_status(const cpostgresql_connection *connection);
const char *cpostgresql_error_message(const cpostgresql_connection *connection);
// NULL when the server did not say.
const char *cpostgresql_parameter_status(
    const cpostgresql_connection *connection, const char *name);

int cpostgresql_send_query(cpostgresql_connection *connection, const char *sql);
int cpostgresql_send_prepare(
    cpostgresql_connection *connection, const char *name, const char *sql);
// All parameters and results in binary. `bytes` holds the parameters one after the other, of
// `lengths` bytes each; -1 is NULL.
int cpostgresql_send_query_prepared(
    cpostgresql_connection *connection, const char *name, int count, const uint8_t *bytes,
    const int *lengths);
// Sends what is left and receives, until PQgetResult has something to say without waiting: a
// result, or that the connection is lost. Returns 0 when `milliseconds` pass before, else 1.
int cpostgresql_await(cpostgresql_connection *connection, int milliseconds);
cpostgresql_result *cpostgresql_get_result(cpostgresql_connection *connection);

int cpostgresql_result_status(const cpostgresql_result *result);
// NULL when the server did not say.
const char *cpostgresql_result_sqlstate(const cpostgresql_result *result);
// The message alone, without what PostgreSQL would show of the data (DETAIL); may be NULL.
const char *cpostgresql_result_message(const cpostgresql_result *result);
const char *cpostgresql_cmd_tuples(cpostgresql_result *result);
void cpostgresql_clear(cpostgresql_result *result);
int cpostgresql_ntuples(const cpostgresql_result *result);
int cpostgresql_getisnull(const cpostgresql_result *result, int row, int column);
int cpostgresql_getlength(const cpostgresql_result *result, int row, int column);
const char *cpostgresql_getvalue(const cpostgresql_result *result, int row, int column);
// A boolean, smallint, integer or bigint as it comes in binary; 0 for NULL.
int64_t cpostgresql_integer(const cpostgresql_result *result, int row, int column);
