/**
 * Redirection of one pod's traffic by iptables: rules as data, rendered by a pure function, and the
 * programs that put them into the pod's network namespace.
 *
 * <p>Writes only chains whose names start with {@code SLUICE_} and the jumps to them, never in the
 * node's own namespace. Verdicts and their order are those of docs/interception.md. Start reading
 * at {@link io.sluice.iptables.RuleSet} and {@link io.sluice.iptables.PodRedirection}.
 */
@NullMarked
package io.sluice.iptables;

import org.jspecify.annotations.NullMarked;
