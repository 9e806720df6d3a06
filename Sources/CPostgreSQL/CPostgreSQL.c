#include "CPostgreSQL.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef cpostgresql_connection PGconn;
typedef cpostgresql_result PGresult;

// Every function that is used: result, name, parameters.
#define FUNCTIONS(F)                                                                            \
    F(PGconn *, PQconnectdbParams, (const char *const *, const char *const *, int))             \
    F(void, PQfinish, (PGconn *))                                                               \
    F(int, PQstatus, (const PGconn *))                                                          \
    F(int, PQtransactionStatus, (const PGconn *))                                               \
    F(char *, PQerrorMessage, (const PGconn *))                                                 \
    F(const char *, PQparameterStatus, (const PGconn *, const char *))                          \
    F(int, PQsocket, (const PGconn *))                                                          \
    F(int, PQsetnonblocking, (PGconn *, int))                                                   \
    F(void *, PQsetNoticeProcessor, (PGconn *, void (*)(void *, const char *), void *))         \
    F(int, PQsendQuery, (PGconn *, const char *))                                               \
    F(int, PQsendPrepare, (PGconn *, const char *, const char *, int, const unsigned *))        \
    F(int, PQsendQueryPrepared,                                                                 \
      (PGconn *, const char *, int, const char *const *, const int *, const int *, int))        \
    F(int, PQflush, (PGconn *))                                                                 \
    F(int, PQconsumeInput, (PGconn *))                                                          \
    F(int, PQisBusy, (PGconn *))                                                                \
    F(PGresult *, PQgetResult, (PGconn *))                                                      \
    F(int, PQresultStatus, (const PGresult *))                                                  \
    F(char *, PQresultErrorField, (const PGresult *, int))                                      \
    F(char *, PQcmdTuples, (PGresult *))                                                        \
    F(void, PQclear, (PGresult *))                                                              \
    F(int, PQntuples, (const PGresult *))                                                       \
    F(int, PQgetisnull, (const PGresult *, int, int))                                           \
    F(int, PQgetlength, (const PGresult *, int, int))                                           \
    F(char *, PQgetvalue, (const PGresult *, int, int))

#define MEMBER(result, name, parameters) result(*name) parameters;
static struct { FUNCTIONS(MEMBER) } libpq;

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
static int is_loaded;

const char *cpostgresql_load(void)
{
    static _Thread_local char reason[256];
    void *library = NULL;
    const char *missing = NULL;
    pthread_mutex_lock(&loading);
    if (is_loaded)
        goto done;
    library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        missing = dlerror();
        goto done;
    }
#define LOOK_UP(result, name, parameters)                  \
    *(void **)&libpq.name = dlsym(library, #name);         \
    if (!libpq.name) {                                     \
        missing = #name " is not in libpq.so.5";           \
        goto done;                                         \
    }
    FUNCTIONS(LOOK_UP)
    is_loaded = 1;
done:
    if (missing) {
        snprintf(reason, sizeof reason, "%s", missing);
        if (library)
            dlclose(library);
    }
    pthread_mutex_unlock(&loading);
    return missing ? reason : NULL;
}

static void drop_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

enum { PAIRS_MAX = 32, PARAMETERS_MAX = 32 };

cpostgresql_connection *cpostgresql_connect(
    const char *const *keywords, const char *const *values, int count)
{
    const char *keys[PAIRS_MAX + 1] = {NULL}, *texts[PAIRS_MAX + 1] = {NULL};
    if (count > PAIRS_MAX)
        abort();
    for (int pair = 0; pair < count; pair++) {
        keys[pair] = keywords[pair];
        texts[pair] = values[pair];
    }
    PGconn *connection = libpq.PQconnectdbParams(keys, texts, 1);
    if (connection && libpq.PQstatus(connection) == CPOSTGRESQL_CONNECTION_OK) {
        libpq.PQsetNoticeProcessor(connection, drop_notice, NULL);
        libpq.PQsetnonblocking(connection, 1);
    }
    return connection;
}

void cpostgresql_finish(cpostgresql_connection *connection) { libpq.PQfinish(connection); }

int cpostgresql_status(const cpostgresql_connection *connection)
{
    return libpq.PQstatus(connection);
}

int cpostgresql_transaction_status(const cpostgresql_connection *connection)
{
    return libpq.PQtransactionStatus(connection);
}

