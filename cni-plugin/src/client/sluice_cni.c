/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * sluice-cni: the plugin that container runtimes start, the last one of a chain. It asks the node
 * daemon; while that cannot be asked, a small local file decides which pods may start.
 *
 * Nothing of what it reads is trusted, nothing is allocated, and it never waits for anything longer
 * than its deadline: a plugin that hangs or crashes keeps the whole node from starting pods.
 */
#include "clock.h"
#include "cni.h"
#include "config.h"
#include "exchange.h"
#include "membership.h"
#include "start.h"
#include "syscalls.h"

#define STDIN 0
#define LARGEST_INPUT (1024 * 1024)
/* DEL and GC succeed anyway, and many of them wait in a row when a node is drained. */
#define FAREWELL_SECONDS 3
#define LONGEST_MESSAGE 2048

#define NO_DETAILS ""
#define HOW_TO_START                                                                          \
	"The runtime tries again by itself. See that Sluice's node daemon runs on this node " \
	"(sluice node status). Pods of namespaces outside the mesh start without it."

struct invocation {
	struct cni_environment environment;
	struct config config;
	struct slice input;
	int64_t begin;
};

static bool is_command(const struct invocation *invocation, const char *command)
{
	return slice_equals(cni_variable(&invocation->environment, CNI_COMMAND), slice_of(command));
}

static int64_t deadline_after(const struct invocation *invocation, int seconds)
{
	return invocation->begin + seconds * 1000;
}

/* Reads standard input to its end. 0, or the errno; EMSGSIZE: too large, ETIMEDOUT: no end. */
static int read_input(struct invocation *invocation, int seconds)
{
	static char buffer[LARGEST_INPUT + 1]; /* one more tells that there is more */
	int64_t deadline = deadline_after(invocation, seconds);
	size_t length = 0;

	while (length <= LARGEST_INPUT) {
		long got;

		if (!clock_wait(STDIN, POLLIN, deadline))
			return ETIMEDOUT;
		got = sys_read(STDIN, buffer + length, sizeof(buffer) - length);
		if (got == 0) {
			invocation->input = (struct slice){ buffer, length };
			return 0;
		}
		if (got > 0)
			length += (size_t)got;
		else if (got != -EINTR && got != -EAGAIN)
			return (int)-got;
	}
	return EMSGSIZE;
}

static void read_config(struct invocation *invocation, int seconds)
{
	struct config *config = &invocation->config;
	int error = read_input(invocation, seconds);

	/* Of no input; its problem is the one that this one replaces. */
	config_read(config, invocation->input);
	if (error == 0)
		return;
	config->problem.length = 0;
	config->code = error == EMSGSIZE ? CNI_INVALID_CONFIG : CNI_IO_FAILURE;
	text_put(&config->problem, "network configuration on standard input ");
	if (error == EMSGSIZE) {
		text_put(&config->problem, "is larger than 1 MiB");
	} else if (error == ETIMEDOUT) {
		text_put(&config->problem, "does not end");
	} else {
		text_put(&config->problem, "cannot be read: ");
		text_put_errno(&config->problem, error);
	}
}

static int refuse(const struct invocation *invocation, int code, const struct text *message,
		  const char *details)
{
	return cni_print_error(invocation->config.version, code, message, details);
}

/* Whether every variable is short enough; where not, its name is put to `problem`. */
static bool are_variables_short(const struct invocation *invocation, struct text *problem)
{
	enum cni_variable i;

	for (i = 0; i < CNI_VARIABLES; i++) {
		if (cni_variable(&invocation->environment, i).length > LONGEST_VARIABLE) {
			text_put(problem, cni_name(i));
			text_put(problem, " is longer than 64 KiB");
			return false;
		}
	}
	return true;
}

/* What an attachment needs; false, with all that is missing named, where it is not there. */
static bool are_variables_valid(const struct invocation *invocation, struct text *problem)
{
	static const enum cni_variable needed[] = { CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME };
	size_t i;

	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (cni_variable(&invocation->environment, needed[i]).length)
			continue;
		text_put(problem, problem->length ? ", " : "environment lacks ");
		text_put(problem, cni_name(needed[i]));
	}
	return problem->length == 0 && are_variables_short(invocation, problem);
}

/* Without the daemon: the pod starts as the plugins before us left it, or it has to wait. */
static int decide_alone(const struct invocation *invocation, struct slice result,
			const struct text *silence)
{
	static char buffer[LONGEST_MESSAGE];
	static char reason[LONGEST_MESSAGE / 2];
	struct text message = TEXT(buffer);
	struct text why = TEXT(reason);
	struct slice namespace;
	struct slice pod;

	if (!cni_argument(&invocation->environment, SLICE("K8S_POD_NAMESPACE"), &namespace))
		return cni_print(result) ? 0 : 1; /* not a pod of Kubernetes */
	if (membership_lets_start(invocation->config.membership, namespace, &why))
		return cni_print(result) ? 0 : 1;
	text_put(&message, "pod ");
	text_put_quoted(&message, namespace);
	text_put(&message, "/");
	if (!cni_argument(&invocation->environment, SLICE("K8S_POD_NAME"), &pod))
		pod = cni_variable(&invocation->environment, CNI_CONTAINERID);
	text_put_quoted(&message, pod);
	text_put(&message, " cannot start yet: ");
	text_put_slice(&message, (struct slice){ silence->buffer, silence->length });
	text_put(&message, ", and ");
	text_put_slice(&message, (struct slice){ why.buffer, why.length });
	return refuse(invocation, CNI_TRY_AGAIN_LATER, &message, HOW_TO_START);
}

