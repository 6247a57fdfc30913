/**
 * Redirection of pods' traffic into the proxy, and the change from one mechanism to the other. By
 * eBPF: the hooks at the root of cgroup2, the steering program of each pod, and the map entries
 * that tell them what to do. By iptables: the rules inside each pod.
 *
 * <p>Decides nothing about policy. All writes come from the enrolment thread; what the proxy asks
 * on its event loops is one system call. Start reading at {@link
 * io.sluice.interception.EbpfInterception}.
 */
@NullMarked
package io.sluice.interception;

import org.jspecify.annotations.NullMarked;
