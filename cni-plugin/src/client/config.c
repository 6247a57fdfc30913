/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "config.h"

#include "cni.h"
#include "json.h"
#include "start.h"

/* For a configuration without a version: the newest that this client knows. */
#define DEFAULT_VERSION "1.1.0"

/* Longer than every name that is looked for. */
#define LONGEST_NAME 32

struct text *config_problem(struct config *config, int code)
{
	static char later[1];
	static struct text discarded;

	if (config->code == 0) {
		config->code = code;
		return &config->problem;
	}
	discarded = TEXT(later);
	return &discarded;
}

static struct text *member_problem(struct config *config, const char *name)
{
	struct text *problem = config_problem(config, CNI_INVALID_CONFIG);

	text_put(problem, "network configuration: ");
	text_put(problem, name);
	return problem;
}

static bool is_version(const char *text)
{
	const char *at;

	for (at = text; *at; at++)
		if (*at != '.' && *at != '-' && *at != '+' && !(*at >= '0' && *at <= '9') &&
		    !(*at >= 'a' && *at <= 'z') && !(*at >= 'A' && *at <= 'Z'))
			return false;
	return at != text;
}

static void read_version(struct config *config, struct slice value)
{
	char version[LONGEST_VERSION];

	if (value.at[0] == '"' && json_decode(value, version, sizeof(version)) &&
	    is_version(version))
		memcpy(config->version, version, sizeof(version));
	else
		text_put(member_problem(config, "cniVersion"), " is no version such as \"1.0.0\"");
}

/* An absolute path: the directory that the runtime starts plugins in is nobody's promise. */
static void read_path(struct config *config, const char *name, struct slice value, char *to,
		      size_t size)
{
	struct text *problem;

	if (value.at[0] == '"' && json_decode(value, to, size) && to[0] == '/')
		return;
	to[0] = '\0';
	problem = member_problem(config, name);
	text_put(problem, " is no absolute path of at most ");
	text_put_number(problem, size - 1);
	text_put(problem, " bytes");
}

static void read_timeout(struct config *config, struct slice value)
{
	int seconds = slice_number(value, 2);

	if (seconds >= 1 && seconds <= LONGEST_TIMEOUT_SECONDS)
		config->timeout_seconds = seconds;
	else
		text_put(member_problem(config, "timeoutSeconds"),
			 " is no whole number from 1 to 60");
}

static void read_previous_result(struct config *config, struct slice value)
{
	if (value.at[0] == '{')
		config->previous_result = value;
	else if (slice_equals(value, SLICE("null")))
		config->previous_result.length = 0;
	else
		text_put(member_problem(config, "prevResult"), " is no object");
}

static void read_member(struct config *config, struct slice name, struct slice value)
{
	char decoded[LONGEST_NAME];
	struct slice key;

	if (!json_decode(name, decoded, sizeof(decoded)))
		return; /* too long for one of ours */
	key = slice_of(decoded);
	if (slice_equals(key, SLICE("cniVersion")))
		read_version(config, value);
	else if (slice_equals(key, SLICE("socket")))
		read_path(config, "socket", value, config->socket, sizeof(config->socket));
	else if (slice_equals(key, SLICE("membership")))
		read_path(config, "membership", value, config->membership,
			  sizeof(config->membership));
	else if (slice_equals(key, SLICE("timeoutSeconds")))
		read_timeout(config, value);
	else if (slice_equals(key, SLICE("prevResult")))
		read_previous_result(config, value);
}

static bool scan_members(struct config *config, struct json *json)
{
	if (!json_expect(json, '{', "something that is no object"))
		return false;
	if (json_skip_space(json) && json->text.at[json->at] == '}') {
		json->at++;
		return true;
	}
	do {
		struct slice name;
		struct slice value;

		if (!json_skip_space(json) || json->text.at[json->at] != '"') {
			json->problem = "a member without a name";
			return false;
		}
		if (!json_value(json, &name) ||
		    !json_expect(json, ':', "a member's name without a colon") ||
		    !json_value(json, &value))
			return false;
		read_member(config, name, value);
		if (json_skip_space(json) && json->text.at[json->at] == '}') {
			json->at++;
			return true;
		}
	} while (json_expect(json, ',', "an object that does not end"));
	return false;
}

void config_read(struct config *config, struct slice text)
{
	static char problem[1024];
	struct json json = { .text = text };

	memset(config, 0, sizeof(*config));
	memcpy(config->version, DEFAULT_VERSION, sizeof(DEFAULT_VERSION));
	config->timeout_seconds = DEFAULT_TIMEOUT_SECONDS;
	config->problem = TEXT(problem);
	if (scan_members(config, &json) && json_skip_space(&json))
		json.problem = "more after the object";
	if (json.problem) {
		/* The reason for whatever was told of a member before. */
		config->code = CNI_UNDECODABLE;
		config->problem.length = 0;
		text_put(&config->problem, "network configuration is no JSON: ");
		text_put(&config->problem, json.problem);
		text_put(&config->problem, " at byte ");
		text_put_number(&config->problem, json.at);
		return;
	}
	if (!config->socket[0])
		text_put(member_problem(config, "socket"),
			 " is missing: the path of the node daemon's socket");
	if (!config->membership[0])
		text_put(member_problem(config, "membership"),
			 " is missing: the path of the file that decides without the node daemon");
}