static bool ask(const struct invocation *invocation, int namespace, int seconds,
		struct answer *answer, struct text *reason)
{
	struct request request = {
		.environment = &invocation->environment,
		.input = invocation->input,
		.namespace = namespace,
	};

	return exchange(invocation->config.socket, &request, deadline_after(invocation, seconds),
			answer, reason);
}

/* ADD and CHECK; only the former prints a result. */
static int attach(const struct invocation *invocation, bool prints_result)
{
	static char problem_buffer[LONGEST_MESSAGE];
	static char silence_buffer[LONGEST_MESSAGE / 2];
	const struct config *config = &invocation->config;
	struct slice path = cni_variable(&invocation->environment, CNI_NETNS);
	struct text problem = TEXT(problem_buffer);
	struct text silence = TEXT(silence_buffer);
	struct answer answer;
	int namespace;

	if (!are_variables_valid(invocation, &problem))
		return refuse(invocation, CNI_INVALID_VARIABLES, &problem, NO_DETAILS);
	if (config->code)
		return refuse(invocation, config->code, &config->problem, NO_DETAILS);
	if (!config->previous_result.length) {
		text_put(&problem, "network configuration: prevResult is missing: "
				   "sluice-cni can only be chained after other plugins");
		return refuse(invocation, CNI_INVALID_CONFIG, &problem, NO_DETAILS);
	}
	namespace = sys_open(path.at);
	if (namespace < 0) {
		text_put(&problem, "network namespace CNI_NETNS=");
		text_put_quoted(&problem, path);
		text_put(&problem, " cannot be opened: ");
		text_put_errno(&problem, -namespace);
		return refuse(invocation, CNI_IO_FAILURE, &problem, NO_DETAILS);
	}
	if (ask(invocation, namespace, config->timeout_seconds, &answer, &silence)) {
		bool is_success = answer.exit_status == 0;

		/* A runtime can make nothing of an ADD without a result, or a failure without a word. */
		if (answer.body.length || (is_success && !prints_result)) {
			if (is_success && !prints_result)
				return 0;
			return cni_print(answer.body) ? answer.exit_status : 1;
		}
		text_put(&silence, "the node daemon gave an empty answer");
	}
	return decide_alone(invocation, prints_result ? config->previous_result : SLICE(""),
			    &silence);
}

/* DEL and GC: what nobody hears now, the daemon finds out when it starts. */
static int say_farewell(const struct invocation *invocation)
{
	static char buffer[LONGEST_MESSAGE / 2];
	struct text ignored = TEXT(buffer);
	const struct config *config = &invocation->config;
	int seconds = config->timeout_seconds;
	struct answer answer;

	if (seconds > FAREWELL_SECONDS)
		seconds = FAREWELL_SECONDS;
	if (config->code != CNI_UNDECODABLE && config->socket[0] &&
	    are_variables_short(invocation, &ignored))
		ask(invocation, NO_DESCRIPTOR, seconds, &answer, &ignored);
	return 0;
}

int client_main(char **environment)
{
	static struct invocation invocation;
	static char buffer[LONGEST_MESSAGE];
	struct text problem = TEXT(buffer);
	struct slice command;
	bool is_farewell;

	invocation.begin = clock_millis();
	cni_read_environment(&invocation.environment, environment);
	is_farewell = is_command(&invocation, "DEL") || is_command(&invocation, "GC");
	read_config(&invocation, is_farewell ? FAREWELL_SECONDS : DEFAULT_TIMEOUT_SECONDS);
	if (is_farewell)
		return say_farewell(&invocation);
	if (is_command(&invocation, "ADD"))
		return attach(&invocation, true);
	if (is_command(&invocation, "CHECK"))
		return attach(&invocation, false);
	if (is_command(&invocation, "VERSION"))
		return cni_print_versions(invocation.config.version);
	if (is_command(&invocation, "STATUS")) {
		/* Not whether the daemon is there: no pod at all would start without it, not even its own. */
		const struct config *config = &invocation.config;

		return config->code ?
			       refuse(&invocation, config->code, &config->problem, NO_DETAILS) :
			       0;
	}
	command = cni_variable(&invocation.environment, CNI_COMMAND);
	text_put(&problem, "CNI_COMMAND ");
	if (command.length) {
		text_put(&problem, "has the unknown value ");
		text_put_quoted(&problem, command);
	} else {
		text_put(&problem, "is not set");
	}
	return refuse(&invocation, CNI_INVALID_VARIABLES, &problem,
		      "sluice-cni is started by container runtimes; it knows the commands "
		      "ADD, DEL, CHECK, GC, STATUS and VERSION.");
}
