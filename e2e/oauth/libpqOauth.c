/*
 * Signs in by libpq 18's own OAUTHBEARER: libpq asks the server where a token can be had, this hook answers with one, libpq connects again
 * with it. The declarations are those of libpq-fe.h of PostgreSQL 18; no header of that version needs to be installed.
 *
 * Usage: libpqOauth CONNINFO SQL. For a token it writes "discovery-uri scope" on a line of stdout and reads the token from stdin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;
extern PGconn *PQconnectdb(const char *conninfo);
extern int PQstatus(const PGconn *conn);
extern char *PQerrorMessage(const PGconn *conn);
extern PGresult *PQexec(PGconn *conn, const char *query);
extern char *PQgetvalue(const PGresult *res, int row, int field);
extern int PQntuples(const PGresult *res);
extern int PQlibVersion(void);
extern void PQfinish(PGconn *conn);

enum { PQAUTHDATA_PROMPT_OAUTH_DEVICE, PQAUTHDATA_OAUTH_BEARER_TOKEN };
typedef struct PGoauthBearerRequest
{
	const char *openid_configuration;
	const char *scope;
	int (*async)(PGconn *conn, struct PGoauthBearerRequest *request, int *altsock);
	void (*cleanup)(PGconn *conn, struct PGoauthBearerRequest *request);
	char *token;
	void *user;
} PGoauthBearerRequest;
extern void PQsetAuthDataHook(int (*hook)(int type, PGconn *conn, void *data));

static char token[65536];

static int answer(int type, PGconn *conn, void *data)
{
	PGoauthBearerRequest *request = data;

	(void) conn;
	if (type != PQAUTHDATA_OAUTH_BEARER_TOKEN)
		return 0;
	printf("%s %s\n", request->openid_configuration, request->scope ? request->scope : "");
	fflush(stdout);
	if (fgets(token, sizeof(token), stdin) == NULL)
		return -1;
	token[strcspn(token, "\n")] = '\0';
	request->token = token;
	return 1;
}

int main(int argc, char **argv)
{
	PGconn *conn;
	PGresult *result;

	if (argc != 3)
		return 2;
	fprintf(stderr, "libpq %d\n", PQlibVersion());
	PQsetAuthDataHook(answer);
	conn = PQconnectdb(argv[1]);
	if (PQstatus(conn) != 0)
	{
		fprintf(stderr, "%s", PQerrorMessage(conn));
		return 1;
	}
	result = PQexec(conn, argv[2]);
	if (PQntuples(result) > 0)
		printf("%s\n", PQgetvalue(result, 0, 0));
	PQfinish(conn);
	return 0;
}