const char *cpostgresql_error_message(const cpostgresql_connection *connection)
{
    return libpq.PQerrorMessage(connection);
}

const char *cpostgresql_parameter_status(
    const cpostgresql_connection *connection, const char *name)
{
    return libpq.PQparameterStatus(connection, name);
}

int cpostgresql_send_query(cpostgresql_connection *connection, const char *sql)
{
    return libpq.PQsendQuery(connection, sql);
}

int cpostgresql_send_prepare(cpostgresql_connection *connection, const char *name, const char *sql)
{
    return libpq.PQsendPrepare(connection, name, sql, 0, NULL);
}

int cpostgresql_send_query_prepared(
    cpostgresql_connection *connection, const char *name, int count, const uint8_t *bytes,
    const int *lengths)
{
    const char *values[PARAMETERS_MAX];
    int formats[PARAMETERS_MAX];
    if (count > PARAMETERS_MAX)
        abort();
    for (int index = 0; index < count; index++) {
        // Any pointer but NULL, which means NULL, for a value of no bytes.
        values[index] = lengths[index] < 0 ? NULL : lengths[index] == 0 ? "" : (const char *)bytes;
        formats[index] = 1;
        if (lengths[index] > 0)
            bytes += lengths[index];
    }
    return libpq.PQsendQueryPrepared(connection, name, count, values, lengths, formats, 1);
}

static int64_t monotonic_milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int cpostgresql_await(cpostgresql_connection *connection, int milliseconds)
{
    int64_t deadline = monotonic_milliseconds() + milliseconds;
    for (;;) {
        int unsent = libpq.PQflush(connection);
        // What the server said before it closed is still to be read: PQgetResult does.
        if (unsent < 0)
            return 1;
        if (unsent == 0 && !libpq.PQisBusy(connection))
            return 1;
        int64_t left = deadline - monotonic_milliseconds();
        if (left <= 0)
            return 0;
        struct pollfd socket = {
            .fd = libpq.PQsocket(connection),
            .events = (short)(POLLIN | (unsent ? POLLOUT : 0)),
        };
        if (socket.fd < 0)
            return 1;
        int ready = poll(&socket, 1, (int)left);
        if (ready < 0 && errno != EINTR)
            return 1;
        // One byte of input may be what keeps the server from taking ours.
        if (ready > 0 && socket.revents & ~POLLOUT && !libpq.PQconsumeInput(connection))
            return 1;
    }
}

cpostgresql_result *cpostgresql_get_result(cpostgresql_connection *connection)
{
    return libpq.PQgetResult(connection);
}

int cpostgresql_result_status(const cpostgresql_result *result)
{
    return libpq.PQresultStatus(result);
}

// postgres_ext.h: PG_DIAG_SQLSTATE, PG_DIAG_MESSAGE_PRIMARY.
const char *cpostgresql_result_sqlstate(const cpostgresql_result *result)
{
    return libpq.PQresultErrorField(result, 'C');
}

const char *cpostgresql_result_message(const cpostgresql_result *result)
{
    return libpq.PQresultErrorField(result, 'M');
}

const char *cpostgresql_cmd_tuples(cpostgresql_result *result)
{
    return libpq.PQcmdTuples(result);
}

void cpostgresql_clear(cpostgresql_result *result) { libpq.PQclear(result); }

int cpostgresql_ntuples(const cpostgresql_result *result) { return libpq.PQntuples(result); }

int cpostgresql_getisnull(const cpostgresql_result *result, int row, int column)
{
    return libpq.PQgetisnull(result, row, column);
}

int cpostgresql_getlength(const cpostgresql_result *result, int row, int column)
{
    return libpq.PQgetlength(result, row, column);
}

const char *cpostgresql_getvalue(const cpostgresql_result *result, int row, int column)
{
    return libpq.PQgetvalue(result, row, column);
}

int64_t cpostgresql_integer(const cpostgresql_result *result, int row, int column)
{
    if (libpq.PQgetisnull(result, row, column))
        return 0;
    const uint8_t *bytes = (const uint8_t *)libpq.PQgetvalue(result, row, column);
    int count = libpq.PQgetlength(result, row, column);
    if (count < 1 || count > 8)
        return 0;
    // Sign extension: the first byte as a signed one.
    uint64_t value = (uint64_t)(int64_t)(int8_t)bytes[0];
    for (int index = 1; index < count; index++)
        value = value << 8 | bytes[index];
    return (int64_t)value;
}
